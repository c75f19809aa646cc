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

    from discern.errors import UsageError
    from discern.experiment.looks import GradingCourse, LookJob, run_look
    from discern.training.grading import GradingConfig

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if share is not None and not 0 <= share <= 1:
        raise UsageError(f"--share {share} must be from 0 to 1")
    if epochs is not None and epochs < 1:
        raise UsageError(f"--epochs {epochs} must be at least 1")
    given = {"images": images, "share": share, "epochs": epochs, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    config = replace(GradingConfig(), **chosen)  # type: ignore[arg-type]  # each of its field
    job = LookJob(dataset, out, split, fold_files, predictions, into)
    typer.echo(run_look(GradingCourse(config), job))
