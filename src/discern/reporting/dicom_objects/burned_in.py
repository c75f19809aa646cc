"""A slice as a picture with everything burned in: boxes, names, orientation, what it is for.

The view, the window and the colours are those of the report page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from discern import __version__
from discern.imaging.geometry import edge_letters
from discern.imaging.study import Image
from discern.reporting.dicom_objects.marks import (
    RESEARCH_USE_ONLY,
    Box,
    Mark,
    MarkedSlice,
    place_words,
)
from discern.reporting.overlay import LONGER_EDGE, Rectangle, drawing_of
from discern.reporting.pictures import Scale

_LEAST_EDGE_PX, _MOST_EDGE_PX = 768, 1536
_DISC, _LESION, _INK, _NOTE = "#79d3ec", "#ff8fae", "#d6e2e8", "#ffd686"  # as on the page
_TEXT, _SMALL = 0.029, 0.024  # heights of letters, of the longer edge
_BAND = 1.7  # height of the band above the slice, of the small letters
_LINE_PX, _DASH_PX, _SHADE_PX, _MARGIN_PX = 2, 7, 2, 10


@dataclass(frozen=True, slots=True)
class Picture:
    """A slice in its usual view with everything burned in.

    Attributes:
        pixels: (H, W, 3) RGB; a band of text stands above the slice.
        spacing_mm: Edge of a pixel, which is square; None where the file does not say.
    """

    pixels: NDArray[np.uint8]
    spacing_mm: float | None


def burn_in(marked: MarkedSlice, image: Image, scale: Scale, *, synthetic: bool) -> Picture:
    """Draw one slice.

    Args:
        marked: The slice and its boxes.
        image: Its (rows, columns) pixels in the stored matrix.
        scale: Of its series: what is black, what is white.
        synthetic: Whether no patient was imaged, which is then said.
    """
    drawing = drawing_of(marked.slice_)
    edge_px = min(max(_LEAST_EDGE_PX, *image.shape), _MOST_EDGE_PX)
    px_per_unit = edge_px / LONGER_EDGE
    width, height = (round(one * px_per_unit) for one in drawing.size)
    shown = PillowImage.fromarray(_windowed(drawing.turn.apply(image), scale))
    sheet = _Sheet(
        shown.resize((width, height), PillowImage.Resampling.LANCZOS),
        f"{RESEARCH_USE_ONLY} - Discern {__version__}{' - SYNTHETIC' if synthetic else ''}",
        _number(marked),
    )
    boxes = [_corners(drawing.rectangle(one.box_xyxy_px), px_per_unit) for one in marked.marks]
    sheet.draw_marks(marked.marks, boxes)
    sheet.write_orientation(marked)
    spacing = None if drawing.units_per_mm is None else 1 / (drawing.units_per_mm * px_per_unit)
    return Picture(np.asarray(sheet.canvas), spacing)


def _number(marked: MarkedSlice) -> str:
    series = marked.series
    return f"{series.plane.capitalize()} slice {marked.slice_.index + 1} of {len(series.slices)}"


def _corners(place: Rectangle, px_per_unit: float) -> Box:
    x1, y1 = place.x * px_per_unit, place.y * px_per_unit
    return x1, y1, x1 + place.width * px_per_unit, y1 + place.height * px_per_unit


def _windowed(image: Image, scale: Scale) -> NDArray[np.uint8]:
    """Return 8 bits as the page shows them: first the scale of the series, then its window."""
    grey = (image - scale.low) * (255 / (scale.high - scale.low))
    shown = (np.clip(grey, 0, 255) - scale.center) * (255 / scale.width) + 127.5
    eight_bit: NDArray[np.uint8] = np.clip(np.round(shown), 0, 255).astype(np.uint8)
    return eight_bit


class _Sheet:
    """The canvas: a slice below a band of text, wide enough for both; places are on the slice."""

    def __init__(self, shown: PillowImage.Image, use: str, number: str) -> None:
        edge_px = max(shown.size)
        self._text, small = _font(edge_px * _TEXT), _font(edge_px * _SMALL)
        band = round(edge_px * _SMALL * _BAND)
        least = ceil(small.getlength(use) + small.getlength(number)) + 3 * _MARGIN_PX
        width = max(shown.width, least)
        self.canvas = PillowImage.new("RGB", (width, shown.height + band))
        self._origin, self._size = ((width - shown.width) // 2, band), shown.size
        self.canvas.paste(shown, self._origin)
        self._draw = ImageDraw.Draw(self.canvas)
        self._draw.text((_MARGIN_PX, band / 2), use, _NOTE, small, "lm")
        self._draw.text((width - _MARGIN_PX, band / 2), number, _INK, small, "rm")

    def draw_marks(self, marks: Sequence[Mark], boxes: Sequence[Box]) -> None:
        """Draw boxes, discs with a solid line and lesions with a dashed one, and their words."""
        for mark, box in zip(marks, boxes, strict=True):
            self._box(box, _LESION if mark.lesion else _DISC, dashed=mark.lesion)
        places = place_words(
            np.array(boxes).reshape(-1, 4),
            np.array([self._extent(one.words) for one in marks]).reshape(-1, 2),
            lesions=tuple(one.lesion for one in marks),
            within=self._size,
        )
        for mark, (x1, y1, x2, y2) in zip(marks, places, strict=True):
            at = ((x1 + x2) / 2, (y1 + y2) / 2)
            self._words(at, mark.words, "mm", _LESION if mark.lesion else _INK)

    def write_orientation(self, marked: MarkedSlice) -> None:
        """Write the patient directions at the edges, and what an axial slice cuts in a corner."""
        if marked.cuts:
            self._words((_MARGIN_PX, _MARGIN_PX), marked.cuts, "lt", _DISC)
        if marked.slice_.geometry is None:
            return
        letters, (width, height) = edge_letters(marked.slice_.geometry), self._size
        self._words((width / 2, _MARGIN_PX), letters.top, "mt")
        self._words((width / 2, height - _MARGIN_PX), letters.bottom, "mb")
        self._words((_MARGIN_PX, height / 2), letters.left, "lm")
        self._words((width - _MARGIN_PX, height / 2), letters.right, "rm")

    def _extent(self, words: str) -> tuple[float, float]:
        left, top, right, bottom = self._text.getbbox(words, anchor="lt")
        return right - left + 2 * _SHADE_PX, bottom - top + 2 * _SHADE_PX

    def _words(self, at: tuple[float, float], words: str, anchor: str, color: str = _INK) -> None:
        place = at[0] + self._origin[0], at[1] + self._origin[1]
        self._draw.text(
            place,
            words,
            color,
            self._text,
            anchor,
            stroke_width=_SHADE_PX,
            stroke_fill="black",
        )

    def _box(self, box: Box, color: str, *, dashed: bool) -> None:
        left, top = self._origin
        x1, x2 = round(box[0]) + left, round(box[2]) + left
        y1, y2 = round(box[1]) + top, round(box[3]) + top
        if not dashed:
            self._draw.rectangle((x1, y1, x2, y2), outline=color, width=_LINE_PX)
            return
        for start, y in product(range(x1, x2, 2 * _DASH_PX), (y1, y2)):
            self._draw.line((start, y, min(start + _DASH_PX, x2), y), color, _LINE_PX)
        for start, x in product(range(y1, y2, 2 * _DASH_PX), (x1, x2)):
            self._draw.line((x, start, x, min(start + _DASH_PX, y2)), color, _LINE_PX)


def _font(height_px: float) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with Matplotlib, laid out the same way on every machine."""
    path = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
    return ImageFont.truetype(path, round(height_px), layout_engine=ImageFont.Layout.BASIC)
