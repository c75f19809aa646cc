"""A patient who moved between two series: how far, read off drawn pictures."""

from dataclasses import replace

import numpy as np
import pytest
from axial_spines import axial_series, slice_at
from numpy.typing import NDArray

from discern.errors import UnreadableFile
from discern.imaging.geometry import SliceGeometry
from discern.imaging.pixels import Image
from discern.imaging.study import Series, Slice
from discern.inference.axial_alignment import shift_towards_head_mm

UP = np.array([0.0, 0.0, 1.0])
CENTERS_MM = np.array([[0.0, 0.0, z] for z in (70.0, 35.0, 0.0, -35.0, -70.0)])
SPACING_MM, SIZE_PX = 0.8, 256

Array = NDArray[np.float64]


def signal(behind_mm: Array, head_mm: Array) -> Array:
    """Return bright vertebrae, dark discs that fall to the back, and a brighter canal."""
    level_mm = (head_mm + 0.3 * behind_mm + 17.5) % 35.0 - 17.5
    disc = 1 / (1 + np.exp(np.abs(level_mm) - 5.0))
    canal = 1 / (1 + np.exp(-(behind_mm - 20.0)))
    return 400.0 - 250.0 * disc * (1 - canal) + 500.0 * canal


def picture(slice_: Slice, moved_mm: float, noise: float = 15.0) -> Slice:
    """Return a slice that shows the patient ``moved_mm`` nearer to the head than it says."""
    geometry = slice_.geometry
    assert geometry is not None
    rows, columns = slice_.shape_px
    y, x = np.mgrid[:rows, :columns] + 0.5
    places = geometry.pixel_to_lps(np.stack((x.ravel(), y.ravel()), axis=1))
    image = signal(places[:, 1], places[:, 2] + moved_mm).reshape(rows, columns)
    image += np.random.default_rng(slice_.index).normal(0, noise, image.shape)
    shown: Image = image.astype(np.float32)
    return replace(slice_, read=lambda: shown)


def duller(slice_: Slice) -> Slice:
    """Return a slice of another sequence: a fifth of the contrast on a bright ground."""
    shown: Image = 40.0 + 0.2 * slice_.read()
    return replace(slice_, read=lambda: shown)


def sagittal() -> list[Slice]:
    half = (SIZE_PX - 1) * SPACING_MM / 2
    found = []
    for index, left_mm in enumerate((-5.0, 0.0, 5.0)):
        geometry = SliceGeometry(
            (left_mm, -half, half), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (SPACING_MM, SPACING_MM)
        )
        base = slice_at(UP, UP, index)
        one = replace(base, shape_px=(SIZE_PX, SIZE_PX), geometry=geometry)
        found.append(picture(one, 0.0))
    return found


def axial(moved_mm: float, *, tilt_deg: float = 0.0, slices: int = 20) -> Series:
    tilt = np.radians(tilt_deg)
    normal = np.array([0.0, np.sin(tilt), np.cos(tilt)])
    heights = (np.arange(slices) - slices / 2) * 4.4
    stack = [slice_at(UP * z, normal, i) for i, z in enumerate(heights)]
    return axial_series([picture(one, moved_mm) for one in stack])


@pytest.mark.parametrize("tilt_deg", [0.0, -18.0])
@pytest.mark.parametrize("moved_mm", [-5.0, -1.5, 2.0, 4.3])
def test_the_shift_of_a_moved_patient_is_measured(moved_mm: float, tilt_deg: float) -> None:
    shift = shift_towards_head_mm(axial(moved_mm, tilt_deg=tilt_deg), CENTERS_MM, sagittal())

    assert shift == pytest.approx(moved_mm, abs=0.4)


def test_a_patient_who_lay_still_has_no_shift() -> None:
    assert shift_towards_head_mm(axial(0.0), CENTERS_MM, sagittal()) == pytest.approx(0, abs=0.2)


def test_other_contrast_does_not_change_the_shift() -> None:
    series = axial(3.0)

    shift = shift_towards_head_mm(
        replace(series, slices=tuple(duller(one) for one in series.slices)), CENTERS_MM, sagittal()
    )

    assert shift == pytest.approx(3.0, abs=0.4)


def test_pictures_that_do_not_match_give_no_shift() -> None:
    series = axial(3.0)
    rng = np.random.default_rng(5)
    noise = tuple(
        replace(one, read=lambda: rng.normal(400, 80, (200, 200)).astype(np.float32))
        for one in series.slices
    )

    assert shift_towards_head_mm(replace(series, slices=noise), CENTERS_MM, sagittal()) == 0


def test_without_slices_discs_or_a_readable_picture_there_is_no_shift() -> None:
    def broken() -> Image:
        raise UnreadableFile("cut short")

    series, beside = axial(3.0), sagittal()
    unreadable = tuple(replace(one, read=broken) for one in series.slices)
    nowhere = tuple(replace(one, geometry=None) for one in series.slices)

    assert shift_towards_head_mm(series, np.zeros((0, 3)), beside) == 0
    assert shift_towards_head_mm(series, CENTERS_MM, []) == 0
    assert shift_towards_head_mm(series, CENTERS_MM + 500.0, beside) == 0
    assert shift_towards_head_mm(axial(3.0, slices=5), CENTERS_MM, beside) == 0
    for slices in (unreadable, nowhere, ()):
        assert shift_towards_head_mm(replace(series, slices=slices), CENTERS_MM, beside) == 0


def test_slices_that_cannot_be_read_are_left_out() -> None:
    def broken() -> Image:
        raise UnreadableFile("cut short")

    series, beside = axial(3.0), sagittal()
    some = tuple(replace(one, read=broken) if one.index % 4 == 0 else one for one in series.slices)

    shift = shift_towards_head_mm(
        replace(series, slices=some), CENTERS_MM, [replace(beside[0], read=broken), *beside[1:]]
    )

    assert shift == pytest.approx(3.0, abs=0.4)
