"""``discern evaluate``: predictions against the truth, as the numbers and tables of a paper."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json, tables and figures.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.onnx) instead of the built-in one.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Predictions (discern.predictions/1) or a folder of findings.json."),
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="Split file; only the patients of --part are evaluated.")
    ] = None,
    part: Annotated[str, typer.Option(help="Part of the split: validation or test.")] = (
        "validation"
    ),
    images: Annotated[
        str, typer.Option(help="Only images whose name matches, '*_t2_mid' for example.")
    ] = "*",
    discs: Annotated[
        tuple[int, int] | None,
        typer.Option(help="First and last disc number (group_id), '1 6' for L5-S1 to T12-L1."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 20250101,
    allow_training_patients: Annotated[
        bool, typer.Option("--allow-training-patients", help="Do it all the same, and say so.")
    ] = False,
) -> None:
    """Evaluate weights, or predictions made elsewhere, on an annotated data set."""
    from discern.evaluation.metrics import EvaluationOptions
    from discern.inference.evaluate import EvaluationJob, Selection, run_job

    job = EvaluationJob(
        dataset=dataset,
        selection=Selection(split=split, part=part, images=images, discs=discs),
        weights=weights,
        predictions=predictions,
        allow_training_patients=allow_training_patients,
        options=EvaluationOptions(resamples=resamples, seed=seed),
    )
    typer.echo(run_job(job, out))
