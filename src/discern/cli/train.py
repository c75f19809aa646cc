"""``discern train``: a folder of images and LabelMe files to one weights file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from discern.dataset.sources import Dataset
    from discern.dataset.splits import Split
    from discern.training.run import RunOptions


def train(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="Folder of this run.")],
    config: Annotated[
        str, typer.Option(help="yolov5, paper, best, both-planes, or a TOML file.")
    ] = "best",
    split: Annotated[
        Path | None, typer.Option(help="A split.json; without it patients are split 70/20/10.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Cross-validation: every patient is predicted out of fold.")
    ] = None,
    fold_files: Annotated[
        Path | None,
        typer.Option(help="Cross-validation on the folds of a folder (dataset split --folds)."),
    ] = None,
    everyone: Annotated[
        bool,
        typer.Option("--everyone", help="After the folds: weights trained on every patient."),
    ] = False,
    repeat: Annotated[
        Path | None, typer.Option(help="A manifest.json: repeat that run, nothing else to choose.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configured number.")] = None,
    size: Annotated[str | None, typer.Option(help="Network size: n, s or m.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Input size in pixels.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step and process.")] = None,
    phantom_patients: Annotated[int | None, typer.Option(help="Synthetic patients.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes, or GPUs, of each machine.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines (torchrun or Slurm start them).")] = 1,
    workers: Annotated[int, typer.Option(help="Processes that prepare images.")] = 1,
    jobs: Annotated[int, typer.Option(help="With --folds: trainings at a time, 0: all cores.")] = 0,
) -> None:
    """Train a network; prints the estimated minutes first, and the figures as they come."""
    import logging

    from discern.dataset.sources import read_dataset
    from discern.errors import UsageError
    from discern.training.config import read_config
    from discern.training.overrides import Overrides, with_overrides
    from discern.training.run import RunOptions

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    overrides = Overrides(epochs, size, image_size, batch_size, phantom_patients, seed)
    if sum(given is not None for given in (split, folds, fold_files, repeat)) > 1:
        raise UsageError("--split, --folds, --fold-files and --repeat exclude each other")
    if repeat is not None and (overrides != Overrides() or config != "best"):
        raise UsageError("--repeat takes configuration and split from the manifest; leave them out")
    if everyone and folds is None and fold_files is None:
        raise UsageError("--everyone needs --folds: the figures come from the folds")
    data = read_dataset(dataset)
    options = RunOptions(out, resume, accelerator, devices, nodes, workers)
    if repeat is not None:
        from discern.training.repeat import repeat_run

        typer.echo(repeat_run(repeat, data, options))
        return
    chosen = with_overrides(read_config(config), overrides)
    if folds is not None or fold_files is not None:
        from discern.dataset.splits import read_fold_splits
        from discern.experiment.crossvalidation import (
            CrossValidation,
            run_cross_validation,
        )
        from discern.experiment.studies import held_out_splits

        splits = (
            read_fold_splits(fold_files, data) if fold_files else held_out_splits(data, folds or 0)
        )
        typer.echo(run_cross_validation(CrossValidation(splits, everyone, jobs), chosen, data, out))
        return
    from discern.training.run import train as run

    typer.echo(f"weights: {run(chosen, data, _parts(data, split, chosen.seed, options), options)}")


def _parts(data: "Dataset", split: Path | None, seed: int, options: "RunOptions") -> "Split":
    """Return the given split, that of the run to resume, or a new one of 70/20/10 %."""
    from discern.dataset.splits import read_split, split_patients

    if split is not None:
        return read_split(split, data)
    if options.resume:
        return read_split(options.out / "split.json", data)
    return split_patients(data, seed)
