"""From the stored matrix to the drawing: a slice in its usual view, 1000 units on its longer edge.

Findings keep boxes in the stored matrix and places in mm; the report draws both over pixels that
are square and upright. The drawing of one slice has its own units, y downwards.
"""

from dataclasses import dataclass

import numpy as np

from discern.imaging.geometry import Points, Turn, plane_intersection, usual_view
from discern.imaging.study import Slice

LONGER_EDGE = 1000.0


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An upright rectangle in units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight line in units of the drawing."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """How one slice is laid out for the eye.

    Attributes:
        turn: Brings the stored matrix into the usual view.
        shape_px: Rows and columns of the stored matrix.
        units_per_px: Along x and y of the usual view; differs where pixels are not square.
        units_per_mm: None when the file states no spacing.
    """

    turn: Turn
    shape_px: tuple[int, int]
    units_per_px: tuple[float, float]
    units_per_mm: float | None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the whole slice."""
        rows, columns = self.shape_px[::-1] if self.turn.transpose else self.shape_px
        return columns * self.units_per_px[0], rows * self.units_per_px[1]

    def rectangle(self, box_xyxy_px: tuple[float, float, float, float]) -> Rectangle:
        """Place one box of the stored matrix."""
        turned = self.turn.apply_boxes(np.array([box_xyxy_px]), self.shape_px)[0]
        x1, y1, x2, y2 = (turned * (self.units_per_px * 2)).round(1).tolist()
        return Rectangle(x1, y1, round(x2 - x1, 1), round(y2 - y1, 1))

    def segment(self, ends_xy_px: Points) -> Segment:
        """Place a line given by its (2, 2) ends in the stored matrix."""
        turned = self.turn.apply_points(ends_xy_px, self.shape_px) * self.units_per_px
        return Segment(*turned.ravel().round(1).tolist())


def drawing_of(slice_: Slice) -> Drawing:
    """Lay out a slice; without spacing its pixels are taken as square."""
    turn = usual_view(slice_.geometry)
    row_mm, column_mm = slice_.spacing_mm or (1.0, 1.0)
    rows, columns = slice_.shape_px
    units_per_mm = LONGER_EDGE / max(rows * row_mm, columns * column_mm)
    x_mm, y_mm = (row_mm, column_mm) if turn.transpose else (column_mm, row_mm)
    return Drawing(
        turn=turn,
        shape_px=slice_.shape_px,
        units_per_px=(x_mm * units_per_mm, y_mm * units_per_mm),
        units_per_mm=units_per_mm if slice_.spacing_mm else None,
    )


def crossing(on: Slice, other: Slice) -> Segment | None:
    """Return the line that slice ``other`` draws on ``on``; None if they do not meet."""
    if on.geometry is None or other.geometry is None:
        return None
    ends = plane_intersection(on.geometry, other.geometry, other.shape_px)
    return None if ends is None else drawing_of(on).segment(ends)
