"""Boxes, circles and arrows: the drawing hand of the network's figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

TIMES = "\N{MULTIPLICATION SIGN}"
INK, MUTED, ACCENT = "#1f2933", "#6b7785", "#c0392b"
FILLS = {
    "conv": "#dbe8f6",
    "c3": "#fde3c8",
    "sppf": "#d5eddb",
    "detect": "#e6dcf3",
    "plain": "#eef1f4",
}
_EDGES = {
    "conv": "#4a7fb5",
    "c3": "#cf7f2a",
    "sppf": "#3f9a5f",
    "detect": "#7d5bb0",
    "plain": "#98a4b0",
}
_JOIN_RADIUS = 0.17

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rounded box by its centre and size, in the units of the axes."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        """Middle of the left side."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        """Middle of the right side."""
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        """Middle of the upper side; y runs downwards."""
        return self.x, self.y - self.height / 2

    @property
    def bottom(self) -> Point:
        """Middle of the lower side; y runs downwards."""
        return self.x, self.y + self.height / 2


def draw_box(axes: Axes, box: Box, fill: str, title: str, detail: str = "") -> None:
    """Draw a box with a title and, below it, a smaller line."""
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    style = "round,pad=0,rounding_size=0.09"
    axes.add_patch(
        FancyBboxPatch(
            corner,
            box.width,
            box.height,
            boxstyle=style,
            facecolor=FILLS[fill],
            edgecolor=_EDGES[fill],
            linewidth=1.0,
            zorder=3,
        )
    )
    offset = 0.13 if detail else 0.0
    axes.text(box.x, box.y - offset, title, **_text(9, INK))
    if detail:
        axes.text(box.x, box.y + 0.16, detail, **_text(7, MUTED))


def draw_join(axes: Axes, center: Point, sign: str) -> Box:
    """Draw a small circle with a sign (concatenation, sum, product); return its bounds."""
    axes.plot(
        *[[side] for side in center],
        marker="o",
        markersize=17,
        markerfacecolor="white",
        markeredgecolor=INK,
        zorder=3,
    )
    axes.text(*center, sign, **_text(8.5, INK))
    return Box(*center, 2 * _JOIN_RADIUS, 2 * _JOIN_RADIUS)


def draw_arrow(axes: Axes, points: Sequence[Point], color: str = INK) -> None:
    """Draw a line through ``points`` with a head at the last."""
    line = points[:-1]
    axes.plot(
        [x for x, _ in points],
        [y for _, y in points],
        color=color,
        linewidth=1.0,
        solid_joinstyle="round",
        zorder=2,
    )
    axes.annotate(
        "",
        xy=points[-1],
        xytext=line[-1],
        arrowprops={
            "arrowstyle": "-|>",
            "color": color,
            "linewidth": 1.0,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 9,
        },
        zorder=2,
    )


def straight(start: Box, end: Box) -> list[Point]:
    """Return the line between two boxes in one row or one column.

    Raises:
        ValueError: They share neither.
    """
    if start.x == end.x:
        return [start.bottom, end.top] if start.y < end.y else [start.top, end.bottom]
    if start.y == end.y:
        return [start.right, end.left] if start.x < end.x else [start.left, end.right]
    raise ValueError("no straight line joins these boxes")


def draw_label(
    axes: Axes,
    at: Point,
    text: str,
    *,
    size: float = 8,
    color: str = MUTED,
    **font: str,
) -> None:
    """Write ``text`` at a point; ``align`` is center, left or right, the rest goes to the font."""
    style = {**_text(size, color), "ha": font.pop("align", "center"), **font}
    axes.text(*at, text, **style)


def _text(size: float, color: str) -> dict[str, Any]:
    return {"ha": "center", "va": "center", "fontsize": size, "color": color, "zorder": 4}
