"""Anchors from the boxes a network is trained on: k-means on width and height."""

import numpy as np
from numpy.typing import NDArray

from discern.model.head import Anchors

MAPS, ANCHORS_PER_MAP = 3, 3
_ROUNDS, _RESTARTS = 100, 8

FloatArray = NDArray[np.float64]


def fit_anchors(width_height_px: FloatArray, rng: np.random.Generator) -> Anchors:
    """Return nine anchors, by area, three for each map, from (N, 2) box sizes in input pixels.

    k-means with 1 - IoU of boxes on a common corner as the distance and the median of each
    cluster as its centre; the best of several starts drawn from ``rng``.

    Raises:
        ValueError: Fewer than nine different sizes, or a size that is not positive.
    """
    count = MAPS * ANCHORS_PER_MAP
    distinct = np.unique(width_height_px, axis=0)
    if len(distinct) < count or distinct.min() <= 0:
        raise ValueError(f"anchors need at least {count} different, positive box sizes")
    starts = [_spread_sizes(distinct, count, rng) for _ in range(_RESTARTS)]
    fits = [_kmeans(width_height_px, start) for start in starts]
    best = max(fits, key=lambda centers: mean_best_iou(width_height_px, centers))
    ordered = best[np.argsort(best.prod(axis=1), kind="stable")].round(1)
    rows = ordered.reshape(MAPS, ANCHORS_PER_MAP, 2).tolist()
    return tuple(tuple((float(w), float(h)) for w, h in anchors) for anchors in rows)


def size_iou(sizes: FloatArray, centers: FloatArray) -> FloatArray:
    """Return the (N, K) overlap of boxes of (N, 2) and (K, 2) sizes on a common corner.

    >>> size_iou(np.array([[2.0, 4.0]]), np.array([[4.0, 2.0]])).round(3)
    array([[0.333]])
    """
    intersection = np.minimum(sizes[:, None], centers[None]).prod(axis=2)
    union = sizes.prod(axis=1)[:, None] + centers.prod(axis=1)[None] - intersection
    overlap: FloatArray = intersection / union
    return overlap


def mean_best_iou(sizes: FloatArray, centers: FloatArray) -> float:
    """Return how well ``centers`` (K, 2) cover ``sizes`` (N, 2): mean IoU with the best one."""
    return float(size_iou(sizes, centers).max(axis=1).mean())


def _spread_sizes(distinct: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Draw ``count`` of the sizes, each more likely the worse the ones before cover it."""
    drawn = [int(rng.integers(len(distinct)))]
    while len(drawn) < count:
        distance = 1 - size_iou(distinct, distinct[drawn]).max(axis=1)
        distance[drawn] = 0
        drawn.append(int(rng.choice(len(distinct), p=distance**2 / (distance**2).sum())))
    return distinct[drawn]


def _kmeans(sizes: FloatArray, centers: FloatArray) -> FloatArray:
    for _ in range(_ROUNDS):
        nearest = size_iou(sizes, centers).argmax(axis=1)
        moved = np.array(
            [
                np.median(sizes[nearest == k], axis=0) if (nearest == k).any() else centers[k]
                for k in range(len(centers))
            ]
        )
        if np.array_equal(moved, centers):
            break
        centers = moved
    return centers
