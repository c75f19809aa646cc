"""``discern compare-readers``: how people and a model read the same images."""

from pathlib import Path
from typing import Annotated

import typer


def compare_readers(
    truth: Annotated[Path, typer.Argument(help="Data set with images/ and annotations/.")],
    readers: Annotated[
        list[Path],
        typer.Argument(help="One folder of LabelMe files for each reader; its name is theirs."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for results.txt, readers.json, tables.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Predictions (discern.predictions/1) or a folder of findings.json."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Margin of non-inferiority in linear kappa, fixed beforehand."),
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="Split file; only the patients of --part were read.")
    ] = None,
    part: Annotated[str, typer.Option(help="Part of the split: validation or test.")] = "test",
    images: Annotated[
        str, typer.Option(help="Only images whose name matches, '*_t2_mid' for example.")
    ] = "*",
    discs: Annotated[
        tuple[int, int] | None,
        typer.Option(help="First and last disc number (group_id), '1 6' for L5-S1 to T12-L1."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    permutations: Annotated[int, typer.Option(min=99, help="Swaps of the paired test.")] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Of both.")] = 20250101,
) -> None:
    """Compare readers, and a model, with the truth and with each other."""
    from discern.evaluation.comparison import ComparisonOptions
    from discern.inference.evaluate import Selection
    from discern.inference.reader_study import ReaderStudyJob, run_reader_study

    job = ReaderStudyJob(
        truth=truth,
        readers=readers,
        model=model,
        selection=Selection(split=split, part=part, images=images, discs=discs),
        margin=margin,
        options=ComparisonOptions(resamples=resamples, permutations=permutations, seed=seed),
    )
    typer.echo(run_reader_study(job, out))
