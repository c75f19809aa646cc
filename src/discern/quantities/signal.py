"""Signal of each disc's nucleus region, and of the cerebrospinal fluid beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.quantities.axes import DiscAxes
from discern.quantities.plates import Plates
from discern.quantities.shape import Shape, contours_at
from discern.quantities.slices import Array, TissueSlice
from discern.spine import Tissue

NUCLEUS_HALF_DEPTH, NUCLEUS_HALF_HEIGHT = 0.25, 0.3
"""The nucleus region: the middle half of the depth, the middle three fifths of the height."""
_MIN_NUCLEUS, _MIN_CSF = 12, 40
"""Fewest pixels from which a signal is told."""
_BAND = 0.5
"""Fluid is sought up to this many depths (17 mm) above and below the disc's axis."""
_FLUID = (70, 95)
"""Percentiles of the canal between which its pixels are fluid; cord and roots lie below, flow and
noise above."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Of N discs, (N,) each, in the unit of the image; NaN where it cannot be told."""

    nucleus: Array
    deviation: Array
    fluid: Array


def signal_of(maps: TissueSlice, axes: DiscAxes, plates: Plates, shape: Shape) -> Signal:
    """Measure N discs."""
    where = np.flatnonzero(maps.of(Tissue.CANAL) >= 0.5)  # noqa: PLR2004 - majority
    canal_y, canal_x = np.divmod(where, maps.image.shape[1])
    x, y = (canal_x + 0.5) * maps.scale[0], (canal_y + 0.5) * maps.scale[1]
    fluid_values = maps.image[canal_y, canal_x]
    angle = axes.angle + shape.tilt
    rows = []
    for row in range(len(angle)):
        values = _nucleus(maps, axes, plates, shape, row)
        sin, cos = float(np.sin(angle[row])), float(np.cos(angle[row]))
        center_x, center_y = axes.center[row]
        across = y * cos - x * sin - (center_y * cos - center_x * sin)
        beside = fluid_values[np.abs(across) <= _BAND * axes.depth[row]]
        enough = values.size >= _MIN_NUCLEUS
        rows.append(
            (
                values.mean() if enough else np.nan,
                values.std(ddof=1) if enough else np.nan,
                fluid_signal(beside),
            )
        )
    return Signal(*np.array(rows, float).reshape(-1, 3).T)


def _nucleus(
    maps: TissueSlice, axes: DiscAxes, plates: Plates, shape: Shape, row: int
) -> NDArray[np.float32]:
    """Return the signal of the pixels whose centres lie in the nucleus region of disc ``row``."""
    if np.isnan(shape.depth[row]):
        return np.zeros(0, np.float32)
    angle = axes.angle[row] + shape.tilt[row]
    back = np.array([np.cos(angle), np.sin(angle)])
    middle = (shape.front[row] + shape.back[row]) / 2
    reach = NUCLEUS_HALF_DEPTH * shape.depth[row]
    corner = axes.center[row] / maps.scale
    around = 1.5 * reach / maps.scale + np.abs(middle) / maps.scale + 2
    height, width = maps.image.shape
    x1, y1 = np.maximum(corner - around, 0).astype(int)
    x2, y2 = np.minimum(corner + around, (width, height)).astype(int)
    y, x = np.mgrid[y1:y2, x1:x2]
    points = (np.stack((x, y), axis=-1) + 0.5) * maps.scale - axes.center[row]  # (h, w, 2)
    along, across = points @ back, points @ np.array([-back[1], back[0]])
    inside = np.abs(along - middle) <= reach
    upper, lower = contours_at(plates, row, float(shape.tilt[row]), along[inside])
    center, half = (upper + lower) / 2, NUCLEUS_HALF_HEIGHT * (lower - upper)
    inside[inside] = np.abs(across[inside] - center) <= half
    values: NDArray[np.float32] = maps.image[y1:y2, x1:x2][inside]
    return values


def fluid_signal(beside: NDArray[np.float32]) -> float:
    """Return the mean of the bright pixels among (N,) of the canal, NaN where too few are seen."""
    if beside.size < _MIN_CSF:
        return float("nan")
    low, high = np.percentile(beside, _FLUID)
    return float(beside[(beside >= low) & (beside <= high)].mean())
