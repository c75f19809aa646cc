"""Axial slices named by what they cut of a drawn spine whose discs lie oblique to them."""

import numpy as np
import pytest
from axial_spines import axial_series, slice_at
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.imaging.plane_geometry import normals_of
from discern.imaging.study import Slice
from discern.inference.axial import place_slices
from discern.inference.axial_cut import SegmentedSlice, cuts_of, segmented_slices
from discern.inference.axial_spine import PlacedDisc
from discern.quantities.slices import TissueSlice
from discern.spine import Level, Tissue, Vertebra

LEVELS = (Level.L3_L4, Level.L4_L5, Level.L5_S1)
MIDDLES_MM = (35.0, 0.0, -35.0)
HEIGHT_MM, DEPTH_MM = 8.0, 36.0
SLOPE = np.tan(np.radians(25.0))  # discs fall to the back
SPACING_MM, SIZE_PX = 0.5, 400
STEP_MM = 4.0
UP = np.array([0.0, 0.0, 1.0])

Array = NDArray[np.float64]


def tissue_at(behind_mm: Array, head_mm: Array) -> NDArray[np.uint8]:
    """Return what lies at a place of the midline; below the lowest disc is the sacrum."""
    level_mm = head_mm + SLOPE * behind_mm  # along the discs
    column = np.abs(behind_mm) < DEPTH_MM / 2
    bone = column & (level_mm > MIDDLES_MM[-1]) & (level_mm < 60)
    arch = (np.abs(behind_mm - 45) < 10) & (np.abs(head_mm) < 60)
    disc = np.zeros_like(column)
    for middle in MIDDLES_MM:
        disc |= column & (np.abs(level_mm - middle) < HEIGHT_MM / 2)
    tissue = np.full(behind_mm.shape, int(Tissue.BACKGROUND), np.uint8)
    tissue[bone | arch], tissue[disc] = Tissue.VERTEBRA, Tissue.DISC
    return tissue


def sagittal(left_mm: float = 0.0, *, empty: bool = False) -> SegmentedSlice:
    """Return a segmented sagittal slice ``left_mm`` to the left of the midline."""
    half = (SIZE_PX - 1) * SPACING_MM / 2
    geometry = SliceGeometry(
        (left_mm, -half, half), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (SPACING_MM, SPACING_MM)
    )
    rows, columns = np.mgrid[:SIZE_PX, :SIZE_PX] * SPACING_MM
    tissue = tissue_at(columns - half, half - rows)
    if empty:
        tissue[:] = Tissue.BACKGROUND
    maps = np.stack([tissue == one for one in Tissue]).astype(np.float32)
    shape = (SIZE_PX, SIZE_PX)
    spacing = (SPACING_MM, SPACING_MM)
    return SegmentedSlice(geometry, shape, TissueSlice(0, np.zeros(shape, "f4"), maps, spacing))


def discs() -> list[PlacedDisc]:
    pairs = zip(LEVELS, MIDDLES_MM, strict=True)
    return [PlacedDisc(level, (0.0, 0.0, z), HEIGHT_MM, DEPTH_MM) for level, z in pairs]


def straight(*heights_mm: float) -> list[Slice]:
    return [slice_at(UP * height, UP, index) for index, height in enumerate(heights_mm)]


def names(slices: list[Slice], *segmented: SegmentedSlice) -> list[Level | Vertebra | None]:
    placed = place_slices(discs(), axial_series(slices), segmented)
    return [one.level or one.vertebra for one in placed.named]


def test_a_slice_that_cuts_the_back_of_an_oblique_disc_is_that_of_the_disc() -> None:
    slices = straight(-12.0, -6.0, -3.0, 0.0, 3.0, 6.0, 12.0)

    by_cut, by_axis = names(slices, sagittal()), names(slices)

    disc, above, below = Level.L4_L5, Vertebra.L4, Vertebra.L5
    assert by_cut == [below, disc, disc, disc, disc, disc, above]
    assert by_axis == [below, below, disc, disc, disc, above, above]


@pytest.mark.parametrize("tilt_deg", [0.0, -25.0, 20.0])
@pytest.mark.parametrize("height_mm", [-6.0, 1.0, 9.0])
def test_shares_are_those_of_a_fine_walk_along_the_cut(tilt_deg: float, height_mm: float) -> None:
    tilt = np.radians(tilt_deg)
    normal = np.array([0.0, np.sin(tilt), np.cos(tilt)])
    (one,) = [slice_at(UP * height_mm, normal, 0)]
    assert one.geometry is not None

    cuts = cuts_of(
        normals_of([one.geometry]), np.array([UP * height_mm]), 4.0, discs(), [sagittal()]
    )

    walk = np.linspace(-25.0, 25.0, 5001)  # the column lies within
    layers = np.linspace(-4 / 3, 4 / 3, 3)[:, None]
    behind = walk * np.cos(tilt) + layers * np.sin(tilt)
    head = height_mm - walk * np.sin(tilt) + layers * np.cos(tilt)
    tissue = tissue_at(behind, head)
    total = np.isin(tissue, (Tissue.DISC, Tissue.VERTEBRA)).sum()
    assert cuts.seen.all()
    assert cuts.shares[0, 1] == pytest.approx((tissue == Tissue.DISC).sum() / total, abs=0.03)
    assert cuts.shares[0, [0, 2]] == pytest.approx(0, abs=0.01)


def test_the_front_tip_of_the_lowest_disc_does_not_make_a_slice_its_own() -> None:
    # Beneath it lies the sacrum, which is not segmented: all that is seen there is disc.
    assert names(straight(-45.0, -35.0), sagittal()) == [Vertebra.S1, Level.L5_S1]


def test_slices_to_the_side_do_not_tell_and_the_axis_does() -> None:
    slices = straight(-12.0, -8.0, 0.0)

    assert names(slices, sagittal(left_mm=20.0)) == names(slices)


def test_where_the_segmentation_found_nothing_the_axis_tells() -> None:
    slices = straight(-12.0, -8.0, 0.0)

    assert names(slices, sagittal(empty=True)) == names(slices)


def test_a_thick_slab_that_holds_the_middle_of_a_thin_disc_is_that_of_the_disc() -> None:
    steep = np.array([0.0, -np.sin(np.radians(40)), np.cos(np.radians(40))])
    slices = [slice_at(UP * z, steep, i) for i, z in enumerate((-17.0, 0.0, 17.0))]
    blank = sagittal()
    thin = blank.tissue.probabilities.copy()
    thin[Tissue.VERTEBRA] += thin[Tissue.DISC]
    thin[Tissue.DISC] = 0

    shown = SegmentedSlice(
        blank.geometry, blank.shape_px, TissueSlice(0, blank.tissue.image, thin, None)
    )

    assert names(slices, shown) == [Vertebra.L5, Level.L4_L5, Vertebra.L4]


def test_a_moved_patient_is_named_by_what_the_slices_show() -> None:
    slices = straight(-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
    shown = names(slices, sagittal())

    stated = straight(*(height - 5.0 for height in (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)))
    placed = place_slices(discs(), axial_series(stated), [sagittal()], shift_mm=5.0)

    assert [one.level or one.vertebra for one in placed.named] == shown
    assert [warning.code for warning in placed.warnings] == ["axial_moved"]
    assert "5 mm nearer to the head" in placed.warnings[0].text
    middle = placed.slices[3].midline_lps_mm
    assert middle == pytest.approx((0.0, 0.0, -5.0), abs=1e-6)  # on the slice as it is stored


def test_slices_are_paired_with_their_tissue_by_index() -> None:
    slices = [slice_at(UP * i, np.array([1.0, 0.0, 0.0]), i) for i in range(3)]
    tissue = TissueSlice(2, np.zeros((200, 200), "f4"), np.zeros((4, 200, 200), "f4"), None)

    (paired,) = segmented_slices(slices, [tissue])

    assert paired.geometry == slices[2].geometry
