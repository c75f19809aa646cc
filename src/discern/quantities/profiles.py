"""Disc and vertebrae resampled along the axes of each disc, and the contours found there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.quantities.axes import DiscAxes
from discern.quantities.slices import Array, Mask, TissueSlice
from discern.spine import Tissue

_U = np.linspace(-0.80, 0.80, 65)
_V = np.linspace(-0.54, 0.54, 55)
"""Sample positions along and across the disc, in depths of the disc (some 35 mm)."""
_HALF = 0.5
"""Probability at which one tissue ends."""

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The surroundings of N discs on a common grid.

    Attributes:
        u, v: (N, U) and (N, V) positions along and across each disc, in units of the slice.
        disc, vertebra: (N, U, V) probabilities.
    """

    u: Array
    v: Array
    disc: Field
    vertebra: Field


@dataclass(frozen=True, slots=True)
class Run:
    """First and last position of a tissue along one grid direction; NaN where there is none.

    ``open_first`` and ``open_last`` say that the run goes on beyond the grid.
    """

    first: Array
    last: Array
    open_first: Mask
    open_last: Mask


def sample_profiles(maps: TissueSlice, axes: DiscAxes) -> Profiles:
    """Resample disc and vertebra bilinearly round each disc; nothing lies beyond the image."""
    u, v = axes.depth[:, None] * _U, axes.depth[:, None] * _V
    cos, sin = np.cos(axes.angle)[:, None, None], np.sin(axes.angle)[:, None, None]
    center = (axes.center / maps.scale)[:, :, None, None]  # (N, 2, 1, 1)
    x = center[:, 0] + (cos * u[:, :, None] - sin * v[:, None, :]) / maps.scale[0] - 0.5
    y = center[:, 1] + (sin * u[:, :, None] + cos * v[:, None, :]) / maps.scale[1] - 0.5
    return Profiles(u, v, *_bilinear(maps, x.astype(np.float32), y.astype(np.float32)))


def _bilinear(maps: TissueSlice, x: Field, y: Field) -> tuple[Field, Field]:
    height, width = maps.image.shape
    outside = (x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = x - column, y - row
    start = row * width + column
    found = []
    for tissue in (Tissue.DISC, Tissue.VERTEBRA):
        flat = maps.of(tissue).ravel()
        top = flat[start] * (1 - right) + flat[start + 1] * right
        below = flat[start + width] * (1 - right) + flat[start + width + 1] * right
        value = top + (below - top) * down
        value[outside] = 0
        found.append(value)
    return found[0], found[1]


def run_through(values: Field, positions: Array, seed: Array) -> Run:
    """Return where the run of ``values`` >= 0.5 that lies nearest to ``seed`` begins and ends.

    Args:
        values: (N, A, B) probabilities.
        positions: (N, B) ascending positions along the last axis.
        seed: (N, A) position near which the run is looked for; NaN for none.
    """
    count, lines, size = values.shape
    inside = values >= _HALF
    step = positions[:, 1] - positions[:, 0]
    at = (np.nan_to_num(seed) - positions[:, :1]) / step[:, None]  # (N, A) index of the seed
    index = np.arange(size)
    distance = np.where(inside, np.abs(index - at[:, :, None]), np.inf)
    nearest = distance.argmin(axis=2)  # (N, A)
    missing = ~inside.any(axis=2) | np.isnan(seed)
    before = np.where(~inside & (index < nearest[:, :, None]), index, -1).max(axis=2)
    after = np.where(~inside & (index > nearest[:, :, None]), index, size).min(axis=2)
    n, a = np.ogrid[:count, :lines]
    low, high = np.maximum(before, 0), np.minimum(after, size - 1)
    first = low + _share(values[n, a, low], values[n, a, np.minimum(low + 1, size - 1)])
    last = high - _share(values[n, a, high], values[n, a, np.maximum(high - 1, 0)])
    first = np.where(missing, np.nan, positions[:, :1] + first * step[:, None])
    last = np.where(missing, np.nan, positions[:, :1] + last * step[:, None])
    return Run(first, last, before < 0, after >= size)


def _share(outside: Field, inside: Field) -> Array:
    """Return how far from the outer to the inner sample the probability passes one half."""
    rise = np.where(inside > outside, inside - outside, 1.0)
    share: Array = np.clip((_HALF - outside) / rise, 0.0, 1.0).astype(float)
    return share
