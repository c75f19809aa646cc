"""``discern calibrate``: weights that know how sure they are, from out-of-fold predictions."""

from pathlib import Path
from typing import Annotated

import typer

_PAGE, _WEIGHTS = "calibration.html", "weights.onnx"


def calibrate(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    predictions: Annotated[
        Path,
        typer.Option(
            help="Predictions (discern.predictions/1), each patient by a network that has not "
            "seen them; discern train --folds writes them."
        ),
    ],
    fold_files: Annotated[
        Path, typer.Option(help="Folder with the split file of each of these folds.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights.onnx, tables, figures, page.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.onnx) instead of the built-in one.")
    ] = None,
    images: Annotated[
        str, typer.Option(help="Only images whose name matches, '*_t2_mid' for example.")
    ] = "*",
    discs: Annotated[
        tuple[int, int] | None,
        typer.Option(help="First and last disc number (group_id), '1 6' for L5-S1 to T12-L1."),
    ] = None,
    widest_set: Annotated[
        int, typer.Option(help="With more grades than this in its set, a disc gets no grade told.")
    ] = 3,
    score: Annotated[
        list[str] | None,
        typer.Option(
            help="Threshold of a lesion in a plane, 'hiz:axial=0.5', at every operating point that "
            "its truth here does not decide; repeat for more."
        ),
    ] = None,
    leave: Annotated[
        list[str] | None,
        typer.Option(
            help="Lesion in a plane, 'herniation:sagittal', that the detector says and not the "
            "lesion network, as in the predictions; repeat for more."
        ),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 20250101,
) -> None:
    """Fit grade probabilities, sets of grades, lesion probabilities and operating points.

    OUT/weights.onnx is the weights file with all of it inside; its networks stay as they are. The
    tables say what each is worth, measured leaving one fold out.
    """
    from discern.calibration.fit import CalibrationOptions
    from discern.inference.calibrate import (
        CalibrationJob,
        parse_lesion,
        parse_score,
        run_calibration,
    )
    from discern.inference.evaluate import Selection

    job = CalibrationJob(
        dataset=dataset,
        predictions=predictions,
        fold_files=fold_files,
        weights=weights,
        selection=Selection(images=images, discs=discs),
        options=CalibrationOptions(widest_set=widest_set, resamples=resamples, seed=seed),
        scores=tuple(map(parse_score, score or ())),
        left=tuple(map(parse_lesion, leave or ())),
    )
    typer.echo(run_calibration(job, out))
    typer.echo(f"Calibrated weights: {out / _WEIGHTS}\nEvery table and figure: {out / _PAGE}")
