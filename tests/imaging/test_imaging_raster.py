"""PNG and JPEG slices: order, depth, colour, damage."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from discern.errors import NoUsableSeries, UnreadableFile, UsageError
from discern.findings import Source
from discern.imaging.reading import ReadOptions, read_study
from discern.spine import Plane, Weighting
from writers import ramp, write_study


def save(path: Path, pixels: np.ndarray) -> Path:
    PillowImage.fromarray(pixels).save(path)
    return path


def test_names_are_counted_and_sizes_may_differ(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / f"slice{number}.png", np.full((10 + number, 8), number, np.uint8))
    study = read_study(tmp_path)
    (series,) = study.series
    assert study.source is Source.RASTER
    assert (series.plane, series.weighting, series.used) == (Plane.SAGITTAL, Weighting.T2, True)
    assert [one.file for one in series.slices] == ["slice1.png", "slice2.png", "slice10.png"]
    assert [one.shape_px for one in series.slices] == [(11, 8), (12, 8), (20, 8)]
    assert [one.read().max() for one in series.slices] == [1, 2, 10]
    assert series.slices[0].geometry is None
    assert "no_geometry" in {one.code for one in study.warnings}


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    pixels = ramp((12, 9), top=60000)
    pixels[0, 0] = 65535
    image = read_study(save(tmp_path / "deep.png", pixels)).series[0].slices[0].read()
    np.testing.assert_array_equal(image, pixels.astype(np.float32))


def test_jpeg_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "one.jpg", np.full((16, 16), 90, np.uint8))
    assert abs(read_study(path).series[0].slices[0].read().mean() - 90) < 2


def test_colour_becomes_luminance_with_a_warning(tmp_path: Path) -> None:
    colored = np.zeros((4, 4, 3), np.uint8)
    colored[..., 1] = 100
    study = read_study(save(tmp_path / "green.png", colored))
    assert np.allclose(study.series[0].slices[0].read(), 58.7, atol=0.5)  # ITU-R 601
    assert "green.png" in {one.code: one.text for one in study.warnings}["color"]


def test_axial_only_by_hand(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    study = read_study(tmp_path, ReadOptions(plane=Plane.AXIAL))
    assert study.used(Plane.AXIAL)
    with pytest.raises(NoUsableSeries):
        read_study(tmp_path, ReadOptions(plane=Plane.CORONAL))


def test_study_option_needs_dicom(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(UsageError, match="--study"):
        read_study(tmp_path, ReadOptions(study="1.2"))


def test_truncated_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "short.png", ramp((64, 64)))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(UnreadableFile, match=r"short\.png"):
        read_study(path)
    path.write_bytes(path.read_bytes()[:20])
    save(tmp_path / "good.png", ramp((64, 64)))
    study = read_study(tmp_path)
    assert [one.file for one in study.series[0].slices] == ["good.png"]
    assert "short.png" in study.warnings[0].text


def test_picture_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", np.zeros((4, 4), np.uint8))
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">LL", 30000, 30000)
    content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"bomb\.png"):
        read_study(path)


def test_dicom_comes_before_pictures(tmp_path: Path) -> None:
    write_study(tmp_path)
    save(tmp_path / "screenshot.png", np.zeros((4, 4), np.uint8))
    study = read_study(tmp_path)
    assert study.source is Source.DICOM
    (warning,) = study.warnings
    assert (warning.code, warning.text[:16]) == ("other_images", "1 PNG or JPEG fi")
