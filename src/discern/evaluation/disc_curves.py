"""Precision and recall of a lesion, disc by disc, over every threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve

from discern.evaluation.agreement import ratio
from discern.evaluation.disc_answers import DiscAnswers, NamedImage, collect_answers
from discern.evaluation.disc_identity import identify
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.published import LESION_PLANES, LesionPlane
from discern.postprocess import PostprocessConfig
from discern.weights import OperatingPoint


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Points of the curve, recall falling from 1 to 0.

    ``prevalence`` is the share of positive discs; ``operating_point`` is (recall, precision) at
    the threshold in use, None where no disc reaches it.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    prevalence: float
    operating_point: tuple[float, float] | None


def disc_curves(
    images: Sequence[AnsweredImage], records: DiscRecords, point: OperatingPoint
) -> Mapping[LesionPlane, PrecisionRecall]:
    """Return the curve of every lesion and plane that the truth holds.

    Args:
        images: Every image, with boxes down to low scores.
        records: The table of discs, empty where there is none.
        point: Thresholds in use.
    """
    discs = identify([image.truth for image in images])
    named = [NamedImage(image, own) for image, own in zip(images, discs, strict=True)]
    thresholds = PostprocessConfig.at(point)
    curves = {}
    for label, plane in LESION_PLANES:
        answers = collect_answers(named, label, plane, records)
        if any(disc.is_positive for disc in answers.discs):
            curves[label, plane] = _curve(answers, thresholds.min_score(label))
    return curves


def _curve(answers: DiscAnswers, min_score: float) -> PrecisionRecall:
    positive = np.array([disc.is_positive for disc in answers.discs], dtype=np.int64)
    score = np.array([disc.score for disc in answers.discs], dtype=np.float64)
    precision, recall, _ = precision_recall_curve(positive, score)
    called = score >= min_score
    hits = positive[called].sum()
    at_point = (
        (float(ratio(hits, positive.sum())), float(ratio(hits, called.sum())))
        if called.any()
        else None
    )
    return PrecisionRecall(
        recall=tuple(recall.tolist()),
        precision=tuple(precision.tolist()),
        prevalence=float(positive.mean()),
        operating_point=at_point,
    )
