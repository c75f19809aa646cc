"""Every transfer syntax, against pydicom's own files and against the array that was written."""

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from discern.errors import UnreadableFile
from discern.imaging.reading import ReadOptions, read_study
from writers import Series, encode, mr_dataset, put_pixels, ramp, to_bytes

NATIVE = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
LOSSLESS = [RLELossless, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless]
PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def read_only_slice(path: Path) -> NDArray[np.float32]:
    (series,) = read_study(path, ReadOptions(series=("s1",))).series
    (slice_,) = series.slices
    return slice_.read()


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint8])
def test_native_pixels_come_back(tmp_path: Path, syntax: UID, dtype: type[np.integer]) -> None:
    pixels = (ramp((24, 20), top=255).astype(np.int64) - 100).astype(dtype)
    dataset = mr_dataset(Series(), 0, pixels)
    path = tmp_path / "one.dcm"
    path.write_bytes(to_bytes(dataset, syntax))
    np.testing.assert_array_equal(read_only_slice(path), pixels.astype(np.float32))


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("stored_bits", [12, 16])
def test_lossless_codecs_keep_the_full_depth(tmp_path: Path, syntax: UID, stored_bits: int) -> None:
    pixels = ramp((64, 72))  # OpenJPEG's six resolutions need 64 pixels
    pixels[0, 0] = 2**stored_bits - 1
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, pixels, stored_bits)
    path = tmp_path / "one.dcm"
    path.write_bytes(encode(dataset, syntax, tmp_path))
    image = read_only_slice(path)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, pixels)


def test_lossy_jpeg_comes_close(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:32, :32]
    pixels = ((rows + columns) * 4).astype(np.uint8)
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, pixels)
    path = tmp_path / "one.dcm"
    path.write_bytes(encode(dataset, JPEGBaseline8Bit, tmp_path))
    assert np.abs(read_only_slice(path) - pixels).max() <= 5


def middle_gray_htj2k(rows: int, columns: int, bits: int) -> bytes:
    """Return a high-throughput JPEG 2000 codestream (T.814) whose only packet is empty.

    No free encoder is at hand; an empty packet decodes to the middle of the range.
    """
    size = struct.pack(">HH8LH", 41, 0x4000, columns, rows, 0, 0, columns, rows, 0, 0, 1)
    capabilities = struct.pack(">HLH", 8, 1 << 17, 0)
    coding = struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 0, 4, 4, 0x40, 1)
    quantization = struct.pack(">HBB", 4, 0x40, (bits + 1) << 3)
    body = b"\xff\x93\x00"
    tile = struct.pack(">HHLBB", 10, 0, 12 + len(body), 0, 1) + body
    segments = {0x51: size + bytes([bits - 1, 1, 1]), 0x50: capabilities, 0x52: coding}
    segments |= {0x5C: quantization, 0x90: tile}
    main = b"".join(bytes([0xFF, marker]) + one for marker, one in segments.items())
    return b"\xff\x4f" + main + b"\xff\xd9"


def encapsulated_file(path: Path, content: bytes, shape_px: tuple[int, int], syntax: UID) -> Path:
    dataset = mr_dataset(Series(), 0)
    put_pixels(dataset, np.zeros(shape_px, np.uint16), 12)
    dataset.PixelData = encapsulate([content])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    path.write_bytes(to_bytes(dataset, syntax))
    return path


@pytest.mark.parametrize("syntax", [HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL])
def test_high_throughput_jpeg_2000(tmp_path: Path, syntax: UID) -> None:
    content = middle_gray_htj2k(24, 20, 12)
    path = encapsulated_file(tmp_path / "one.dcm", content, (24, 20), syntax)
    np.testing.assert_array_equal(read_only_slice(path), np.full((24, 20), 2048))


def test_a_codestream_larger_than_stated_is_not_decoded(tmp_path: Path) -> None:
    content = middle_gray_htj2k(60000, 60000, 12)
    path = encapsulated_file(tmp_path / "bomb.dcm", content, (24, 20), JPEG2000)
    with pytest.raises(UnreadableFile, match=r"bomb\.dcm: \(60000, 60000\) compressed"):
        read_study(path)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
def test_a_jpeg_of_another_size_is_not_decoded(tmp_path: Path, syntax: UID) -> None:
    path = tmp_path / "other.dcm"
    dataset = pydicom.dcmread(io.BytesIO(encode(mr_dataset(Series(), 0), syntax, tmp_path)))
    dataset.Rows += 1
    path.write_bytes(to_bytes(dataset, syntax))
    with pytest.raises(UnreadableFile, match=r"other\.dcm: \(24, 20\) compressed"):
        read_study(path)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_pydicoms_files_agree_with_their_plain_twin(name: str) -> None:
    plain = read_only_slice(PYDICOM_FILES / "MR_small.dcm")
    np.testing.assert_array_equal(read_only_slice(PYDICOM_FILES / name), plain)
    assert plain.std() > 0
