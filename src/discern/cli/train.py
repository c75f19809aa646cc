"""``discern train``: a folder of images and LabelMe files to one weights file."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="Folder of this run.")],
    config: Annotated[str, typer.Option(help="yolov5, paper, best, or a TOML file.")] = "best",
    split: Annotated[
        Path | None, typer.Option(help="A split.json; without it patients are split 70/20/10.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configured number.")] = None,
    size: Annotated[str | None, typer.Option(help="Network size: n, s or m.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Input size in pixels.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step and process.")] = None,
    phantom_patients: Annotated[int | None, typer.Option(help="Synthetic patients.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes, or GPUs.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes that prepare images.")] = 1,
) -> None:
    """Train a network; prints the estimated minutes first, and the figures as they come."""
    import logging

    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import read_split, split_patients
    from discern.training.config import read_config
    from discern.training.overrides import Overrides, with_overrides
    from discern.training.run import RunOptions
    from discern.training.run import train as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    overrides = Overrides(epochs, size, image_size, batch_size, phantom_patients, seed)
    chosen = with_overrides(read_config(config), overrides)
    data = read_dataset(dataset)
    if split is not None:
        parts = read_split(split, data)
    elif resume:
        parts = read_split(out / "split.json", data)
    else:
        parts = split_patients(data, chosen.seed)
    weights = run(chosen, data, parts, RunOptions(out, resume, accelerator, devices, workers))
    typer.echo(f"weights: {weights}")
