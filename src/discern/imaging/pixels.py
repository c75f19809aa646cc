"""From a decoded slice to network input, and boxes back: shared by training and inference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.boxes import BoxArray

Image = NDArray[np.float32]


def window(image: Image, low_percentile: float, high_percentile: float) -> Image:
    """Scale the robust range of ``image`` to 0..1 and clip; a constant image becomes zeros.

    >>> window(np.array([[0, 5, 10]], np.float32), 0, 100)
    array([[0. , 0.5, 1. ]], dtype=float32)
    """
    low, high = np.percentile(image, (low_percentile, high_percentile))
    if high <= low:
        return np.zeros_like(image, dtype=np.float32)
    scaled: Image = np.clip((image - np.float32(low)) / np.float32(high - low), 0, 1)
    return scaled.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How an image was fitted into a square: scale first, then shift, in pixels."""

    scale_xy: tuple[float, float]
    offset_xy_px: tuple[int, int]

    def to_input(self, boxes_xyxy_px: BoxArray) -> BoxArray:
        """Return (N, 4) boxes of the image in network-input pixels."""
        boxes: BoxArray = boxes_xyxy_px * (self.scale_xy * 2) + self.offset_xy_px * 2
        return boxes

    def to_image(self, boxes_xyxy_px: BoxArray) -> BoxArray:
        """Return (N, 4) network-input boxes in pixels of the image."""
        boxes: BoxArray = (boxes_xyxy_px - self.offset_xy_px * 2) / (self.scale_xy * 2)
        return boxes


def letterbox(
    image: Image, size_px: int, spacing_mm: tuple[float, float] | None = None
) -> tuple[Image, Letterbox]:
    """Fit ``image`` into a (size_px, size_px) square with square pixels, zeros around it.

    ``spacing_mm`` is (between rows, between columns); None means square pixels already.

    >>> square, fit = letterbox(np.ones((10, 20), np.float32), 40)
    >>> square.shape, fit.scale_xy, fit.offset_xy_px
    ((40, 40), (2.0, 2.0), (0, 10))
    """
    rows, columns = image.shape
    row_mm, column_mm = spacing_mm or (1.0, 1.0)
    scale = size_px / max(rows * row_mm, columns * column_mm)
    height = max(1, round(rows * row_mm * scale))
    width = max(1, round(columns * column_mm * scale))
    resized = PillowImage.fromarray(np.ascontiguousarray(image, dtype=np.float32)).resize(
        (width, height), PillowImage.Resampling.BILINEAR
    )
    left, top = (size_px - width) // 2, (size_px - height) // 2
    square = np.zeros((size_px, size_px), dtype=np.float32)
    square[top : top + height, left : left + width] = np.asarray(resized)
    return square, Letterbox((width / columns, height / rows), (left, top))
