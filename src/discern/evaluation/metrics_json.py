"""``metrics.json``: every figure of an evaluation as ``discern.metrics/1``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from discern.evaluation.acceptable import AcceptableMetrics
from discern.evaluation.bootstrap import figure_json
from discern.evaluation.detection import DetectionMetrics
from discern.evaluation.disc_lesions import DiscLesionMetrics
from discern.evaluation.disc_wise import PLANES, DiscWiseMetrics
from discern.evaluation.froc import FrocCurve
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.lesions import LesionMetrics, LesionScores
from discern.evaluation.metrics import SCHEMA, Metrics
from discern.spine import LESION_LABELS

_DECIMALS = 4
_P_VALUES = (
    *("kappa_linear_p", "kappa_quadratic_p"),
    *("kappa_linear_p_independent", "kappa_quadratic_p_independent"),
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
                str(label): {str(plane): _lesion(metrics.lesions[label, plane]) for plane in PLANES}
                for label in LESION_LABELS
            },
            "clinically_acceptable_auto": {
                str(plane): _acceptable(metrics.acceptable[plane]) for plane in PLANES
            },
        },
        "disc_wise": _disc_wise(metrics.disc_wise),
        "detection": _detection(metrics.detection),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _figures(holder: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: figure_json(getattr(holder, name)) for name in names}


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
    return (
        {"per_grade": grades, "confusion": confusion}
        | _figures(metrics, names)
        | {name: _p_value(getattr(metrics, name)) for name in _P_VALUES}
    )


def _p_value(p: float | None) -> float | None:
    """Return three significant digits; a p too small for a float is 0."""
    return None if p is None else float(f"{p:.3g}")


def _lesion(metrics: LesionMetrics) -> dict[str, Any]:
    return _lesion_scores(metrics.at_iou) | {
        "support": metrics.support,
        "images": metrics.images,
        "center_inside": _lesion_scores(metrics.center_inside)
        | {"froc": _froc(metrics.froc_center_inside, metrics.at_iou.recall.reason)},
        "froc": _froc(metrics.froc, metrics.at_iou.recall.reason),
    }


def _froc(curve: FrocCurve | None, absent: str | None) -> dict[str, Any]:
    """Return the corners of the curve, and its height by false boxes per image."""
    if curve is None:
        return {"curve": None, "reason": absent}
    corners = zip(curve.false_per_image, curve.sensitivity, strict=True)
    return {
        "sensitivity_at": {f"{x:g}": figure_json(height) for x, height in curve.at.items()},
        "curve": [[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in corners],
    }


def _acceptable(metrics: AcceptableMetrics) -> dict[str, Any]:
    return figure_json(metrics.share) | {
        "center_inside": figure_json(metrics.share_center_inside),
        "images": metrics.images,
        "faults": {fault.name.lower(): count for fault, count in metrics.faults.items()},
    }


def _disc_wise(metrics: DiscWiseMetrics) -> dict[str, Any]:
    grading = _pfirrmann(metrics.pfirrmann)
    grading["false_per_patient"] = grading.pop("false_per_image")
    counts = {
        "discs": metrics.discs,
        "slices": metrics.slices,
        "mixed_truth": metrics.mixed_truth,
    }
    lesions = {
        str(label): {str(plane): _disc_lesion(metrics.lesions[label, plane]) for plane in PLANES}
        for label in LESION_LABELS
    }
    return {"pfirrmann": grading | counts, **lesions}


def _disc_lesion(metrics: DiscLesionMetrics) -> dict[str, Any]:
    names = ("precision", "recall", "f1", "specificity", "roc_auc", "average_precision")
    return _figures(metrics, names) | {
        "ppv_at": {f"{p:.4g}": figure_json(ppv) for p, ppv in metrics.ppv_at.items()},
        "false_alarm_on_bulging": figure_json(metrics.false_alarm_on_bulging),
        "support": metrics.support,
        "discs": metrics.discs,
        "bulging": metrics.bulging,
        "unread": metrics.unread,
        "truth": str(metrics.truth),
    }


def _lesion_scores(scores: LesionScores) -> dict[str, Any]:
    return _figures(scores, ("precision", "recall", "f1"))


def _detection(metrics: DetectionMetrics) -> dict[str, Any]:
    labels = {
        str(label): _figures(one, ("ap50", "ap50_95")) | {"support": one.support}
        for label, one in metrics.per_label.items()
    }
    return _figures(metrics, ("map50", "map50_95")) | {
        "one_grade_per_place": metrics.one_grade_per_place,
        "per_label": labels,
    }
