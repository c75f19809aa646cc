"""``discern train-segmenter``: images and tissue masks to weights with a new tissue network."""

from pathlib import Path
from typing import Annotated

import typer


def train_segmenter(
    dataset: Annotated[
        Path,
        typer.Argument(help="Folder with images/, annotations/ and masks/ (one PNG an image)."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of this run.")],
    split: Annotated[
        Path | None, typer.Option(help="A split.json; its test patients are not trained on.")
    ] = None,
    fold_files: Annotated[
        Path | None, typer.Option(help="One training for each split of a folder: out of fold.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Weights whose other networks the file gets; else those of Discern."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of 24.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Input size in pixels.")] = None,
    phantom_patients: Annotated[int | None, typer.Option(help="Synthetic patients.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
) -> None:
    """Train the tissue network (disc, vertebra, canal) on every patient, or as a split says."""
    import logging
    from dataclasses import replace

    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import Split, read_fold_splits, read_split
    from discern.errors import UsageError
    from discern.training.segmentation import SegmentationConfig, made_samples
    from discern.training.segmentation import train_segmenter as run
    from discern.weights import load_weights, shipped_weights

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if split is not None and fold_files is not None:
        raise UsageError("--split and --fold-files exclude each other")
    if image_size is not None and (image_size < 1 or image_size % 32):
        raise UsageError(f"--image-size {image_size} must be a multiple of 32")
    data, base = read_dataset(dataset), load_weights(into or shipped_weights())
    config = SegmentationConfig()
    given = {"epochs": epochs, "phantom_patients": phantom_patients, "seed": seed}
    if image_size is not None:
        config = replace(config, preprocessing=replace(config.preprocessing, size_px=image_size))
    chosen = {name: value for name, value in given.items() if value is not None}
    config = replace(config, **chosen)  # type: ignore[arg-type]  # each value is of its field
    if fold_files is not None:
        folds, phantom = read_fold_splits(fold_files, data), made_samples(config)
        for number, fold in enumerate(folds, start=1):
            weights = run(config, data, fold, base, out / f"fold-{number}", phantom)
            typer.echo(f"weights: {weights}")
        return
    everyone = Split(data.digest, data.patients, (), ())
    chosen_split = everyone if split is None else read_split(split, data)
    typer.echo(f"weights: {run(config, data, chosen_split, base, out)}")
