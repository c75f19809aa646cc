"""Which predicted box meets which truth box on one image, and which boxes are not judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from discern import boxes as box_ops
from discern.annotations import GroundTruth
from discern.boxes import BoxArray
from discern.evaluation.predictions import PredictedBox
from discern.postprocess import suppress
from discern.spine import GRADE_LABELS, Label, Plane

MIN_IOU = 0.5
MAX_OVERLAP_OF_GRADES = 0.5

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AnsweredImage:
    """The truth of one image, the boxes predicted on it, and the index of its patient."""

    patient: int
    truth: GroundTruth
    boxes: tuple[PredictedBox, ...]


class Criterion(Enum):
    """When a predicted box meets a truth box."""

    IOU = "IoU of at least 0.5"
    CENTER_INSIDE = "centre of the predicted box inside the truth box"


def judged_labels(truth: GroundTruth) -> frozenset[Label]:
    """Return the labels that count on this image: annotated, and grades only where sagittal."""
    grades = frozenset(GRADE_LABELS)
    return truth.annotated if truth.plane is Plane.SAGITTAL else truth.annotated - grades


def boxes_array(boxes: Sequence[PredictedBox]) -> BoxArray:
    """Return the (N, 4) xyxy array of ``boxes``."""
    return np.array([box.box_xyxy_px for box in boxes], dtype=np.float64).reshape(-1, 4)


def scores_array(boxes: Sequence[PredictedBox]) -> NDArray[np.float64]:
    """Return the (N,) scores of ``boxes``."""
    return np.array([box.score for box in boxes], dtype=np.float64)


def one_grade_per_place(boxes: Sequence[PredictedBox]) -> list[PredictedBox]:
    """Return the grade boxes of one image that survive class-agnostic suppression, best first."""
    grades = [box for box in boxes if box.label in GRADE_LABELS]
    kept = suppress(boxes_array(grades), scores_array(grades), MAX_OVERLAP_OF_GRADES)
    return [grades[i] for i in kept]


def match(
    truth: BoxArray,
    predicted: BoxArray,
    scores: NDArray[np.float64],
    criterion: Criterion = Criterion.IOU,
) -> NDArray[np.intp]:
    """Pair boxes one to one: the best score chooses first, and takes the free box it overlaps most.

    Args:
        truth: (T, 4) boxes.
        predicted: (N, 4) boxes.
        scores: (N,) scores.
        criterion: When a pair is allowed.

    Returns:
        (N,) index of the truth box of each predicted box, -1 where it has none.

    >>> discs = np.array([[0.0, 0.0, 10.0, 4.0], [0.0, 8.0, 10.0, 12.0]])
    >>> two_on_one = np.array([[0.0, 8.0, 10.0, 11.0], [0.0, 8.0, 10.0, 12.0]])
    >>> match(discs, two_on_one, np.array([0.9, 0.8]))
    array([ 1, -1])
    """
    overlap = box_ops.iou(predicted, truth)  # (N, T)
    allowed = overlap >= MIN_IOU if criterion is Criterion.IOU else _inside(predicted, truth)
    free = np.ones(len(truth), dtype=np.bool_)
    chosen = np.full(len(predicted), -1, dtype=np.intp)
    for i in np.argsort(-scores, kind="stable"):
        candidates = np.flatnonzero(allowed[i] & free)
        if candidates.size:
            chosen[i] = candidates[overlap[i, candidates].argmax()]
            free[chosen[i]] = False
    return chosen


def not_judged(truth: GroundTruth, boxes: BoxArray) -> Mask:
    """Return which of (N, 4) boxes have their centre where nobody annotated.

    Such a box is neither right nor wrong when it meets no truth box: it lies above the topmost
    annotated disc (``ungraded_above_px``) or in an ignore region.
    """
    above = -np.inf if truth.ungraded_above_px is None else truth.ungraded_above_px
    regions = np.array(truth.ignored, dtype=np.float64).reshape(-1, 4)
    higher = np.less(_centers(boxes)[:, 1], above)
    return np.logical_or(higher, _inside(boxes, regions).any(axis=1))


def _centers(boxes: BoxArray) -> NDArray[np.float64]:
    """Return the (N, 2) centres, x before y."""
    centers: NDArray[np.float64] = (boxes[:, :2] + boxes[:, 2:]) / 2
    return centers


def _inside(boxes: BoxArray, regions: BoxArray) -> Mask:
    """Return (N, R): whether the centre of each box lies in each region, edges included."""
    x, y = _centers(boxes).T[:, :, None]  # (N, 1) each
    left, top, right, bottom = regions.T  # (R,) each
    inside: Mask = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return inside
