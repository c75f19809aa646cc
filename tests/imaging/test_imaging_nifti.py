"""NIfTI volumes in any stored orientation, against nibabel's own reorientation."""

import gzip
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as untyped_nibabel
import numpy as np
import pytest

from discern.errors import NoUsableSeries, UnreadableFile
from discern.imaging.geometry import SliceGeometry
from discern.imaging.reading import ReadOptions, read_study
from discern.spine import Plane, Weighting

NIBABEL: Any = untyped_nibabel
ORIENTATIONS = [
    "".join(letters) for order in permutations(("RL", "AP", "SI")) for letters in product(*order)
]
SPACING_MM = {"R": 2.0, "L": 2.0, "A": 1.5, "P": 1.5, "S": 1.25, "I": 1.25}


def volume(codes: str, shape: tuple[int, int, int] = (4, 5, 6)) -> Any:  # noqa: ANN401 - nibabel is untyped
    """Return a volume stored along ``codes`` whose values are all different."""
    signs = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, letter in enumerate(codes):
        axis, sign = signs[letter]
        affine[axis, column] = sign * SPACING_MM[letter]
    affine[:3, 3] = (-3, 7, 11)
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    return NIBABEL.Nifti1Image(data, affine)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_any_stored_orientation(tmp_path: Path, codes: str) -> None:
    image = volume(codes)
    path = tmp_path / "t2_volume.nii.gz"
    NIBABEL.save(image, path)
    (series,) = read_study(path).series
    canonical = NIBABEL.as_closest_canonical(image)  # x to the right, y to anterior, z up
    expected = np.asarray(canonical.dataobj)[::-1, ::-1, ::-1].transpose(0, 2, 1)
    np.testing.assert_array_equal(np.stack([one.read() for one in series.slices]), expected)
    assert (series.plane, series.weighting) == (Plane.SAGITTAL, Weighting.T2)
    assert series.slices[0].spacing_mm == pytest.approx((1.25, 1.5))
    for index, slice_ in enumerate(series.slices):
        check_place(slice_.geometry, canonical, index)


def check_place(geometry: SliceGeometry | None, canonical: Any, index: int) -> None:  # noqa: ANN401
    """The centre of pixel (row 1, column 2) must lie where the canonical affine puts it."""
    assert geometry is not None
    x, y, z = (size - 1 for size in canonical.shape)
    right, front, up = (canonical.affine @ (x - index, y - 2, z - 1, 1))[:3]
    place = geometry.pixel_to_lps(np.array([[2.5, 1.5]]))[0]
    np.testing.assert_allclose(place, (-right, -front, up), atol=1e-5)


def test_thick_axial_slices_are_not_cut_sagittally(tmp_path: Path) -> None:
    image = volume("LPS")
    image.set_sform(np.diag([-0.6, -0.6, 4.0, 1.0]))
    image.set_qform(np.diag([-0.6, -0.6, 4.0, 1.0]))
    path = tmp_path / "t2_axial.nii"
    NIBABEL.save(image, path)
    assert NIBABEL.aff2axcodes(NIBABEL.load(path).affine) == ("L", "P", "S")
    with pytest.raises(NoUsableSeries, match="axial"):
        read_study(path)
    (series,) = read_study(path, ReadOptions(plane=Plane.SAGITTAL)).series
    assert series.slices[0].shape_px == (6, 5)


def test_scaling_and_floats(tmp_path: Path) -> None:
    image = volume("RAS")
    image.header.set_slope_inter(2.0, -3.0)
    path = tmp_path / "t2.nii"
    NIBABEL.save(image, path)
    expected = np.asarray(NIBABEL.load(path).dataobj).max()
    study = read_study(path)
    assert max(one.read().max() for one in study.series[0].slices) == expected


def test_the_name_or_the_header_states_the_contrast(tmp_path: Path) -> None:
    image = volume("RAS")
    NIBABEL.save(image, tmp_path / "scan_T1w.nii")
    with pytest.raises(NoUsableSeries, match="T1"):
        read_study(tmp_path / "scan_T1w.nii")
    NIBABEL.save(image, tmp_path / "scan.nii")
    study = read_study(tmp_path / "scan.nii")
    assert {one.code for one in study.warnings} == {"weighting_unknown"}
    image.header["descrip"] = b"TE=1.2e+02;Time=113717.208"
    NIBABEL.save(image, tmp_path / "timed.nii")
    assert read_study(tmp_path / "timed.nii").series[0].reason.endswith("TE 120 ms")
    both = read_study(tmp_path)
    assert [one.description for one in both.used(Plane.SAGITTAL)] == ["timed.nii"]


def test_no_stated_orientation(tmp_path: Path) -> None:
    image = volume("RAS")
    image.header["sform_code"] = image.header["qform_code"] = 0
    path = tmp_path / "t2.nii"
    path.write_bytes(image.to_bytes())
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)  # qform_code, sform_code
    path.write_bytes(content)
    assert "no_geometry" in {one.code for one in read_study(path).warnings}


def broken_4d() -> bytes:
    return bytes(NIBABEL.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), np.eye(4)).to_bytes())


def broken_nan() -> bytes:
    data = np.zeros((3, 3, 3), np.float32)
    data[1, 1, 1] = np.nan
    return bytes(NIBABEL.Nifti1Image(data, np.eye(4)).to_bytes())


def broken_complex() -> bytes:
    return bytes(NIBABEL.Nifti1Image(np.zeros((3, 3, 3), np.complex64), np.eye(4)).to_bytes())


def broken_short() -> bytes:
    return bytes(volume("RAS").to_bytes()[:-50])


def broken_gzip() -> bytes:
    return gzip.compress(volume("RAS").to_bytes())[:-40]


def broken_header() -> bytes:
    return b"\x5c\x01\x00\x00" + bytes(range(256)) * 4


def broken_affine() -> bytes:
    image = volume("RAS")
    image.header["srow_x"] = np.nan
    content = bytearray(image.to_bytes())
    content[280:296] = np.full(4, np.nan, "<f4").tobytes()
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        broken_4d(),
        broken_nan(),
        broken_complex(),
        broken_short(),
        broken_gzip(),
        broken_header(),
        broken_affine(),
        b"",
    ],
    ids=["4d", "nan", "complex", "short", "gzip", "header", "affine", "empty"],
)
def test_damaged_volumes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"t2\.nii\.gz"):
        read_study(path)
