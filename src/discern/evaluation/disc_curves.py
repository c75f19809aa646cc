"""ROC and precision-recall of a lesion, disc by disc, over every threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from discern.decisions import OperatingPoint
from discern.evaluation.agreement import ratio
from discern.evaluation.disc_answers import NamedImage, collect_answers
from discern.evaluation.disc_identity import identify
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.discrimination import RocCurve
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.published import LESION_PLANES, LesionPlane


@dataclass(frozen=True, slots=True)
class PointOnCurve:
    """An operating point by name; ``precision`` is None where no disc reaches its threshold."""

    name: str
    sensitivity: float
    specificity: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class DiscCurves:
    """Both curves of one lesion in one plane.

    ``recall`` falls from 1 to 0 beside ``precision``; ``prevalence`` is the share of positive
    discs. ``roc`` is None where every disc is positive.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    prevalence: float
    roc: RocCurve | None
    points: tuple[PointOnCurve, ...]


def disc_curves(
    images: Sequence[AnsweredImage], records: DiscRecords, points: Sequence[OperatingPoint]
) -> Mapping[LesionPlane, DiscCurves]:
    """Return the curves of every lesion and plane that the truth holds.

    Args:
        images: Every image, with boxes down to low scores.
        records: The table of discs, empty where there is none.
        points: To be marked on the curves.
    """
    discs = identify([image.truth for image in images])
    named = [NamedImage(image, own) for image, own in zip(images, discs, strict=True)]
    curves = {}
    for label, plane in LESION_PLANES:
        answers = collect_answers(named, label, plane, records)
        if any(disc.is_positive for disc in answers.discs):
            marked = {one.name: one.min_score(label, plane) for one in points}
            positive = np.array([disc.is_positive for disc in answers.discs], dtype=np.bool_)
            score = np.array([disc.score for disc in answers.discs], dtype=np.float64)
            curves[label, plane] = curves_of(positive, score, marked)
    return curves


def curves_of(
    positive: NDArray[np.bool_], score: NDArray[np.float64], marked: Mapping[str, float]
) -> DiscCurves:
    """Return the curves of (K,) discs of which one is positive; ``marked`` thresholds by name."""
    precision, recall, _ = precision_recall_curve(positive, score)
    return DiscCurves(
        recall=tuple(recall.tolist()),
        precision=tuple(precision.tolist()),
        prevalence=float(positive.mean()),
        roc=None if positive.all() else _roc(positive, score),
        points=tuple(_point(name, positive, score >= least) for name, least in marked.items()),
    )


def _roc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> RocCurve:
    false_rate, true_rate, _ = roc_curve(positive, score)
    return RocCurve(tuple(false_rate.tolist()), tuple(true_rate.tolist()))


def _point(name: str, positive: NDArray[np.bool_], called: NDArray[np.bool_]) -> PointOnCurve:
    hits, negative = (called & positive).sum(), ~positive
    return PointOnCurve(
        name,
        sensitivity=float(ratio(hits, positive.sum())),
        specificity=float(ratio((~called & negative).sum(), negative.sum())),
        precision=float(ratio(hits, called.sum())) if called.any() else None,
    )
