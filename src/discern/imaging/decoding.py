"""Pixels of one DICOM frame: decoded when asked for, full stored depth, as float32."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from discern.errors import UnreadableFile
from discern.imaging.datasets import number, plain_stream, pydicom_damage, text
from discern.imaging.files import InputFile
from discern.imaging.study import Image


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
        module = Dataset()
        with pydicom_damage(self.file.name), self.file.open() as stream:
            stored = pixel_array(
                plain_stream(stream),
                ds_out=module,
                index=self.index,
                transfer_syntax_uid=self.transfer_syntax,
            )
        if stored.shape[:2] != self.shape_px:
            raise UnreadableFile(f"{self.file.name}: pixels are {stored.shape}, not as stated")
        if stored.shape != self.shape_px:  # (rows, columns, 3): colour capture
            gray: Image = stored.mean(axis=2, dtype=np.float32)
            return gray
        return self._to_float(stored, module)

    def _to_float(self, stored: NDArray[np.generic], module: Dataset) -> Image:
        slope, intercept = self.rescale
        if stored.dtype.kind == "f":
            values = np.asarray(stored, np.float64)
            low_high = (float(values.min()), float(values.max()))
        else:
            values = np.asarray(stored, np.float64)
            bits = int(number(module, "BitsStored") or 16)
            signed = number(module, "PixelRepresentation") == 1
            low_high = (
                (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0, 2.0**bits - 1)
            )
        if text(module, "PhotometricInterpretation") == "MONOCHROME1":
            values = sum(low_high) - values
        image: Image = (values * slope + intercept).astype(np.float32)
        if not np.isfinite(image).all():
            raise UnreadableFile(f"{self.file.name}: pixel values are not finite")
        return image
