"""The paper a slice is painted on: sub-slices across the slice thickness, painted in order."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.phantom.anatomy import Spine
from discern.phantom.settings import Contrast
from discern.phantom.texture import Field, Textures
from discern.spine import Tissue

Mask = NDArray[np.bool_]
Signal = Field | float | Callable[[Contrast], Field | float]
"""What is painted: the same in every contrast, or what it is in one."""

EDGE_MM = 0.8
"""Width over which one tissue gives way to the next."""


@dataclass(frozen=True, slots=True)
class Place:
    """A box in the patient frame: centre and half sizes along x, y and z."""

    center_lps_mm: tuple[float, float, float]
    reach_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the image: rows and columns, half open."""

    rows: slice
    columns: slice


@dataclass(frozen=True)
class Patch:
    """A part of the canvas with the coordinates of its sample points.

    ``x_mm`` is measured from the (possibly scoliotic) midline, positive to the left; ``y_mm`` and
    ``z_mm`` are those of the patient frame. ``lumps`` is the coarse texture in the middle of the
    slice. ``signals``, one of each of ``contrasts``, and ``tissues`` are views: painting and
    marking change the canvas.
    """

    window: Window
    x_mm: Field
    y_mm: Field
    z_mm: Field
    textures: Textures
    lumps: Field
    contrasts: tuple[Contrast, ...]
    signals: tuple[Field, ...]
    tissues: NDArray[np.uint8]

    @property
    def points_mm(self) -> tuple[Field, Field, Field]:
        """x, y, z of the sample points."""
        return self.x_mm, self.y_mm, self.z_mm

    def paint(self, coverage: Field, value: Signal) -> None:
        """Mix ``value`` in where ``coverage`` (0..1) says so."""
        if not coverage.max() > 0:
            return
        for contrast, signal in zip(self.contrasts, self.signals, strict=True):
            change = in_contrast(value, contrast) - signal
            change *= coverage
            np.add(signal, change, out=signal)

    def mark(self, inside: Mask, tissue: Tissue) -> None:
        """Say that the sample points ``inside`` show ``tissue`` from now on."""
        np.copyto(self.tissues, np.uint8(tissue), where=inside)


class Canvas:
    """One slice being painted in several contrasts at once.

    ``signals`` holds one (S, H, W) of each contrast, fractions of the CSF signal on T2; ``tissues``
    (S, H, W) the ``Tissue`` of every sample point.

    ``whole`` covers everything but is sampled in the middle of the slice only: for the
    surroundings, which change little across a slice, at a third of the time. They come first;
    ``lay_ground`` then puts them under all sub-slices.
    """

    def __init__(
        self,
        geometry: SliceGeometry,
        shape_px: tuple[int, int],
        offsets_mm: Field,
        spine: Spine,
        textures: Textures,
        contrasts: tuple[Contrast, ...],
    ) -> None:
        """Lay sub-slices at ``offsets_mm`` (S,) along the normal of ``geometry``."""
        self.geometry = geometry
        self.offsets_mm = offsets_mm
        self._spine = spine
        self._textures = textures
        self._contrasts = contrasts
        axes = np.array([geometry.along_row, geometry.along_column, geometry.normal])
        # Plain numbers: hundreds of places are looked for on every slice.
        self._corner = [float(one) for one in geometry.position_lps_mm]
        self._directions, self._spans = axes.tolist(), np.abs(axes).tolist()
        row_mm, column_mm = geometry.spacing_mm
        self._rows_mm = np.arange(shape_px[0])[None, :, None] * row_mm
        self._columns_mm = np.arange(shape_px[1])[None, None, :] * column_mm
        self._half_thickness_mm = float(np.abs(offsets_mm).max())
        shape = (offsets_mm.size, *shape_px)
        self.signals: tuple[Field, ...] = tuple(np.zeros(shape, np.float32) for _ in contrasts)
        self.tissues = np.zeros(shape, np.uint8)
        whole = Window(slice(0, shape_px[0]), slice(0, shape_px[1]))
        middle = self._points_mm(whole, np.zeros(1, np.float32))
        lumps = np.broadcast_to(textures.lumps.at(middle), (1, *shape_px))
        ground = tuple(signal[:1] for signal in self.signals)
        self.whole = Patch(whole, *middle, textures, lumps, contrasts, ground, self.tissues)

    def lay_ground(self) -> None:
        """Give every sub-slice what was painted on ``whole``."""
        for signal in self.signals:
            signal[1:] = signal[:1]

    def tissue_map(self) -> NDArray[np.uint8]:
        """Return the ``Tissue`` (H, W) that fills at least half of the slice thickness."""
        labels = np.zeros(self.tissues.shape[1:], np.uint8)
        for tissue in (Tissue.CANAL, Tissue.VERTEBRA, Tissue.DISC):
            labels[most(self.tissues == tissue)] = tissue
        return labels

    def near(self, place: Place) -> Iterator[Patch]:
        """Yield the patch that holds ``place``, or nothing where the slice misses it."""
        offset = [c - o for c, o in zip(place.center_lps_mm, self._corner, strict=True)]
        column, row, across = self._directions
        column_reach, row_reach, across_reach = self._spans
        reach = place.reach_mm
        if abs(_dot(across, offset)) > _dot(across_reach, reach) + self._half_thickness_mm:
            return
        column_mm, half_column_mm = _dot(column, offset), _dot(column_reach, reach)
        row_mm, half_row_mm = _dot(row, offset), _dot(row_reach, reach)
        between_rows_mm, between_columns_mm = self.geometry.spacing_mm
        rows = _clipped(row_mm, half_row_mm, between_rows_mm, self.tissues.shape[1])
        columns = _clipped(column_mm, half_column_mm, between_columns_mm, self.tissues.shape[2])
        if rows.start < rows.stop and columns.start < columns.stop:
            yield self._patch(Window(rows, columns))

    def around(self, wanted: NDArray[np.bool_]) -> Iterator[Patch]:
        """Yield the smallest patch that holds all ``wanted`` (H, W) pixels, if there are any."""
        rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
        if rows.size:
            window = Window(
                slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
            )
            yield self._patch(window)

    def _patch(self, window: Window) -> Patch:
        part = (slice(None), window.rows, window.columns)
        points_mm = self._points_mm(window, self.offsets_mm)
        return Patch(
            window,
            *points_mm,
            textures=self._textures,
            lumps=self.whole.lumps[part],
            contrasts=self._contrasts,
            signals=tuple(signal[part] for signal in self.signals),
            tissues=self.tissues[part],
        )

    def _points_mm(self, window: Window, offsets_mm: Field) -> tuple[Field, Field, Field]:
        x_mm, y_mm, z_mm = (self._coordinate(axis, window, offsets_mm) for axis in range(3))
        return x_mm - self._spine.shift_mm(z_mm).astype(np.float32), y_mm, z_mm

    def _coordinate(self, axis: int, window: Window, offsets_mm: Field) -> Field:
        """Return one LPS coordinate of all sample points; constant axes keep length 1."""
        total = np.full((1, 1, 1), self._corner[axis])
        column, row, across = self._directions
        for steps_mm, direction in (
            (offsets_mm[:, None, None], across[axis]),
            (self._rows_mm[:, window.rows], row[axis]),
            (self._columns_mm[..., window.columns], column[axis]),
        ):
            if abs(direction) > 1e-9:  # noqa: PLR2004 - a direction cosine that is zero
                total = total + steps_mm * direction
        return total.astype(np.float32)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    (a, b, c), (x, y, z) = one, other
    return a * x + b * y + c * z


def _clipped(center_mm: float, half_mm: float, spacing_mm: float, size_px: int) -> slice:
    low = math.floor((center_mm - half_mm) / spacing_mm)
    high = math.ceil((center_mm + half_mm) / spacing_mm) + 1
    return slice(min(max(low, 0), size_px), min(max(high, 0), size_px))


def in_contrast(signal: Signal, contrast: Contrast) -> Field | float:
    """Return what ``signal`` is in one contrast."""
    return signal(contrast) if callable(signal) else signal


def most(inside: Mask) -> Mask:
    """Return (h, w): where at least half of the (S, h, w) sample points are inside."""
    mask: Mask = 2 * inside.sum(axis=0, dtype=np.uint8) >= inside.shape[0]
    return mask


def covered(distance_mm: Field, edge_mm: float = EDGE_MM) -> Field:
    """Return coverage 0..1 of a signed distance, negative inside."""
    coverage: Field = np.float32(0.5) - distance_mm * np.float32(1 / edge_mm)
    np.clip(coverage, 0, 1, out=coverage)
    return coverage


def radial(one: Field, other: Field) -> Field:
    """Return the length of the vector of both; ``np.hypot`` guards against overflow, slowly."""
    length: Field = np.sqrt(one * one + other * other)
    return length


def step(low: float, high: float, value: Field) -> Field:
    """Return 0 below ``low``, 1 above ``high``, smooth between (also for ``low`` > ``high``).

    >>> step(0, 2, np.array([-1, 1, 3], np.float32)).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    smooth: Field = t * t * (3 - 2 * t)
    return smooth
