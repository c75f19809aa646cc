"""Figure 1: the STARD flow diagram from the people assessed to the parts of the split."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from discern.dataset.cohort import Group
from discern.dataset.exclusions import Exclusion
from discern.dataset.problems import counted
from discern.evaluation.drawing_files import drawing_files
from discern.spine import Plane

_LINE, _PADDING, _GAP = 0.17, 0.12, 0.42
"""Height of a line of text, room above and below it, and between boxes, in inches."""
_BOX_WIDTH, _COLUMN_GAP = 2.05, 0.22
_REASON_WIDTH, _CHARACTERS_AN_INCH = 2.9, 14.5
_FIXED = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Flow:
    """What the diagram shows.

    Attributes:
        included: Everybody with annotated images.
        parts: The parts of the split, and whom it leaves out; empty without a split.
        external: A second data set, tested on only.
        exclusions: Reasons and people; None where nothing is known of them.
    """

    included: Group
    parts: tuple[Group, ...] = ()
    external: Group | None = None
    exclusions: tuple[Exclusion, ...] | None = None


def stard_files(flow: Flow) -> dict[str, bytes]:
    """Return ``figures/figure-1-stard.png`` and ``.svg``."""
    layout = _Layout(flow)
    draw = partial(_draw, layout=layout)
    return drawing_files("figure-1-stard", draw, (layout.width, layout.height))


@dataclass(frozen=True, slots=True)
class _Box:
    """A frame with lines of text, in inches from the top left; the first line is bold."""

    left: float
    top: float
    width: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PADDING

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


class _Layout:
    """Boxes and their places: the trunk in the middle, exclusions beside it, parts below."""

    def __init__(self, flow: Flow) -> None:
        leaves = [*flow.parts, *([flow.external] if flow.external else [])]
        pitch = _BOX_WIDTH + _COLUMN_GAP
        row = max(1, len(flow.parts)) * pitch - _COLUMN_GAP
        self.width = max(1, len(leaves)) * pitch + _COLUMN_GAP
        trunk = _COLUMN_GAP + (row - _BOX_WIDTH) / 2
        if flow.exclusions:  # room for the reasons on the right of the trunk
            self.width = max(self.width, trunk + 1.5 * _BOX_WIDTH + _REASON_WIDTH + _COLUMN_GAP)
        top = _COLUMN_GAP / 2
        self.assessed = self.excluded = None
        if flow.exclusions is not None:
            self.assessed, self.excluded = _assessment(flow, trunk, top)
            top = (self.excluded or self.assessed).bottom + _GAP / 2
        self.included = _Box(trunk, top, _BOX_WIDTH, _lines("Included", flow.included))
        top = self.included.bottom + _GAP
        self.leaves = [
            _Box(_COLUMN_GAP + i * pitch, top, _BOX_WIDTH, _lines(group.title, group))
            for i, group in enumerate(leaves)
        ]
        self.external = flow.external is not None
        lowest = max([self.included.bottom, *(one.bottom for one in self.leaves)])
        self.height = lowest + _COLUMN_GAP / 2


def _assessment(flow: Flow, trunk: float, top: float) -> tuple[_Box, _Box | None]:
    exclusions = flow.exclusions or ()
    left_out = sum(one.people for one in exclusions)
    people = len(flow.included.patients) + left_out
    assessed = _Box(
        trunk, top, _BOX_WIDTH, ("Assessed for eligibility", counted(people, "patient"))
    )
    if not exclusions:
        return assessed, None
    lines = [f"Excluded (n = {left_out})"]
    for one in exclusions:
        wrapped = textwrap.wrap(
            f"{one.reason} (n{_FIXED}={_FIXED}{one.people})",
            round(_REASON_WIDTH * _CHARACTERS_AN_INCH),
        )
        lines += [wrapped[0], *(f"   {line}" for line in wrapped[1:])]
    left = trunk + 1.5 * _BOX_WIDTH
    return assessed, _Box(left, assessed.bottom + _GAP / 2, _REASON_WIDTH, tuple(lines))


def _lines(title: str, group: Group) -> tuple[str, ...]:
    images = [
        counted(group.images(plane), f"{plane} image")
        for plane in (Plane.SAGITTAL, Plane.AXIAL)
        if group.images(plane)
    ]
    discs = [] if group.discs is None else [counted(group.discs, "graded disc")]
    return (title, counted(len(group.patients), "patient"), *images, *discs)


def _draw(canvas: Canvas, layout: _Layout) -> None:
    canvas.set_layout_engine("none")  # the places are in inches already
    axes = canvas.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    axes.set_axis_off()
    if layout.assessed is not None:
        _frame(axes, layout.assessed)
        _arrow(axes, (layout.assessed.middle, layout.assessed.bottom), layout.included)
    if layout.excluded is not None and layout.assessed is not None:
        _frame(axes, layout.excluded, centered=False)
        across = (layout.excluded.top + layout.excluded.bottom) / 2
        _line(axes, [(layout.assessed.middle, across), (layout.excluded.left, across)], head=True)
    _frame(axes, layout.included)
    for box in layout.leaves:
        _frame(axes, box)
    parts = layout.leaves[:-1] if layout.external else layout.leaves
    branch = layout.included.bottom + _GAP / 2
    for box in parts:
        path = [(layout.included.middle, layout.included.bottom), (layout.included.middle, branch)]
        _line(axes, [*path, (box.middle, branch), (box.middle, box.top)], head=True)


def _frame(axes: Axes, box: _Box, *, centered: bool = True) -> None:
    corners_x = [box.left, box.left + box.width, box.left + box.width, box.left]
    axes.fill(
        corners_x, [box.top, box.top, box.bottom, box.bottom], facecolor="white", edgecolor="black",
        linewidth=0.9, zorder=2,
    )  # fmt: skip
    x = box.middle if centered else box.left + _PADDING
    for number, line in enumerate(box.lines):
        y = box.top + _PADDING + (number + 0.5) * _LINE
        axes.text(
            x, y, line, ha="center" if centered else "left", va="center", fontsize=8, zorder=3,
            fontweight="normal" if number else "bold", parse_math=False,
        )  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], to: _Box) -> None:
    _line(axes, [start, (to.middle, to.top)], head=True)


def _line(axes: Axes, points: Sequence[tuple[float, float]], *, head: bool) -> None:
    axes.plot(*zip(*points, strict=True), color="black", linewidth=0.9, zorder=1)
    if head:
        axes.annotate(
            "", points[-1], points[-2],
            arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 0.9, "shrinkA": 0,
                        "shrinkB": 0},
        )  # fmt: skip
