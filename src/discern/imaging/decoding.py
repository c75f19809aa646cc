"""Pixels of one DICOM frame: decoded when asked for, full stored depth, as float32."""

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from discern.errors import UnreadableFile
from discern.imaging import jpeg
from discern.imaging.datasets import number, plain_stream, pydicom_damage, text
from discern.imaging.files import InputFile
from discern.imaging.study import Image

_LOSSY = {jpeg.BASELINE, jpeg.EXTENDED}
_JPEG_KINDS = {
    JPEGBaseline8Bit: _LOSSY,
    JPEGExtended12Bit: _LOSSY,
    JPEGLossless: {jpeg.LOSSLESS},
    JPEGLosslessSV1: {jpeg.LOSSLESS},
    JPEGLSLossless: {jpeg.LOSSLESS_LS},
    JPEGLSNearLossless: {jpeg.LOSSLESS_LS},
}
_CODESTREAMS = {JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL}
_DESCRIBING = [
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsStored",
    "PixelRepresentation",
]
_BYTE_BITS = 8
_ELEMENT_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class FramePixels:
    """Reads one frame each time it is called; holds no pixels.

    Attributes:
        index: Frame in its file, from 0.
        rescale: Slope and intercept of the modality transformation.
    """

    file: InputFile
    index: int
    shape_px: tuple[int, int]
    transfer_syntax: UID
    rescale: tuple[float, float]

    def __call__(self) -> Image:
        """Return the (rows, columns) image, rescaled, MONOCHROME1 inverted.

        Raises:
            UnreadableFile: The pixel data are damaged or of another size than stated.
        """
        with pydicom_damage(self.file.name), self.file.open() as stream:
            stored, module = self._stored(plain_stream(stream))
        if stored.shape[:2] != self.shape_px:
            raise UnreadableFile(f"{self.file.name}: pixels are {stored.shape}, not as stated")
        if stored.shape != self.shape_px:  # (rows, columns, 3): colour capture
            gray: Image = stored.mean(axis=2, dtype=np.float32)
            return gray
        return self._to_float(stored, module)

    def _stored(self, stream: BinaryIO) -> tuple[NDArray[np.generic], Dataset]:
        """Return the stored samples and the data set that describes them."""
        if self.transfer_syntax in _JPEG_KINDS or self.transfer_syntax in _CODESTREAMS:
            dataset = dcmread(
                stream, stop_before_pixels=True, force=True, specific_tags=_DESCRIBING
            )
            content = _encapsulated_frame(stream, dataset, self.index)
            if self._is_deep_lossy_jpeg(content):
                return jpeg.decode_extended(content), dataset
        module = Dataset()
        stored = pixel_array(
            stream,
            ds_out=module,
            index=self.index,
            transfer_syntax_uid=self.transfer_syntax,
            decoding_plugin=_plugin(self.transfer_syntax),
        )
        return stored, module

    def _is_deep_lossy_jpeg(self, content: bytes) -> bool:
        """Check a compressed frame against its header; say whether it is 12-bit lossy JPEG.

        Codecs trust the frame: one of another size may take any memory, and GDCM aborts the
        process on 12-bit lossy JPEG, whatever the transfer syntax says.
        """
        kinds = _JPEG_KINDS.get(self.transfer_syntax)
        if kinds is None:
            size_px = jpeg.codestream_size(content)
        else:
            header = jpeg.frame_header(content)
            size_px = (header.rows, header.columns)
            if header.marker not in kinds:
                raise UnreadableFile(f"{self.file.name}: not the JPEG that its header states")
        if size_px != self.shape_px:
            raise UnreadableFile(f"{self.file.name}: {size_px} compressed, not as stated")
        return kinds is _LOSSY and header.precision > _BYTE_BITS

    def _to_float(self, stored: NDArray[np.generic], module: Dataset) -> Image:
        values = np.asarray(stored, np.float64)
        if text(module, "PhotometricInterpretation") == "MONOCHROME1":
            values = sum(_stored_range(stored, module)) - values
        slope, intercept = self.rescale
        image: Image = (values * slope + intercept).astype(np.float32)
        if not np.isfinite(image).all():
            raise UnreadableFile(f"{self.file.name}: pixel values are not finite")
        return image


def _stored_range(stored: NDArray[np.generic], module: Dataset) -> tuple[float, float]:
    """Return the least and greatest value a sample can hold; of floats, those they do hold."""
    if stored.dtype.kind == "f":
        return float(np.min(stored)), float(np.max(stored))
    values = 2.0 ** (number(module, "BitsStored") or stored.dtype.itemsize * 8)
    if number(module, "PixelRepresentation") == 1:
        return -values / 2, values / 2 - 1
    return 0.0, values - 1


def _plugin(syntax: UID) -> str:
    """Return the codec that fails politely on damage; empty where there is one only."""
    if syntax in _CODESTREAMS:
        return "pylibjpeg"
    return "pillow" if _JPEG_KINDS.get(syntax) is _LOSSY else ""


def _encapsulated_frame(stream: BinaryIO, dataset: Dataset, index: int) -> bytes:
    """Return one encapsulated frame of the pixel element that ``stream`` stands at."""
    stream.seek(_ELEMENT_HEADER_BYTES, io.SEEK_CUR)
    frames = int(number(dataset, "NumberOfFrames") or 1)
    return get_frame(stream, index, number_of_frames=frames)
