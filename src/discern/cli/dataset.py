"""``discern dataset``: what is in a folder of annotated images, and how to divide it."""

from pathlib import Path
from typing import Annotated

import typer

dataset_app = typer.Typer(
    help="Annotated images: divide patients into parts.", no_args_is_help=True
)


@dataset_app.callback()
def _dataset() -> None:
    """Keep ``split`` a subcommand although it is the only one."""


@dataset_app.command()
def split(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="split.json, or a folder with --folds.")],
    fractions: Annotated[
        tuple[float, float, float], typer.Option(help="Shares of train, validation and test.")
    ] = (0.7, 0.2, 0.1),
    folds: Annotated[
        int | None, typer.Option(help="Cross-validation: one fold-K.json for each fold.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the division.")] = 0,
) -> None:
    """Divide the patients into training, validation and test, alike in grades."""
    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import fold_splits, split_patients, write_split

    data = read_dataset(dataset)
    if folds is None:
        named = {out: split_patients(data, seed, fractions)}
    else:
        out.mkdir(parents=True, exist_ok=True)
        parts = fold_splits(data, seed, folds)
        named = {out / f"fold-{k}.json": one for k, one in enumerate(parts, start=1)}
    for path, one in named.items():
        write_split(one, path)
        typer.echo(
            f"{path.name}: {len(one.train)} training, {len(one.validation)} validation, "
            f"{len(one.test)} test patients"
        )
