"""Slices as the report shows them: 8-bit copies on one intensity scale, inside ``data:`` URIs."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.imaging.study import Image

MAX_EDGE_PX = 512
_PERCENTILES = (1.0, 97.0, 99.9)  # first window from, to; brightest value kept
_JPEG_QUALITY = 95  # grey values differ from the 8-bit original by at most about 9 of 255


@dataclass(frozen=True, slots=True)
class Scale:
    """How stored intensities became 0..255, and the window first shown.

    ``low`` and ``high`` are the stored intensities drawn as 0 and 255; ``center`` and ``width``
    are the first window, in 0..255.
    """

    low: float
    high: float
    center: int
    width: int


def shrunk(image: Image, max_edge_px: int = MAX_EDGE_PX) -> Image:
    """Return ``image`` with its longer edge at most ``max_edge_px``; smaller ones are untouched.

    >>> shrunk(np.zeros((40, 20), np.float32), 10).shape
    (10, 5)
    """
    rows, columns = image.shape
    factor = max(rows, columns) / max_edge_px
    if factor <= 1:
        return image
    size = (max(1, round(columns / factor)), max(1, round(rows / factor)))
    smaller = PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BOX)
    return np.asarray(smaller, dtype=np.float32)


def common_scale(images: Sequence[Image]) -> Scale:
    """Return one scale for the slices of a series, so that they can be compared by eye.

    Percentiles are taken per slice, which needs no second copy of the series: the brightest value
    kept is the highest of them, the first window their median.
    """
    percentiles = np.array([np.percentile(image, _PERCENTILES) for image in images])  # (N, 3)
    low, high = min(float(image.min()) for image in images), float(percentiles[:, 2].max())
    if high <= low:
        return Scale(low, low + 1.0, center=128, width=255)
    dark, bright = (np.median(percentiles[:, :2], axis=0) - low) / (high - low) * 255
    width = int(np.clip(round(bright - dark), 2, 255))
    return Scale(low, high, center=int(np.clip(round((dark + bright) / 2), 1, 254)), width=width)


def quantized(image: Image, scale: Scale) -> NDArray[np.uint8]:
    """Return ``image`` as 0..255 on ``scale``, clipped.

    >>> quantized(np.array([[0, 50, 200]], np.float32), Scale(0, 100, 128, 255))
    array([[  0, 128, 255]], dtype=uint8)
    """
    grey = (image - np.float32(scale.low)) * np.float32(255 / (scale.high - scale.low))
    clipped: NDArray[np.float32] = np.clip(grey + np.float32(0.5), 0, 255)
    return clipped.astype(np.uint8)


def data_uri(grey: NDArray[np.uint8]) -> str:
    """Return an 8-bit image as a JPEG ``data:`` URI; the same image gives the same bytes."""
    buffer = io.BytesIO()
    PillowImage.fromarray(grey).save(buffer, format="JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def evenly_chosen(count: int, limit: int, always: Sequence[int] = ()) -> list[int]:
    """Return ascending indices below ``count``: about ``limit`` of them, and those in ``always``.

    >>> evenly_chosen(5, 9), evenly_chosen(9, 3), evenly_chosen(9, 3, always=[5])
    ([0, 1, 2, 3, 4], [0, 4, 8], [0, 4, 5, 8])
    """
    if count <= limit:
        return list(range(count))
    even = np.linspace(0, count - 1, limit).round().astype(int).tolist()
    return sorted({*even, *always})
