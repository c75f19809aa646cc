"""Drawings as files fit for print: PNG at 300 dpi and SVG, equal drawings giving equal bytes."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from discern.evaluation.bootstrap import Figure

SQUARE_INCHES, WIDE_INCHES = (3.7, 3.6), (5.4, 3.6)
ONE, OTHER, SOFT = "#0f6c8c", "#d18a00", "0.65"
"""Colours: of what is shown, of what stands beside it, and of lines to compare with."""

_DPI = 300
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "discern",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def drawing_files(
    name: str, draw: Callable[[Canvas], None], size_inches: tuple[float, float]
) -> dict[str, bytes]:
    """Return ``figures/NAME.png`` and ``figures/NAME.svg``, by file name.

    ``draw`` fills an empty canvas of ``size_inches``; the style of all figures is set around it.
    """
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=size_inches, layout="constrained", dpi=_DPI)
        draw(canvas)
        canvas.draw_without_rendering()
        canvas.set_layout_engine("none")  # laid out once, for both files
        return {
            f"figures/{name}.png": _saved(canvas, "png", {"Software": None}),
            f"figures/{name}.svg": _saved(canvas, "svg", {"Date": None, "Creator": None}),
        }


def unit_square(canvas: Canvas) -> Axes:
    """Return axes from 0 to 1 in both directions."""
    axes = canvas.add_subplot()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    return axes


def arms(figure: Figure) -> tuple[float, float]:
    """Return how far the interval reaches below and above the value, 0 where there is none."""
    if figure.value is None or figure.ci95 is None:
        return 0.0, 0.0
    low, high = figure.ci95
    return max(0.0, figure.value - low), max(0.0, high - figure.value)


def _saved(canvas: Canvas, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format=kind, dpi=_DPI, metadata=metadata)
    return buffer.getvalue()
