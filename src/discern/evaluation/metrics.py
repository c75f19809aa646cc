"""Every figure of ``metrics.json`` from truth and predictions: ``discern.metrics/1``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.bootstrap import Figure, draw_patients
from discern.evaluation.detection import DetectionMetrics, detection_metrics
from discern.evaluation.grading import PfirrmannMetrics, pfirrmann_metrics, tally_grades
from discern.evaluation.lesions import LesionMetrics, LesionScores, lesion_metrics
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    predictions_digest,
    require_same_images,
)
from discern.postprocess import PostprocessConfig
from discern.spine import LESION_LABELS, Label, Plane
from discern.weights import OperatingPoint

SCHEMA = "discern.metrics/1"
_DECIMALS = 4
_PLANES = (Plane.SAGITTAL, Plane.AXIAL)


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How to evaluate.

    Attributes:
        resamples: Bootstrap resamples of the patients.
        seed: Of the bootstrap.
        operating_point: Score thresholds of the slice-wise figures, fixed beforehand; mean average
            precision uses every box, so predictions should be given down to low scores.
    """

    resamples: int = 2000
    seed: int = 20250101
    operating_point: OperatingPoint = field(default_factory=OperatingPoint)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one evaluation; ``lesions`` has an entry per lesion and plane."""

    data_digest: str
    prediction_digest: str
    patients: int
    images: int
    options: EvaluationOptions
    pfirrmann: PfirrmannMetrics
    lesions: Mapping[tuple[Label, Plane], LesionMetrics]
    detection: DetectionMetrics


def evaluate(
    truths: Sequence[GroundTruth],
    predictions: Predictions,
    *,
    options: EvaluationOptions | None = None,
    data_digest: str = "",
) -> Metrics:
    """Return every figure, with 95 % intervals from resampled patients.

    Raises:
        DatasetError: The predictions are not for exactly the images of ``truths``.
    """
    options = options or EvaluationOptions()
    require_same_images(predictions, [truth.image for truth in truths])
    names = sorted({truth.patient for truth in truths})
    patient = {name: index for index, name in enumerate(names)}
    images = [AnsweredImage(patient[t.patient], t, predictions[t.image]) for t in truths]
    point = options.operating_point
    confident = [replace(image, boxes=_confident(image.boxes, point)) for image in images]
    draws = draw_patients(len(names), options.resamples, np.random.default_rng(options.seed))
    graded = [image for image in confident if is_graded(image.truth)]
    outcomes = [(image.patient, grade_outcome(image.truth, image.boxes)) for image in graded]
    return Metrics(
        data_digest=data_digest,
        prediction_digest=predictions_digest(predictions),
        patients=len(names),
        images=len(truths),
        options=options,
        pfirrmann=pfirrmann_metrics(tally_grades(outcomes, len(names)), draws),
        lesions={
            (label, plane): lesion_metrics(confident, label, plane, draws)
            for label in LESION_LABELS
            for plane in _PLANES
        },
        detection=detection_metrics(images, draws),
    )


def metrics_to_json(metrics: Metrics) -> str:
    """Return the ``discern.metrics/1`` text: figures to four decimals, newline at the end."""
    point = asdict(metrics.options.operating_point)
    document = {
        "schema": SCHEMA,
        "data_digest": metrics.data_digest,
        "prediction_digest": metrics.prediction_digest,
        "patients": metrics.patients,
        "images": metrics.images,
        "operating_point": point,
        "bootstrap": {
            "unit": "patient",
            "resamples": metrics.options.resamples,
            "seed": metrics.options.seed,
        },
        "slice_wise": {
            "pfirrmann": _pfirrmann(metrics.pfirrmann),
            **{
                str(label): {
                    str(plane): _lesion(metrics.lesions[label, plane]) for plane in _PLANES
                }
                for label in LESION_LABELS
            },
        },
        "detection": _detection(metrics.detection),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _confident(boxes: Sequence[PredictedBox], point: OperatingPoint) -> tuple[PredictedBox, ...]:
    thresholds = PostprocessConfig.at(point)
    return tuple(box for box in boxes if box.score >= thresholds.min_score(box.label))


def _figure(figure: Figure) -> dict[str, Any]:
    """Return ``{value, ci95}``, and ``reason`` where one of them is null."""
    ends = figure.ci95
    document: dict[str, Any] = {
        "value": None if figure.value is None else round(figure.value, _DECIMALS) + 0.0,
        "ci95": None if ends is None else [round(end, _DECIMALS) + 0.0 for end in ends],
    }
    return document if figure.reason is None else document | {"reason": figure.reason}


def _figures(holder: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: _figure(getattr(holder, name)) for name in names}


def _pfirrmann(metrics: PfirrmannMetrics) -> dict[str, Any]:
    grades = {
        str(int(grade)): _figures(one, ("precision", "recall", "f1", "auc"))
        | {"support": one.support}
        for grade, one in metrics.per_grade.items()
    }
    names = (
        *("macro_precision", "macro_recall", "macro_f1", "disc_recall", "false_per_image"),
        *("exact", "within_one", "kappa_linear", "kappa_quadratic"),
        *("exact_all", "within_one_all", "balanced_accuracy"),
    )
    confusion = [list(row) for row in metrics.confusion]
    return {"per_grade": grades, "confusion": confusion} | _figures(metrics, names)


def _lesion(metrics: LesionMetrics) -> dict[str, Any]:
    return _lesion_scores(metrics.at_iou) | {
        "support": metrics.support,
        "images": metrics.images,
        "center_inside": _lesion_scores(metrics.center_inside),
    }


def _lesion_scores(scores: LesionScores) -> dict[str, Any]:
    return _figures(scores, ("precision", "recall", "f1"))


def _detection(metrics: DetectionMetrics) -> dict[str, Any]:
    labels = {
        str(label): _figures(one, ("ap50", "ap50_95")) | {"support": one.support}
        for label, one in metrics.per_label.items()
    }
    return _figures(metrics, ("map50", "map50_95")) | {"per_label": labels}
