"""Every transfer syntax, against pydicom's own files and against the array that was written."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

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
