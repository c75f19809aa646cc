"""Mean average precision at IoU 0.5 and over 0.5 to 0.95, as COCO defines it, for resamples too.

``coco`` matches the boxes; labels that the truth does not hold are left out of the mean. Every box
that the predictions hold is ranked. Predictions written by Discern hold one grade per place (the
best one), which costs average precision against detectors that list every class of every box:
``one_grade_per_place`` says which kind was evaluated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import ratio
from discern.evaluation.bootstrap import Draws, Figure, Values, figure
from discern.evaluation.coco import IOU_THRESHOLDS, Ranking, rank
from discern.evaluation.matching import AnsweredImage, one_grade_per_place
from discern.spine import GRADE_LABELS, LABELS, Label

RECALL_POINTS = np.linspace(0, 1, 101)
NOTHING_ANNOTATED = "no box of any judged label in the truth"


@dataclass(frozen=True, slots=True)
class LabelPrecision:
    """Average precision of one label; ``support`` counts the truth boxes."""

    ap50: Figure
    ap50_95: Figure
    support: int


@dataclass(frozen=True, slots=True)
class DetectionMetrics:
    """Mean average precision over the labels in the truth, and its parts.

    ``one_grade_per_place``: no two grade boxes of one image overlap by more than 0.5. Figures of
    predictions where they do are not comparable with figures of predictions where they do not.
    """

    map50: Figure
    map50_95: Figure
    one_grade_per_place: bool
    per_label: Mapping[Label, LabelPrecision]


def detection_metrics(images: Sequence[AnsweredImage], draws: Draws) -> DetectionMetrics:
    """Return the mean average precision with intervals over the resampled patients."""
    rankings = rank(images, patients=draws.shape[1])
    areas = {label: _average_precisions(ranking, draws) for label, ranking in rankings.items()}
    per_label = {label: _label_precision(areas[label], rankings[label], label) for label in LABELS}
    return DetectionMetrics(
        map50=figure(_mean_over_labels([area[0] for area in areas.values()]), NOTHING_ANNOTATED),
        map50_95=figure(
            _mean_over_labels([area.mean(axis=0) for area in areas.values()]), NOTHING_ANNOTATED
        ),
        one_grade_per_place=all(
            len(one_grade_per_place(image.boxes))
            == sum(box.label in GRADE_LABELS for box in image.boxes)
            for image in images
        ),
        per_label=per_label,
    )


def average_precision(ranking: Ranking, threshold: int, draws: Draws) -> Values:
    """Return the area under the interpolated precision-recall curve of every resample.

    Interpolated precision at recall r is the best precision at any recall of at least r, averaged
    over r = 0, 0.01 ... 1 as COCO does. The best precision is always reached at a hit, so only the
    hits are followed: with H[p, k] and A[p, k] the hits and all boxes of patient p down to hit k,
    a resample that draws patients n times has n H of them right among n A.

    Args:
        ranking: Boxes of one label.
        threshold: Row of ``IOU_THRESHOLDS``.
        draws: (B, P) how often each patient counts.
    """
    hit = ranking.hit[threshold]
    at_hit = np.flatnonzero(hit)
    every = np.ones_like(hit)
    weights = draws.astype(np.float64)  # (B, P)
    right = weights @ _count_down_to(at_hit, ranking.patient, hit, draws.shape[1])  # (B, K)
    answered = weights @ _count_down_to(at_hit, ranking.patient, every, draws.shape[1])
    precision = np.divide(right, answered, out=np.zeros_like(right), where=answered > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return _mean_at_recalls(right, envelope, draws @ ranking.truth)


def _count_down_to(
    ranks: NDArray[np.intp], patient: NDArray[np.intp], counted: NDArray[np.bool_], patients: int
) -> NDArray[np.float64]:
    """Return (P, K): how many counted boxes each patient has at or before each of K ranks."""
    own_ranks = (np.flatnonzero(counted & (patient == one)) for one in range(patients))
    counts = [np.searchsorted(own, ranks, side="right") for own in own_ranks]
    return np.array(counts, dtype=np.float64).reshape(patients, len(ranks))


def _average_precisions(ranking: Ranking, draws: Draws) -> NDArray[np.float64]:
    """Return the (T, B) average precision at every IoU threshold."""
    return np.array([average_precision(ranking, t, draws) for t in range(len(IOU_THRESHOLDS))])


def _label_precision(areas: NDArray[np.float64], ranking: Ranking, label: Label) -> LabelPrecision:
    absent = f"no {label} in the truth"
    return LabelPrecision(
        ap50=figure(areas[0], absent),
        ap50_95=figure(areas.mean(axis=0), absent),
        support=int(ranking.truth.sum()),
    )


def _mean_over_labels(areas: Sequence[Values]) -> Values:
    """Return the mean over the labels that have a value, NaN where none has."""
    stacked = np.array(areas)  # (labels, B)
    defined = ~np.isnan(stacked)
    count = defined.sum(axis=0)
    total = np.where(defined, stacked, 0).sum(axis=0)
    return ratio(total, count)


def _mean_at_recalls(
    right: NDArray[np.float64], envelope: NDArray[np.float64], truth: NDArray[np.int64]
) -> Values:
    """Average (B, K) interpolated precision over the recall points; NaN without truth boxes.

    Args:
        right: (B, K) hits so far, at every hit.
        envelope: (B, K) best precision from that hit on.
        truth: (B,) number of truth boxes.
    """
    resamples, hits = right.shape
    padded = np.concatenate([envelope, np.zeros((resamples, 1))], axis=1)  # (B, K + 1)
    values = np.full(resamples, np.nan)
    rows = np.flatnonzero(truth)
    if rows.size:
        first = np.array([np.searchsorted(right[i] / truth[i], RECALL_POINTS) for i in rows])
        reached = np.take_along_axis(padded[rows], np.minimum(first, hits), axis=1)  # (rows, 101)
        values[rows] = reached.mean(axis=1)
    return values
