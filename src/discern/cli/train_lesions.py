"""``discern train-lesions``: slices of both planes to weights with a new lesion network."""

from pathlib import Path
from typing import Annotated

import typer


def train_lesions(
    dataset: Annotated[
        Path, typer.Argument(help="Folder with images/, annotations/ and, to plant in, masks/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of this run.")],
    split: Annotated[
        Path | None, typer.Option(help="A split.json; its test patients are not trained on.")
    ] = None,
    fold_files: Annotated[
        Path | None,
        typer.Option(help="One training for each split of a folder; needs --predictions."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Out of fold: lesions are looked for about each disc, out of fold."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Weights whose other networks the file gets; else those of Discern."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configured number.")] = None,
    phantom_patients: Annotated[int | None, typer.Option(help="Synthetic patients.")] = None,
    planted_copies: Annotated[
        int | None, typer.Option(help="Copies of each image with lesions planted.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, draws and changes.")] = None,
) -> None:
    """Train the network that looks for lesions, on every patient or as a split says."""
    import logging
    from dataclasses import replace

    from discern.errors import UsageError
    from discern.experiment.looks import LesionCourse, LookJob, run_look
    from discern.training.lesions import LesionConfig

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if epochs is not None and epochs < 1:
        raise UsageError(f"--epochs {epochs} must be at least 1")
    for option, count in (
        ("--phantom-patients", phantom_patients),
        ("--planted-copies", planted_copies),
    ):
        if count is not None and count < 0:
            raise UsageError(f"{option} {count} must be at least 0")
    given = {"epochs": epochs, "phantom_patients": phantom_patients}
    given |= {"planted_copies": planted_copies, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    config = replace(LesionConfig(), **chosen)  # type: ignore[arg-type]  # each of its field
    job = LookJob(dataset, out, split, fold_files, predictions, into)
    typer.echo(run_look(LesionCourse(config), job))
