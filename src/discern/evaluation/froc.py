"""Free-response ROC: the share of lesions found against the false boxes per image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import Statistic, ratio
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.matching import (
    AnsweredImage,
    Criterion,
    Mask,
    boxes_array,
    match,
    not_judged,
    scores_array,
)
from discern.spine import Label

FALSE_PER_IMAGE = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
_ROWS_AT_ONCE = 256  # bounds the (rows, boxes) running sums


@dataclass(frozen=True, slots=True)
class FrocCurve:
    """Corners of the curve from its strictest threshold on, and its height at fixed places.

    ``at`` maps each of ``FALSE_PER_IMAGE`` to the best sensitivity that costs no more. Beyond the
    last predicted box the curve stays level.
    """

    false_per_image: tuple[float, ...]
    sensitivity: tuple[float, ...]
    at: Mapping[float, Figure]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Boxes of one lesion on the judged images, best score first.

    ``hit`` and ``false`` are (N,) and never both true: a box where nobody annotated is neither.
    ``is_last`` marks the last box of each score: thresholds lie only there. ``images`` and
    ``lesions`` count by patient (P,).
    """

    patient: NDArray[np.intp]
    hit: Mask
    false: Mask
    is_last: Mask
    images: NDArray[np.int64]
    lesions: NDArray[np.int64]


def froc_curve(
    images: Sequence[AnsweredImage], label: Label, criterion: Criterion, draws: Draws
) -> FrocCurve:
    """Return the curve of ``label`` over ``images``, which must hold at least one such lesion.

    Since the best score chooses its truth box first, one matching of all boxes holds for every
    threshold: dropping weak boxes changes nothing for the stronger ones.

    Args:
        images: Those annotated for the lesion, with boxes down to low scores.
        label: The lesion.
        criterion: When a box meets a lesion.
        draws: (B, P) how often each patient counts.
    """
    ranking = _rank(images, label, criterion, draws.shape[1])
    hits, false = (counts[0] for counts in _running(ranking, draws[:1]))
    corner = _corners(hits)
    parts = [draws[i : i + _ROWS_AT_ONCE] for i in range(0, len(draws), _ROWS_AT_ONCE)]
    heights = np.concatenate([_heights(ranking, part) for part in parts])  # (B, 6)
    absent = f"no {label} in the truth"
    return FrocCurve(
        false_per_image=tuple((false[corner] / ranking.images.sum()).tolist()),
        sensitivity=tuple((hits[corner] / ranking.lesions.sum()).tolist()),
        at={x: figure(heights[:, i], absent) for i, x in enumerate(FALSE_PER_IMAGE)},
    )


def _rank(
    images: Sequence[AnsweredImage], label: Label, criterion: Criterion, patients: int
) -> _Ranking:
    per_image = [_judge(image, label, criterion) for image in images]
    owner = [image.patient for image in images]
    scores, hit, false = (np.concatenate(column) for column in zip(*per_image, strict=True))
    patient = np.repeat(np.array(owner, dtype=np.intp), [len(one[0]) for one in per_image])
    order = np.argsort(-scores, kind="stable")
    lesions = [len(image.truth.boxes_of((label,))) for image in images]
    return _Ranking(
        patient=patient[order],
        hit=hit[order],
        false=false[order],
        is_last=np.diff(scores[order], append=-np.inf) != 0,
        images=np.bincount(owner, minlength=patients).astype(np.int64),
        lesions=np.bincount(owner, weights=lesions, minlength=patients).astype(np.int64),
    )


def _judge(
    image: AnsweredImage, label: Label, criterion: Criterion
) -> tuple[NDArray[np.float64], Mask, Mask]:
    """Return score, hit and false alarm of each box of ``label`` on one image."""
    answers = [box for box in image.boxes if box.label is label]
    predicted, scores = boxes_array(answers), scores_array(answers)
    hit = match(image.truth.boxes_of((label,)), predicted, scores, criterion) >= 0
    return scores, hit, ~hit & ~not_judged(image.truth, predicted)


def _running(ranking: _Ranking, draws: Draws) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (B, 1 + T) hits and false boxes at T falling thresholds, after a first column of 0."""
    weight = draws[:, ranking.patient]  # (B, N)
    start = np.zeros((len(draws), 1), dtype=np.int64)
    hits, false = (
        np.concatenate([start, np.cumsum(weight * which, axis=1)[:, ranking.is_last]], axis=1)
        for which in (ranking.hit, ranking.false)
    )
    return hits, false


def _heights(ranking: _Ranking, draws: Draws) -> Statistic:
    """Return (B, 6) the sensitivity at each of ``FALSE_PER_IMAGE``, NaN without lesions."""
    hits, false = _running(ranking, draws)
    images, lesions = draws @ ranking.images, draws @ ranking.lesions
    affordable = [
        np.less_equal(false, (x * images)[:, None]).sum(axis=1) - 1 for x in FALSE_PER_IMAGE
    ]
    found = np.take_along_axis(hits, np.stack(affordable, axis=1), axis=1)
    return ratio(found, lesions[:, None])


def _corners(hits: NDArray[np.int64]) -> Mask:
    """Return where the staircase of (1 + T,) hits starts, ends or turns."""
    rises = np.diff(hits) > 0
    corner: Mask = np.concatenate([[True], rises]) | np.concatenate([rises, [True]])
    return corner
