"""``discern evaluate``: predictions against the truth, as the numbers and tables of a paper."""

from pathlib import Path
from typing import Annotated

import typer

_PAGE = "evaluation.html"


def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for metrics.json, tables, figures and pages.")],
    dataset: Annotated[
        Path | None, typer.Argument(help="Folder with images/ and annotations/.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.onnx) instead of the built-in one.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Predictions (discern.predictions/1) or a folder of findings.json."),
    ] = None,
    operating_point: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Thresholds of the weights: default, screening or confirmation; with "
            "--predictions, those of --weights or the built-in ones.",
        ),
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
    against: Annotated[
        Path | None,
        typer.Option(help="Other predictions for the same images: adds a paired comparison."),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(help="review.csv made with review.html: adds what a person accepted."),
    ] = None,
    crops: Annotated[
        int, typer.Option(min=0, help="Crops of each kind of error in gallery.html.")
    ] = 24,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 20250101,
    allow_training_patients: Annotated[
        bool, typer.Option("--allow-training-patients", help="Do it all the same, and say so.")
    ] = False,
    internal: Annotated[
        Path | None,
        typer.Option(help="Instead of DATASET: an evaluation's folder, Table 4 of ..."),
    ] = None,
    external: Annotated[
        Path | None, typer.Option(help="... and another's, Table 5, put side by side.")
    ] = None,
) -> None:
    """Evaluate weights, or predictions made elsewhere, on an annotated data set.

    With --internal and --external two finished evaluations are put side by side instead.
    """
    from discern.errors import UsageError
    from discern.evaluation.metrics import EvaluationOptions
    from discern.evaluation.run import run_side_by_side
    from discern.inference.evaluate import EvaluationJob, Selection, run_job

    chosen = (weights, predictions, operating_point, split, discs, against, review)
    if internal is not None and external is not None:
        if dataset is not None or any(one is not None for one in chosen):
            raise UsageError(
                "--internal and --external name finished evaluations; leave DATASET and the "
                "options about it away, or leave these two away"
            )
        typer.echo(run_side_by_side(internal, external, out))
        typer.echo(f"Every table: {out / _PAGE}")
        return
    if internal is not None or external is not None:
        raise UsageError("--internal and --external go together; name both evaluation folders")
    if dataset is None:
        raise UsageError(
            "name a DATASET to evaluate, or two evaluations with --internal and --external"
        )
    job = EvaluationJob(
        dataset=dataset,
        selection=Selection(split=split, part=part, images=images, discs=discs),
        weights=weights,
        predictions=predictions,
        operating_point=operating_point,
        against=against,
        review=review,
        crops_per_kind=crops,
        allow_training_patients=allow_training_patients,
        options=EvaluationOptions(resamples=resamples, seed=seed),
    )
    typer.echo(run_job(job, out))
    typer.echo(f"Every table and figure, the error gallery and the review: {out / _PAGE}")
