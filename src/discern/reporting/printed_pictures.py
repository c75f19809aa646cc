"""The pictures of the printed page: the whole spine, and what each disc looks like in both planes.

They are the slices of the report page (``viewers.py``), each in its first window: a printed page
cannot change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from discern.findings import DiscFinding
from discern.reporting.overlay import LONGER_EDGE, Rectangle, drawing_of
from discern.reporting.pictures import Scale, data_uri, quantized, shrunk
from discern.reporting.rows import Row
from discern.reporting.sheets import Sheet
from discern.reporting.viewers import Shown, Viewer, Viewers
from discern.spine import LESION_LABELS, Plane

_SAGITTAL_MM, _AXIAL_MM = 80.0, 110.0
_UNSCALED = 0.45  # share of the longer edge that is shown of a disc where no spacing is stated
_AROUND = 1.4  # room around a box that is larger than the part usually shown


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of one slice.

    Attributes:
        sheet: The slice as the report page draws it.
        uri: Its pixels in the first window, as a ``data:`` URI.
        view: The part shown, in units of the drawing.
        disc: The row whose boxes stand out; None when all are alike.
        lines: Which slices of the other viewer are drawn as lines.
    """

    sheet: Sheet
    uri: str
    view: Rectangle
    disc: int | None
    lines: frozenset[int]


@dataclass(frozen=True, slots=True)
class DiscPictures:
    """One disc in both planes; None where no slice shows it."""

    sagittal: Picture | None
    axial: Picture | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of a study: the whole spine (None without a sagittal slice), and every disc."""

    overview: Picture | None
    discs: tuple[DiscPictures, ...]


def build_pictures(rows: Sequence[Row], viewers: Viewers) -> Pictures:
    """Return the pictures of all discs; each slice is decoded once."""
    windowed = cache(_windowed)

    def part(sheet: Sheet, view: Rectangle, disc: int | None, *lines: int | None) -> Picture:
        shown = frozenset(one for one in lines if one is not None)
        return Picture(sheet, windowed(sheet), view, disc, shown)

    def of(index: int, row: Row) -> DiscPictures:
        sagittal = _best(row.sagittal, viewers.sagittal, index)
        axial = _best(row.axial, viewers.axial, index)
        on_sagittal, on_axial = _sheet(viewers.sagittal, sagittal), _sheet(viewers.axial, axial)
        return DiscPictures(
            None
            if on_sagittal is None
            else part(on_sagittal, _around_box(on_sagittal, index), index, axial),
            None
            if on_axial is None
            else part(on_axial, _around_centre(on_axial, row.disc), index, sagittal),
        )

    discs = tuple(of(index, row) for index, row in enumerate(rows))
    if viewers.sagittal is None:
        return Pictures(None, discs)
    sheet = viewers.sagittal.sheets[viewers.sagittal.first]
    return Pictures(part(sheet, Rectangle(0, 0, *sheet.size), None), discs)


def _best(shown: Shown, viewer: Viewer | None, disc: int) -> int | None:
    """Return the slice with the disc's surest lesion; without one, the middle of its slices."""
    if viewer is None:
        return None
    scores = {
        at: max(
            (
                mark.detection.score
                for mark in viewer.sheets[at].marks
                if mark.disc == disc and mark.detection.label in LESION_LABELS
            ),
            default=0.0,
        )
        for at in shown.sheets
    }
    surest = max(scores, key=lambda at: scores[at], default=None)
    if surest is not None and scores[surest] > 0:
        return surest
    middle = shown.sheets[len(shown.sheets) // 2] if shown.sheets else None
    return middle if viewer.plane is Plane.SAGITTAL else shown.first


def _sheet(viewer: Viewer | None, at: int | None) -> Sheet | None:
    return None if viewer is None or at is None else viewer.sheets[at]


def _windowed(sheet: Sheet) -> str:
    """Return the slice with black and white at the ends of its first window."""
    scale = sheet.scale
    stored_per_grey = (scale.high - scale.low) / 255
    low = scale.low + (scale.center - scale.width / 2) * stored_per_grey
    window = Scale(low, low + scale.width * stored_per_grey, center=128, width=255)
    image = shrunk(drawing_of(sheet.slice_).turn.apply(sheet.slice_.read()))
    return data_uri(quantized(image, window))


def _around_box(sheet: Sheet, disc: int) -> Rectangle:
    """Return the part of a sagittal slice around the boxes of a disc."""
    places = [mark.place for mark in sheet.marks if mark.disc == disc]
    if not places:
        return Rectangle(0, 0, *sheet.size)
    left, top = min(one.x for one in places), min(one.y for one in places)
    right = max(one.x + one.width for one in places)
    bottom = max(one.y + one.height for one in places)
    least = max(right - left, bottom - top) * _AROUND
    return _part(sheet, ((left + right) / 2, (top + bottom) / 2), _SAGITTAL_MM, least)


def _around_centre(sheet: Sheet, disc: DiscFinding) -> Rectangle:
    """Return the part of an axial slice around the centre of the disc; all where it is unknown."""
    slice_, drawing = sheet.slice_, drawing_of(sheet.slice_)
    if slice_.geometry is None or disc.center_lps_mm is None:
        return Rectangle(0, 0, *sheet.size)
    foot = slice_.geometry.lps_to_pixel(np.array([disc.center_lps_mm]))
    x, y = (drawing.turn.apply_points(foot, slice_.shape_px)[0] * drawing.units_per_px).tolist()
    return _part(sheet, (x, y), _AXIAL_MM, least=0.0)


def _part(sheet: Sheet, centre: tuple[float, float], side_mm: float, least: float) -> Rectangle:
    """Return a square inside the slice, as near to ``centre`` as its edges allow."""
    per_cm = sheet.units_per_cm
    side = _UNSCALED * LONGER_EDGE if per_cm is None else side_mm / 10 * per_cm
    side = min(max(side, least), *sheet.size)
    left, top = (
        min(max(at - side / 2, 0.0), whole - side)
        for at, whole in zip(centre, sheet.size, strict=True)
    )
    return Rectangle(round(left, 1), round(top, 1), round(side, 1), round(side, 1))
