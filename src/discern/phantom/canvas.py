"""The paper a slice is painted on: sub-slices across the slice thickness, painted in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.phantom.anatomy import Spine

Field = NDArray[np.float32]
"""Values on the sub-slice grid (S, H, W); axes along which nothing changes have length 1."""

EDGE_MM = 0.8
"""Width over which one tissue gives way to the next."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the image: rows and columns, half open."""

    rows: slice
    columns: slice


@dataclass(frozen=True)
class Patch:
    """A part of the canvas with the coordinates of its sample points.

    ``x_mm`` is measured from the (possibly scoliotic) midline, positive to the left; ``y_mm`` and
    ``z_mm`` are those of the patient frame. ``signal`` is a view: painting changes the canvas.
    """

    window: Window
    x_mm: Field
    y_mm: Field
    z_mm: Field
    signal: Field

    def paint(self, coverage: Field, value: Field | float) -> None:
        """Mix ``value`` in where ``coverage`` (0..1) says so."""
        self.signal[...] += coverage * (value - self.signal)


class Canvas:
    """One slice being painted; ``signal`` is (S, H, W), a fraction of the CSF signal."""

    def __init__(
        self, geometry: SliceGeometry, shape_px: tuple[int, int], offsets_mm: Field, spine: Spine
    ) -> None:
        """Lay sub-slices at ``offsets_mm`` (S,) along the normal of ``geometry``."""
        self.geometry = geometry
        self.offsets_mm = offsets_mm
        self._spine = spine
        self.signal: Field = np.zeros((offsets_mm.size, *shape_px), np.float32)

    @cached_property
    def whole(self) -> Patch:
        """The patch that covers everything, sampled in the middle of the slice only.

        For the surroundings, which change little across a slice: a third of the time.
        """
        rows, columns = self.signal.shape[1:]
        return self._patch(Window(slice(0, rows), slice(0, columns)), np.zeros(1, np.float32))

    def near(self, center_lps_mm: NDArray[np.float64], radius_mm: float) -> Iterator[Patch]:
        """Yield the patch within ``radius_mm`` of a place, or nothing where the slice misses it."""
        across_mm = float(self.geometry.distance_mm(center_lps_mm[None])[0])
        reach_mm = radius_mm + float(np.abs(self.offsets_mm).max())
        if abs(across_mm) > reach_mm:
            return
        x, y = self.geometry.lps_to_pixel(center_lps_mm[None])[0]
        row_mm, column_mm = self.geometry.spacing_mm
        rows = _clipped(y, radius_mm / row_mm, self.signal.shape[1])
        columns = _clipped(x, radius_mm / column_mm, self.signal.shape[2])
        if rows.start < rows.stop and columns.start < columns.stop:
            yield self._patch(Window(rows, columns), self.offsets_mm)

    def midline(self, reach_mm: float) -> Iterator[Patch]:
        """Yield the columns within ``reach_mm`` of the spine's midline, if the slice has any."""
        side_mm = np.abs(self.whole.x_mm).min(axis=(0, 1))  # (W,) or (1,)
        if side_mm.min() > reach_mm + float(np.abs(self.offsets_mm).max()):
            return
        columns = np.flatnonzero(np.broadcast_to(side_mm <= reach_mm, self.signal.shape[2]))
        if side_mm.size == 1:
            columns = np.arange(self.signal.shape[2])
        window = Window(slice(0, self.signal.shape[1]), slice(columns[0], columns[-1] + 1))
        yield self._patch(window, self.offsets_mm)

    def _patch(self, window: Window, offsets_mm: Field) -> Patch:
        x_mm, y_mm, z_mm = (self._coordinate(axis, window, offsets_mm) for axis in range(3))
        x_mm = x_mm - self._spine.shift_mm(z_mm).astype(np.float32)
        return Patch(window, x_mm, y_mm, z_mm, self.signal[:, window.rows, window.columns])

    def _coordinate(self, axis: int, window: Window, offsets_mm: Field) -> Field:
        """Return one LPS coordinate of all sample points; constant axes keep length 1."""
        row_mm, column_mm = self.geometry.spacing_mm
        rows = np.arange(window.rows.start, window.rows.stop)[None, :, None] * row_mm
        columns = np.arange(window.columns.start, window.columns.stop)[None, None, :] * column_mm
        total = np.full((1, 1, 1), self.geometry.position_lps_mm[axis])
        for steps_mm, direction in (
            (offsets_mm[:, None, None], self.geometry.normal[axis]),
            (rows, self.geometry.along_column[axis]),
            (columns, self.geometry.along_row[axis]),
        ):
            if abs(direction) > 1e-9:  # noqa: PLR2004 - a direction cosine that is zero
                total = total + steps_mm * direction
        return total.astype(np.float32)


def _clipped(center_px: float, radius_px: float, size_px: int) -> slice:
    low = int(np.clip(np.floor(center_px - radius_px), 0, size_px))
    return slice(low, int(np.clip(np.ceil(center_px + radius_px), 0, size_px)))


def covered(distance_mm: Field, edge_mm: float = EDGE_MM) -> Field:
    """Return coverage 0..1 of a signed distance, negative inside."""
    coverage: Field = np.clip(0.5 - distance_mm / np.float32(edge_mm), 0, 1)
    return coverage


def step(low: float, high: float, value: Field) -> Field:
    """Return 0 below ``low``, 1 above ``high``, smooth between (also for ``low`` > ``high``).

    >>> step(0, 2, np.array([-1, 1, 3], np.float32)).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    smooth: Field = t * t * (3 - 2 * t)
    return smooth
