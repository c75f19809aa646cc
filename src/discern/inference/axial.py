"""Which disc or vertebra an axial slice shows: what it cuts where it crosses the spine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern.findings import AxialSlice, StudyWarning
from discern.imaging.geometry import HEAD, Vector
from discern.imaging.plane_geometry import normals_of, step_between_mm
from discern.imaging.study import Series, Slice
from discern.inference.axial_crossing import Crossing, crossings_of
from discern.inference.axial_cut import SegmentedSlice, cuts_of
from discern.inference.axial_spine import PlacedDisc, SpineAxis, spine_axis
from discern.spine import Vertebra

_DISC_SHARE = 1 / 3  # of the cut through disc and bone, from which a slice is the disc's
_MOVED_MM = 2.0  # from which a shift is told


@dataclass(frozen=True, slots=True)
class PlacedSlice:
    """An axial slice by name; ``midline_lps_mm`` is where it crosses the axis of the spine."""

    slice_: Slice
    named: AxialSlice
    disc: PlacedDisc | None = None
    midline_lps_mm: Vector | None = None


@dataclass(frozen=True, slots=True)
class PlacedSeries:
    """Every slice of an axial series with its name, in series order, and what to tell.

    ``shift_mm`` is how much nearer to the head they show the patient than their files say.
    """

    series: Series
    slices: tuple[PlacedSlice, ...]
    warnings: tuple[StudyWarning, ...] = ()
    shift_mm: float = 0.0

    @property
    def thickness_mm(self) -> float:
        """The distance to the next slice."""
        return step_between_mm([g for one in self.series.slices if (g := one.geometry) is not None])

    @property
    def named(self) -> tuple[AxialSlice, ...]:
        """The slices as the findings list them."""
        return tuple(one.named for one in self.slices)


def place_slices(
    discs: Sequence[PlacedDisc],
    series: Series,
    sagittal: Sequence[SegmentedSlice] = (),
    *,
    shift_mm: float = 0.0,
) -> PlacedSeries:
    """Name the slices of an axial series by what they cut of the spine of ``discs``.

    Straight stacks, blocks laid disc by disc, tilted and turned ones, in any order. A slab is as
    thick as the distance to the next slice. Where the sagittal slices beside it were segmented, a
    slice is that of the disc that makes up a third of its cut through disc and bone, and also
    where its slab holds the middle of a disc; else it is told where it crosses the axis. A slice
    is left without a name when it has no geometry, when its matrix does not hold the crossing, or
    beyond the named part of the spine.

    Args:
        discs: The named discs, head to foot, in the patient frame; may be none.
        series: An axial series.
        sagittal: Segmented sagittal slices.
        shift_mm: How much nearer to the head the slices show the patient than their files say.
    """
    shown = [_moved(one, shift_mm) for one in series.slices]
    names = _names(spine_axis(discs), shown, sagittal) if discs else [_NOTHING] * len(shown)
    placed = tuple(
        _placed(series, slice_, name, shift_mm)
        for slice_, name in zip(series.slices, names, strict=True)
    )
    warnings = tuple(_said(series, discs, placed, shift_mm))
    return PlacedSeries(series, placed, warnings, shift_mm)


@dataclass(frozen=True, slots=True)
class _Name:
    """Where a slice crosses the axis, and the disc or, without one, the vertebra it shows."""

    crossing: Crossing | None = None
    disc: PlacedDisc | None = None
    vertebra: Vertebra | None = None


_NOTHING = _Name()


def _moved(slice_: Slice, shift_mm: float) -> Slice:
    """Return a slice at the place of the patient that it shows."""
    geometry = slice_.geometry
    if geometry is None or not shift_mm:
        return slice_
    x, y, z = (np.array(geometry.position_lps_mm) + shift_mm * np.array(HEAD)).tolist()
    return replace(slice_, geometry=replace(geometry, position_lps_mm=(x, y, z)))


def _names(
    axis: SpineAxis, slices: Sequence[Slice], sagittal: Sequence[SegmentedSlice]
) -> list[_Name]:
    crossings = crossings_of(axis.points_lps_mm, axis.along_mm, slices)
    slab_mm = step_between_mm([one.geometry for one in slices if one.geometry is not None])
    names = [_NOTHING if one is None else _name_by_axis(axis, one, slab_mm) for one in crossings]
    rows = [row for row, one in enumerate(crossings) if one is not None]
    if not sagittal or not rows:
        return names
    normals = normals_of([g for row in rows if (g := slices[row].geometry) is not None])
    points = np.array([one.point_lps_mm for one in crossings if one is not None])
    cuts = cuts_of(normals, points, slab_mm, axis.discs, sagittal)
    for row, shares, seen in zip(rows, cuts.shares, cuts.seen, strict=True):
        if seen:
            names[row] = _name_by_cut(axis, names[row], shares, slab_mm)
    return names


def _name_by_axis(axis: SpineAxis, crossing: Crossing, slab_mm: float) -> _Name:
    disc = axis.disc_at(crossing.along_mm, slab_mm / crossing.cosine)
    return _Name(crossing, disc, None if disc else axis.vertebra_at(crossing.along_mm))


def _name_by_cut(
    axis: SpineAxis, name: _Name, shares: NDArray[np.float64], slab_mm: float
) -> _Name:
    """Return a name by the (D,) shares of the discs in the cut; ``name`` is that by the axis."""
    crossing = name.crossing
    if crossing is None:
        return name
    most = int(shares.argmax())
    if shares[most] >= _DISC_SHARE:
        return _Name(crossing, axis.discs[most])
    away_mm = np.abs(axis.disc_along_mm - crossing.along_mm)
    if away_mm.min() <= slab_mm / crossing.cosine / 2:
        return _Name(crossing, axis.discs[int(away_mm.argmin())])
    return _Name(crossing, None, axis.vertebra_at(crossing.along_mm))


def _placed(series: Series, slice_: Slice, name: _Name, shift_mm: float) -> PlacedSlice:
    named = AxialSlice(
        series=series.id,
        slice_index=slice_.index,
        sop_instance_uid=slice_.sop_instance_uid,
        frame_number=slice_.frame_number,
        level=name.disc.level if name.disc else None,
        vertebra=name.vertebra,
    )
    if name.crossing is None:
        return PlacedSlice(slice_, named)
    x, y, z = (np.array(name.crossing.point_lps_mm) - shift_mm * np.array(HEAD)).tolist()
    return PlacedSlice(slice_, named, name.disc, (x, y, z))


def _said(
    series: Series, discs: Sequence[PlacedDisc], placed: Sequence[PlacedSlice], shift_mm: float
) -> Iterator[StudyWarning]:
    lacking = sum(one.slice_.geometry is None for one in placed)
    if lacking:
        text = (
            f"{lacking} of {len(placed)} slices of the axial series {series.id} do not say where "
            "they lie; they are assigned to no disc."
        )
        yield StudyWarning("axial_without_geometry", text)
    elif discs and all(one.midline_lps_mm is None for one in placed):
        text = (
            f"The axial series {series.id} does not cross the part of the spine that was named; "
            "its slices are assigned to no disc."
        )
        yield StudyWarning("axial_elsewhere", text)
    if abs(shift_mm) >= _MOVED_MM:
        towards = "head" if shift_mm > 0 else "feet"
        text = (
            f"The axial series {series.id} shows the spine {abs(shift_mm):.0f} mm nearer to the "
            f"{towards} than its files say: the patient moved between the series. Its slices are "
            "named by what they show; cross-reference lines are off by as much."
        )
        yield StudyWarning("axial_moved", text)
