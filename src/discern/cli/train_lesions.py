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

    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import Split, read_fold_splits, read_split
    from discern.errors import UsageError
    from discern.experiment.looks import FoldMaterial, LesionCourse, look_again_out_of_fold
    from discern.training.lesions import LesionConfig, train_finder
    from discern.weights import load_weights, shipped_weights

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if split is not None and fold_files is not None:
        raise UsageError("--split and --fold-files exclude each other")
    if (fold_files is None) is not (predictions is None):
        raise UsageError("--fold-files and --predictions need each other")
    counts = {"epochs": epochs, "phantom_patients": phantom_patients}
    counts |= {"planted_copies": planted_copies, "seed": seed}
    chosen = {name: value for name, value in counts.items() if value is not None}
    for name, value in chosen.items():
        if value < (name == "epochs"):
            option = name.replace("_", "-")
            raise UsageError(f"--{option} {value} must be at least {int(name == 'epochs')}")
    data, base = read_dataset(dataset), load_weights(into or shipped_weights())
    config = replace(LesionConfig(), **chosen)  # type: ignore[arg-type]  # each of its field
    if fold_files is not None and predictions is not None:
        material = FoldMaterial(data, read_fold_splits(fold_files, data), predictions, base)
        pooled = look_again_out_of_fold(LesionCourse(config), material, out)
        typer.echo(f"predictions: {pooled}")
        return
    everyone = Split(data.digest, data.patients, (), ())
    chosen_split = everyone if split is None else read_split(split, data)
    typer.echo(f"weights: {train_finder(config, data, chosen_split, base, out)}")
