"""Enhanced multi-frame MR, and how one object's frames become series."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from discern.errors import NoUsableSeries, UnreadableFile
from discern.imaging.reading import read_study
from discern.spine import Plane, Weighting
from writers import (
    AXIAL,
    CORONAL,
    T1,
    Series,
    encode,
    enhanced_dataset,
    mr_dataset,
    put_pixels,
    ramp,
    to_bytes,
)

REVERSED = Series(step_mm=(-4.0, 0.0, 0.0), first_mm=(8.0, -100.0, 120.0), shape_px=(64, 64))


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_frames_become_ordered_slices(tmp_path: Path, syntax: UID | None) -> None:
    dataset = enhanced_dataset(REVERSED)
    content = to_bytes(dataset) if syntax is None else encode(dataset, syntax, tmp_path)
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(content)
    (series,) = read_study(path).series
    assert series.used
    assert (series.plane, series.weighting) == (Plane.SAGITTAL, Weighting.T2)
    assert [one.frame_number for one in series.slices] == [5, 4, 3, 2, 1]
    assert [one.index for one in series.slices] == [0, 1, 2, 3, 4]
    places = [one.geometry.position_lps_mm[0] for one in series.slices if one.geometry]
    assert places == [-8, -4, 0, 4, 8]
    for slice_ in series.slices:  # slope 2, intercept -5 in the shared groups
        expected = ramp((64, 64), (slice_.frame_number or 0) - 1) * 2.0 - 5.0
        np.testing.assert_array_equal(slice_.read(), expected.astype(np.float32))


def test_frames_without_object_uid_are_all_kept(tmp_path: Path) -> None:
    dataset = enhanced_dataset(Series())
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(to_bytes(dataset))
    uid = dataset.SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(uid, b"\0" * len(uid)))
    assert len(read_study(path).series[0].slices) == 5


def test_stacks_of_several_planes_are_split(tmp_path: Path) -> None:
    axial = Series(count=12, orientation=AXIAL, step_mm=(0, 0, 5.0))
    coronal = Series(count=11, orientation=CORONAL, step_mm=(0, 5.0, 0))
    path = tmp_path / "mixed.dcm"
    mixed = enhanced_dataset(Series(), [Series(count=10), axial, coronal])
    path.write_bytes(to_bytes(mixed))
    counts = {one.plane: len(one.slices) for one in read_study(path).series}
    assert counts == {Plane.SAGITTAL: 10, Plane.AXIAL: 12, Plane.CORONAL: 11}


def test_contrast_of_the_functional_groups(tmp_path: Path) -> None:
    path = tmp_path / "t1.dcm"
    path.write_bytes(to_bytes(enhanced_dataset(Series(description="", tags=T1))))
    with pytest.raises(NoUsableSeries, match="T1: TE 12 ms, TR 550 ms"):
        read_study(path)


def test_stated_contrast_without_timing(tmp_path: Path) -> None:
    dataset = enhanced_dataset(Series(description="", count=3))
    dataset.AcquisitionContrast = "T2"
    shared = dataset.SharedFunctionalGroupsSequence[0]
    del shared.MRTimingAndRelatedParametersSequence
    for group in dataset.PerFrameFunctionalGroupsSequence:
        del group.MREchoSequence
    path = tmp_path / "stated.dcm"
    path.write_bytes(to_bytes(dataset))
    assert read_study(path).series[0].weighting is Weighting.T2


def test_frames_that_are_not_described(tmp_path: Path) -> None:
    dataset = enhanced_dataset(Series())
    dataset.PerFrameFunctionalGroupsSequence = Items(dataset.PerFrameFunctionalGroupsSequence[:3])
    path = tmp_path / "short.dcm"
    path.write_bytes(to_bytes(dataset))
    with pytest.raises(UnreadableFile, match="5 frames stated, 3 described"):
        read_study(path)


def test_absurd_number_of_frames(tmp_path: Path) -> None:
    dataset = mr_dataset(Series(shape_px=(1, 1)), 0)
    dataset.NumberOfFrames = 2_000_000_000
    path = tmp_path / "frames.dcm"
    path.write_bytes(to_bytes(dataset))
    with pytest.raises(UnreadableFile, match=r"frames\.dcm"):
        read_study(path)


def test_frames_without_functional_groups_have_no_place(tmp_path: Path) -> None:
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, np.stack([ramp((24, 20), index) for index in range(3)]))
    path = tmp_path / "classic.dcm"
    path.write_bytes(to_bytes(dataset))
    (series,) = read_study(path).series
    assert [one.frame_number for one in series.slices] == [1, 2, 3]
    assert {one.geometry for one in series.slices} == {None}


def test_monochrome1_is_inverted_over_the_stored_range(tmp_path: Path) -> None:
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, ramp((24, 20)), stored_bits=12)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.RescaleSlope, dataset.RescaleIntercept = 3, 10
    path = tmp_path / "inverted.dcm"
    path.write_bytes(to_bytes(dataset))
    expected = (4095.0 - ramp((24, 20))) * 3 + 10
    np.testing.assert_array_equal(read_study(path).series[0].slices[0].read(), expected)


def test_signed_monochrome1(tmp_path: Path) -> None:
    dataset = mr_dataset(Series(), 0)
    pixels = np.array([[-32768, 32767], [0, -1]], np.int16)
    put_pixels(dataset, pixels)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    path = tmp_path / "inverted.dcm"
    path.write_bytes(to_bytes(dataset))
    image = read_study(path).series[0].slices[0].read()
    np.testing.assert_array_equal(image, [[32767, -32768], [-1, 0]])


def test_bits_outside_the_sample_are_dropped(tmp_path: Path) -> None:
    """Old overlays lived in the unused upper bits of 12-bit samples."""
    values = ramp((24, 20), top=4095)
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, values | np.uint16(0xF000), stored_bits=12)
    path = tmp_path / "overlay.dcm"
    path.write_bytes(to_bytes(dataset))
    np.testing.assert_array_equal(read_study(path).series[0].slices[0].read(), values)


def test_signed_twelve_bit_samples_are_extended(tmp_path: Path) -> None:
    values = np.array([[-2048, 2047], [-1, 0]], np.int16)
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, values & 0x0FFF, stored_bits=12)
    dataset.PixelRepresentation = 1
    path = tmp_path / "signed.dcm"
    path.write_bytes(to_bytes(dataset))
    np.testing.assert_array_equal(read_study(path).series[0].slices[0].read(), values)


def test_rows_come_first_in_the_spacing(tmp_path: Path) -> None:
    path = tmp_path / "oblong.dcm"
    path.write_bytes(to_bytes(mr_dataset(replace(Series(), spacing_mm=(0.5, 1.25)), 0)))
    slice_ = read_study(path).series[0].slices[0]
    assert slice_.spacing_mm == (0.5, 1.25)
    assert slice_.geometry is not None
    corner, below, beside = slice_.geometry.pixel_to_lps(
        np.array([[0.5, 0.5], [0.5, 1.5], [1.5, 0.5]])
    )
    np.testing.assert_allclose(below - corner, (0, 0, -0.5), atol=1e-9)
    np.testing.assert_allclose(beside - corner, (0, 1.25, 0), atol=1e-9)
