"""``discern train-grader``: graded discs to weights with a new grading network."""

from pathlib import Path
from typing import Annotated

import typer


def train_grader(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="Folder of this run.")],
    images: Annotated[
        str, typer.Option(help="Names of the images to learn from, '*_t2_mid' for example.")
    ] = "*",
    split: Annotated[
        Path | None, typer.Option(help="A split.json; its test patients are not trained on.")
    ] = None,
    fold_files: Annotated[
        Path | None,
        typer.Option(help="One training for each split of a folder; needs --predictions."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Out of fold, by the detector: each disc is graded again, out of fold."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Weights whose other networks the file gets; else those of Discern."),
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="Weight of its opinion beside the detector's, 0 to 1.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configured number.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
) -> None:
    """Train the network that looks again at each disc, on every patient or as a split says."""
    import logging
    from dataclasses import replace

    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import Split, read_fold_splits, read_split
    from discern.errors import UsageError
    from discern.experiment.looks import FoldMaterial, GradingCourse, look_again_out_of_fold
    from discern.training.grading import GradingConfig
    from discern.training.grading import train_grader as run
    from discern.weights import load_weights, shipped_weights

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if split is not None and fold_files is not None:
        raise UsageError("--split and --fold-files exclude each other")
    if (fold_files is None) is not (predictions is None):
        raise UsageError("--fold-files and --predictions need each other")
    if share is not None and not 0 <= share <= 1:
        raise UsageError(f"--share {share} must be from 0 to 1")
    if epochs is not None and epochs < 1:
        raise UsageError(f"--epochs {epochs} must be at least 1")
    data, base = read_dataset(dataset), load_weights(into or shipped_weights())
    given = {"images": images, "share": share, "epochs": epochs, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    config = replace(GradingConfig(), **chosen)  # type: ignore[arg-type]  # each of its field
    if fold_files is not None and predictions is not None:
        material = FoldMaterial(data, read_fold_splits(fold_files, data), predictions, base)
        pooled = look_again_out_of_fold(GradingCourse(config), material, out)
        typer.echo(f"predictions: {pooled}")
        return
    everyone = Split(data.digest, data.patients, (), ())
    chosen_split = everyone if split is None else read_split(split, data)
    typer.echo(f"weights: {run(config, data, chosen_split, base, out)}")
