"""Lesions through the sagittal slices: a doubtful box beside a sure one shows the same lesion.

The outermost slices of a lesion hold little of it (partial volume), so the network is less sure
there. Two thresholds with linking (Canny, IEEE PAMI 8:679, 1986), in a form without thresholds, so
that it serves every operating point: a box counts as much as its surest neighbour at the same
place, but no more than ``1 / SUPPORT_SHARE`` times as much as alone. The surest box of a lesion
keeps its score, and with it a disc.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from discern.inference.detect import SliceBoxes
from discern.inference.tracks import PlacedBox, place_boxes
from discern.postprocess import SUPPORT_SHARE, PostprocessConfig, with_score
from discern.spine import LESION_LABELS

Scores = NDArray[np.float64]


def supported(
    results: Sequence[SliceBoxes],
    thresholds: PostprocessConfig,
    after_gap: frozenset[int] = frozenset(),
) -> list[SliceBoxes]:
    """Return the boxes of a sagittal series that count, lesions with what supports them.

    Args:
        results: Lesions down to ``thresholds.with_doubtful_lesions()``.
        thresholds: What a lesion must reach, alone or supported.
        after_gap: Slices that do not neighbour the one before them.
    """
    placed = [place_boxes(result, first_id=0) for result in results]
    scores = iter(supported_scores([box for boxes in placed for box in boxes], after_gap))
    return [_raised(result, [next(scores) for _ in result.boxes], thresholds) for result in results]


def supported_scores(
    boxes: Sequence[PlacedBox],
    after_gap: frozenset[int] = frozenset(),
    share: float = SUPPORT_SHARE,
) -> list[float]:
    """Return the score of each box of a series: that of a lesion with what supports it.

    ``share`` is the least part of a surer box's score that a supported one has by itself.
    """
    scores = np.array([box.selected.score for box in boxes])
    for label in LESION_LABELS:
        which = [i for i, box in enumerate(boxes) if box.selected.label is label]
        linked = _linked([boxes[i] for i in which], after_gap)
        scores[which] = _through(scores[which] / share, scores[which], linked)
    raised: list[float] = scores.tolist()
    return raised


def _through(most: Scores, scores: Scores, linked: NDArray[np.bool_]) -> Scores:
    """Let scores (N,) rise to those of linked boxes, to ``most`` (N,), until nothing changes."""
    while True:
        beside = np.where(linked, scores, 0.0).max(axis=1, initial=0.0)
        raised: Scores = np.maximum(scores, np.minimum(most, beside))
        if np.array_equal(raised, scores):
            return raised
        scores = raised


def _linked(boxes: Sequence[PlacedBox], after_gap: frozenset[int]) -> NDArray[np.bool_]:
    """Return which of N boxes (N, N) overlap and lie on neighbouring slices."""
    index = np.array([box.slice_index for box in boxes], int)
    middle = np.array([box.center[1:] for box in boxes]).reshape(-1, 2)
    half = np.array([box.size for box in boxes]).reshape(-1, 2) / 2
    later = np.maximum(index[:, None], index)
    neighbours = (np.abs(index[:, None] - index) == 1) & ~np.isin(later, list(after_gap))
    apart = np.abs(middle[:, None] - middle)
    linked: NDArray[np.bool_] = neighbours & (apart < half[:, None] + half).all(axis=2)
    return linked


def _raised(
    result: SliceBoxes, scores: Sequence[float], thresholds: PostprocessConfig
) -> SliceBoxes:
    kept = [
        row
        for row, (box, score) in enumerate(zip(result.boxes, scores, strict=True))
        if score >= thresholds.min_score(box.label)
    ]
    boxes = tuple(with_score(result.boxes[row], scores[row]) for row in kept)
    return replace(result, boxes=boxes, view_boxes_xyxy_px=result.view_boxes_xyxy_px[kept])
