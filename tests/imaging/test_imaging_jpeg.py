"""The 12-bit JPEG decoder, against libjpeg on 8 bits and by its definition on 12."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSLossless

from discern.errors import UnreadableFile
from discern.imaging.jpeg import EXTENDED, decode_extended, frame_header
from discern.imaging.reading import read_study
from writers import Series, encode, mr_dataset, put_pixels, ramp, to_bytes

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def gray(shape_px: tuple[int, int] = (61, 70)) -> NDArray[np.uint8]:
    return (ramp(shape_px) >> 5).astype(np.uint8) + np.uint8(60)


def jpeg_of(pixels: NDArray[np.uint8], **options: int) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def as_twelve_bit(content: bytes) -> bytes:
    """Restate an 8-bit stream as extended 12-bit: the same waves round 2048 instead of 128."""
    start = content.index(b"\xff\xc0")
    return (
        content[: start + 1]
        + b"\xc1"
        + content[start + 2 : start + 4]
        + b"\x0c"
        + content[start + 5 :]
    )


@pytest.mark.parametrize(
    "options", [{}, {"quality": 30}, {"restart_marker_blocks": 3}, {"quality": 100}]
)
def test_eight_bits_agree_with_libjpeg(options: dict[str, int]) -> None:
    content = jpeg_of(gray(), **options)
    expected = np.asarray(PillowImage.open(io.BytesIO(content)), int)
    assert np.abs(decode_extended(content) - expected).max() <= 1  # rounding of the transform


def test_twelve_bits_are_the_same_waves_round_another_middle() -> None:
    content = jpeg_of(gray())
    shifted = as_twelve_bit(content)
    assert frame_header(shifted).marker == EXTENDED
    assert frame_header(shifted).precision == 12
    np.testing.assert_array_equal(decode_extended(shifted), decode_extended(content) + 2048 - 128)


def twelve_bit_file(path: Path, content: bytes, shape_px: tuple[int, int] = (61, 70)) -> Path:
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, np.zeros(shape_px, np.uint16), 12)
    dataset.PixelData = encapsulate([content])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    path.write_bytes(to_bytes(dataset, JPEGExtended12Bit))
    return path


def test_twelve_bit_dicom_is_read(tmp_path: Path) -> None:
    path = twelve_bit_file(tmp_path / "one.dcm", as_twelve_bit(jpeg_of(gray(), quality=100)))
    image = read_study(path).series[0].slices[0].read()
    assert np.abs(image - (gray() + 1920.0)).max() <= 3


def test_pydicoms_twelve_bit_file() -> None:
    """Extremes and mean as GDCM gives them for this file."""
    dataset = pydicom.dcmread(PYDICOM_FILES / "JPGExtended.dcm")
    content = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    samples = decode_extended(content)
    assert samples.shape == (dataset.Rows, dataset.Columns)
    assert (samples.min(), samples.max()) == (0, 264)
    assert samples.mean() == pytest.approx(14.37, abs=0.001)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLosslessSV1])
def test_mislabelled_jpeg_never_reaches_a_codec_that_aborts(tmp_path: Path, syntax: str) -> None:
    content = as_twelve_bit(jpeg_of(gray()))
    path = twelve_bit_file(tmp_path / "one.dcm", content)
    stated = path.read_bytes().replace(JPEGExtended12Bit.encode(), syntax.encode())
    path.write_bytes(stated)
    if syntax == JPEGBaseline8Bit:
        assert read_study(path).series[0].slices[0].read().max() > 255
        return
    with pytest.raises(UnreadableFile, match="not the JPEG that its header states"):
        read_study(path)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
@pytest.mark.parametrize("damage", ["depth", "marker", "components"])
def test_headers_on_which_gdcm_aborts_are_refused(tmp_path: Path, syntax: UID, damage: str) -> None:
    content = bytearray(encode(mr_dataset(Series(), 0), syntax, tmp_path))
    start = content.rindex(b"\xff\xc3" if syntax == JPEGLosslessSV1 else b"\xff\xf7")
    length = content[start + 3]
    at, value = {"depth": (4, 54), "marker": (length + 2, 9), "components": (9, 7)}[damage]
    content[start + at] = value
    path = tmp_path / "one.dcm"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"one\.dcm.*JPEG"):
        read_study(path)


def test_damage_is_told() -> None:
    content = as_twelve_bit(jpeg_of(gray()))
    generator = np.random.default_rng(5)
    told = 0
    for _ in range(40):
        at = int(generator.integers(2, len(content) - 30))
        damaged = content[:at] + generator.bytes(30) + content[at + 30 :]
        try:
            assert decode_extended(damaged).ndim == 2
        except ValueError:
            told += 1
    assert told > 10
    with pytest.raises(ValueError, match=r"end early|damaged|not in the table|cut short"):
        decode_extended(content[:-200])
    with pytest.raises(ValueError, match="one frame header and a scan"):
        frame_header(b"\xff\xd8\xff\xd9")
