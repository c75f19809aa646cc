"""``discern dataset``: what is in a folder of annotated images, and how to divide it."""

from pathlib import Path
from typing import Annotated

import typer

from discern.cli.dataset_preview import preview

dataset_app = typer.Typer(
    help="Annotated images: check them, divide the patients, describe and show them.",
    no_args_is_help=True,
)
dataset_app.command()(preview)

DatasetFolder = Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")]


@dataset_app.command()
def check(
    dataset: DatasetFolder,
    split: Annotated[
        list[Path] | None, typer.Option(help="A split file; give it again for every fold.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as text, CSV, LaTeX and HTML.")
    ] = None,
) -> None:
    """List everything wrong with images, annotations, tables and splits.

    Exit status 2 where there is an error; warnings alone end with 0.
    """
    from discern.dataset.check import check_dataset
    from discern.dataset.problems import counted, problem_tables
    from discern.errors import DatasetError
    from discern.evaluation.table_formats import table_files, table_text
    from discern.outputs import check_folder, write_files

    if out is not None:
        check_folder(out)
    report = check_dataset(dataset, split or ())
    tables = problem_tables(report.name, report.problems)
    typer.echo(f"checked {report.looked_at}")
    for table in tables if report.problems else ():
        typer.echo(f"\n{table_text(table)}", nl=False)
    if out is not None:
        write_files(out, {name: text for one in tables for name, text in table_files(one).items()})
    if report.errors:
        raise DatasetError(f"{report.name}: {counted(report.errors, 'error')} to repair, see above")
    typer.echo("\nno error" if report.problems else "nothing wrong")


@dataset_app.command()
def split(
    dataset: DatasetFolder,
    out: Annotated[Path, typer.Option(help="split.json, or a folder with --folds or --by.")],
    fractions: Annotated[
        tuple[float, float, float], typer.Option(help="Shares of train, validation and test.")
    ] = (0.7, 0.2, 0.1),
    folds: Annotated[
        int | None, typer.Option(help="Cross-validation: one fold-K.json for each fold.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Column of patients.csv, manufacturer for example: one external-VALUE.json for "
            "each of its values, which is tested while the others are trained on."
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            min=0.02, max=0.5, help="With --folds or --by: share of the rest kept for validation."
        ),
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Of the division.")] = 0,
) -> None:
    """Divide the patients into training, validation and test, alike in grades and scanners."""
    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import external_splits, file_stem, fold_splits, split_patients
    from discern.errors import UsageError
    from discern.outputs import write_files

    if folds is not None and by is not None:
        raise UsageError("--folds and --by exclude each other")
    data = read_dataset(dataset)
    if by is not None:
        external = external_splits(data, by, seed, validation)
        named = {f"external-{file_stem(value)}.json": one for value, one in external.items()}
        if len(named) < len(external):
            raise UsageError(f"--by {by}: two values differ by punctuation only; correct them")
    elif folds is not None:
        parts = fold_splits(data, seed, folds, validation)
        named = {f"fold-{number}.json": one for number, one in enumerate(parts, start=1)}
    else:
        named = {out.name: split_patients(data, seed, fractions)}
    folder = out if by is not None or folds is not None else out.parent
    write_files(folder, {name: one.to_json().encode() for name, one in named.items()})
    for name, one in named.items():
        typer.echo(
            f"{name}: {len(one.train)} training, {len(one.validation)} validation, "
            f"{len(one.test)} test patients"
        )
    used = {patient for one in named.values() for part in one.parts.values() for patient in part}
    if unused := len(set(data.patients) - used):
        typer.echo(f"{unused} patients without {by} in patients.csv are in no part")


@dataset_app.command()
def summary(
    dataset: DatasetFolder,
    out: Annotated[Path, typer.Option(help="Folder for tables/ and figures/.")],
    split: Annotated[
        Path | None, typer.Option(help="Split file; without it all patients are one group.")
    ] = None,
    external: Annotated[
        Path | None, typer.Option(help="A second data set, shown as the external test set.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option(help="DICOM studies that the images come from: TR, TE, ...")
    ] = None,
) -> None:
    """Describe the data as a paper does: protocol, demographics, annotations, patient flow.

    The flow starts with exclusions.csv (patient, reason) where the data set has one.
    """
    from discern.dataset.summary import SummaryInput, summarize
    from discern.evaluation.table_formats import table_text
    from discern.outputs import check_folder, write_files

    check_folder(out)
    made = summarize(SummaryInput(dataset, split, external, dicom))
    write_files(out, made.files)
    typer.echo("\n".join(table_text(table) for table in made.tables), nl=False)
    typer.echo(f"\n{len(made.files)} files in {out.name}: tables/, figures/")
