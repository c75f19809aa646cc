"""Images and boxes as a page shows them: 8-bit copies in ``data:`` URIs, boxes in image pixels."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.annotations import Box
from discern.evaluation.pages.page import data_uri
from discern.imaging.pixels import Image, window

MAX_EDGE_PX = 640
_WINDOW_PERCENTILES = (0.5, 99.7)
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One box drawn over a picture; ``kind`` is its style, ``text`` what it says."""

    kind: str
    text: str
    x: float
    y: float
    width: float
    height: float


def mark(kind: str, text: str, box_xyxy_px: Box) -> Mark:
    """Return the drawing of a box.

    >>> mark("truth", "III", (1.0, 2.0, 5.0, 4.5))
    Mark(kind='truth', text='III', x=1.0, y=2.0, width=4.0, height=2.5)
    """
    x1, y1, x2, y2 = (round(edge, 1) for edge in box_xyxy_px)
    return Mark(kind, text, x1, y1, round(x2 - x1, 1), round(y2 - y1, 1))


def region_around(
    boxes: Sequence[Box], shape_px: tuple[int, int], *, times: float, fewest_px: int
) -> Region:
    """Return the square about ``boxes``, ``times`` their longer edge, moved inside the image.

    >>> region_around([(40.0, 40.0, 60.0, 50.0)], (100, 100), times=2, fewest_px=10)
    Region(x=30, y=25, width=40, height=40)
    >>> region_around([(0.0, 0.0, 20.0, 10.0)], (100, 30), times=2, fewest_px=10)
    Region(x=0, y=0, width=30, height=40)
    """
    corners = np.array(boxes, dtype=np.float64)
    low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    edge = max(round(float((high - low).max()) * times), fewest_px)
    rows, columns = shape_px
    width, height = min(edge, columns), min(edge, rows)
    x, y = ((low + high) / 2 - (width / 2, height / 2)).round().astype(int).tolist()
    return Region(max(0, min(x, columns - width)), max(0, min(y, rows - height)), width, height)


def displayed(image: Image) -> NDArray[np.uint8]:
    """Return ``image`` as 0..255 between its robust darkest and brightest values."""
    grey: NDArray[np.uint8] = (window(image, *_WINDOW_PERCENTILES) * 255).round().astype(np.uint8)
    return grey


def crop_png(grey: NDArray[np.uint8], region: Region) -> str:
    """Return a part of an 8-bit image, pixel by pixel, as a PNG ``data:`` URI."""
    rows = slice(region.y, region.y + region.height)
    part = grey[rows, region.x : region.x + region.width]
    return data_uri(_encoded(PillowImage.fromarray(part), "PNG", optimize=True), "image/png")


def slice_jpeg(grey: NDArray[np.uint8]) -> str:
    """Return a whole 8-bit image, its longer edge at most 640 px, as a JPEG ``data:`` URI."""
    picture = PillowImage.fromarray(grey)
    picture.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX), PillowImage.Resampling.LANCZOS)
    return data_uri(_encoded(picture, "JPEG", quality=_JPEG_QUALITY), "image/jpeg")


def _encoded(picture: PillowImage.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()
