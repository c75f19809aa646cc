"""Which disc or vertebra an axial slice shows: where it crosses the axis of the spine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.findings import AxialSlice, StudyWarning
from discern.imaging.geometry import SliceGeometry, Vector
from discern.imaging.plane_geometry import normals_of, step_between_mm
from discern.imaging.study import Series, Slice
from discern.inference.axial_spine import PlacedDisc, SpineAxis, spine_axis

_LEAST_COSINE = 0.3  # of slice normal and axis: flatter cuts run along the spine


@dataclass(frozen=True, slots=True)
class PlacedSlice:
    """An axial slice by name; ``midline_lps_mm`` is where it crosses the axis of the spine."""

    slice_: Slice
    named: AxialSlice
    disc: PlacedDisc | None = None
    midline_lps_mm: Vector | None = None


@dataclass(frozen=True, slots=True)
class PlacedSeries:
    """Every slice of an axial series with its name, in series order, and what to tell."""

    series: Series
    slices: tuple[PlacedSlice, ...]
    warnings: tuple[StudyWarning, ...] = ()

    @property
    def named(self) -> tuple[AxialSlice, ...]:
        """The slices as the findings list them."""
        return tuple(one.named for one in self.slices)


@dataclass(frozen=True, slots=True)
class _Crossing:
    """A place of the axis in a slice, and how much of the axis the slab takes up there."""

    along_mm: float
    point_lps_mm: Vector
    slab_mm: float


def place_slices(discs: Sequence[PlacedDisc], series: Series) -> PlacedSeries:
    """Name the slices of an axial series by where they cross the axis through ``discs``.

    Straight stacks, blocks laid disc by disc, tilted and turned ones, in any order. A slab is as
    thick as the distance to the next slice. A slice is left without a name when it has no
    geometry, when its matrix does not hold the crossing, or beyond the named part of the spine.

    Args:
        discs: The named discs, head to foot, in the patient frame; may be none.
        series: An axial series.
    """
    geometries = [one.geometry for one in series.slices]
    known = [one for one in geometries if one is not None]
    crossings: list[_Crossing | None] = [None] * len(geometries)
    axis = spine_axis(discs) if discs else None
    if axis is not None and known:
        slab_mm = step_between_mm(known)
        distances = iter(_distances(axis, known))
        crossings = [
            None if one.geometry is None else _crossing(axis, one, next(distances), slab_mm)
            for one in series.slices
        ]
    placed = tuple(
        _placed(series, slice_, axis, crossing)
        for slice_, crossing in zip(series.slices, crossings, strict=True)
    )
    return PlacedSeries(series, placed, tuple(_said(series, discs, placed)))


def _distances(axis: SpineAxis, slices: Sequence[SliceGeometry]) -> NDArray[np.float64]:
    """Return the signed distances (S, N) in mm of the axis points from every slice plane."""
    normals = normals_of(slices)  # (S, 3)
    corners = np.array([one.position_lps_mm for one in slices])  # (S, 3)
    offsets = (normals * corners).sum(axis=1)  # (S,)
    distances: NDArray[np.float64] = normals @ axis.points_lps_mm.T - offsets[:, None]
    return distances


def _crossing(
    axis: SpineAxis, slice_: Slice, distance_mm: NDArray[np.float64], slab_mm: float
) -> _Crossing | None:
    """Return where the slice's matrix holds a point of the axis, the nearest to its middle."""
    geometry = slice_.geometry
    below = distance_mm < 0
    before = np.flatnonzero(below[:-1] != below[1:])
    if geometry is None or not before.size:
        return None
    change = distance_mm[before + 1] - distance_mm[before]  # (C,)
    share = -distance_mm[before] / change
    steps = axis.points_lps_mm[before + 1] - axis.points_lps_mm[before]  # (C, 3)
    points = axis.points_lps_mm[before] + share[:, None] * steps
    lengths = axis.along_mm[before + 1] - axis.along_mm[before]
    cosine = np.abs(change) / lengths
    size_xy = np.array(slice_.shape_px[::-1])
    pixels = geometry.lps_to_pixel(points)
    inside = ((pixels >= 0) & (pixels <= size_xy)).all(axis=1) & (cosine >= _LEAST_COSINE)
    if not inside.any():
        return None
    off_middle = np.where(inside, np.linalg.norm(pixels - size_xy / 2, axis=1), np.inf)
    best = int(off_middle.argmin())
    x, y, z = points[best].tolist()
    along_mm = float(axis.along_mm[before[best]] + share[best] * lengths[best])
    return _Crossing(along_mm, (x, y, z), slab_mm / float(cosine[best]))


def _placed(
    series: Series, slice_: Slice, axis: SpineAxis | None, crossing: _Crossing | None
) -> PlacedSlice:
    disc = vertebra = None
    if axis is not None and crossing is not None:
        disc = axis.disc_at(crossing.along_mm, crossing.slab_mm)
        vertebra = None if disc else axis.vertebra_at(crossing.along_mm)
    named = AxialSlice(
        series=series.id,
        slice_index=slice_.index,
        sop_instance_uid=slice_.sop_instance_uid,
        frame_number=slice_.frame_number,
        level=disc.level if disc else None,
        vertebra=vertebra,
    )
    return PlacedSlice(slice_, named, disc, crossing.point_lps_mm if crossing else None)


def _said(
    series: Series, discs: Sequence[PlacedDisc], placed: Sequence[PlacedSlice]
) -> list[StudyWarning]:
    lacking = sum(one.slice_.geometry is None for one in placed)
    if lacking:
        text = (
            f"{lacking} of {len(placed)} slices of the axial series {series.id} do not say where "
            "they lie; they are assigned to no disc."
        )
        return [StudyWarning("axial_without_geometry", text)]
    if discs and all(one.midline_lps_mm is None for one in placed):
        text = (
            f"The axial series {series.id} does not cross the part of the spine that was named; "
            "its slices are assigned to no disc."
        )
        return [StudyWarning("axial_elsewhere", text)]
    return []
