"""The figure of the network (the paper's Figures 3 and 4), drawn from a built detector."""

import io
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from discern.errors import UsageError
from discern.model import diagram_layout as layout
from discern.model.detector import Detector, NetworkConfig, build_detector
from discern.model.diagram_modules import draw_c3, draw_sppf
from discern.model.drawing import (
    INK,
    TIMES,
    Box,
    draw_arrow,
    draw_box,
    draw_join,
    draw_label,
    straight,
)
from discern.model.summary import Block, BlockKind, parameter_count, summarize
from discern.outputs import write_files

FORMATS = (".svg", ".png", ".pdf")


def draw_network(config: NetworkConfig, path: Path) -> None:
    """Write the figure of ``config`` to an .svg, .png or .pdf file.

    Raises:
        UsageError: Another kind of file.
        OutputError: The file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path.name}: name a file that ends in {', '.join(FORMATS)}")
    figure = network_figure(config)
    picture = io.BytesIO()
    stamp = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with mpl.rc_context({"svg.hashsalt": "discern", "svg.fonttype": "path"}):
        figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, metadata=stamp)
    write_files(path.parent, {path.name: picture.getvalue()})


def network_figure(config: NetworkConfig) -> Figure:
    """Build the detector of ``config`` and draw what it is made of."""
    detector = build_detector(config)
    figure = Figure(figsize=(15.5, 9.4), facecolor="white")
    FigureCanvasAgg(figure)
    _draw_overview(
        _blank_axes(figure, (0.005, 0.01, 0.60, 0.97), (-2.0, 9.9), (11.4, -2.75)), detector
    )
    _title(figure, config, detector)
    draw_c3(_blank_axes(figure, (0.60, 0.41, 0.39, 0.57), (-0.4, 9.1), (7.2, -1.1)), detector)
    draw_sppf(_blank_axes(figure, (0.60, 0.02, 0.39, 0.36), (-0.4, 9.1), (4.6, -0.75)), detector)
    return figure


def _blank_axes(
    figure: Figure,
    place: tuple[float, float, float, float],
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
) -> Axes:
    axes = figure.add_axes(place)
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    axes.set_axis_off()
    return axes


def _title(figure: Figure, config: NetworkConfig, detector: Detector) -> None:
    parts = [
        f"Module 1 {'on' if config.attention else 'off'}",
        f"Module 2 {'on' if config.residual_sppf else 'off'}",
        *(["capacity control"] if config.capacity_control else []),
        f"{config.classes} classes",
        f"{parameter_count(detector):,} parameters",
    ]
    figure.text(
        0.022, 0.962, f"Network of size {config.size}", fontsize=14, color=INK, weight="bold"
    )
    figure.text(0.022, 0.936, "  ·  ".join(parts), fontsize=9.5, color=INK)


def _draw_overview(axes: Axes, detector: Detector) -> None:
    nodes: dict[str, Box] = {}
    blocks = summarize(detector)
    for name, block in blocks.items():
        nodes[name] = Box(*layout.PLACES[name], layout.WIDTH, layout.HEIGHT)
        draw_box(axes, nodes[name], block.kind.lower(), *_describe(block))
    for name, at in layout.UPSAMPLES.items():
        nodes[name] = Box(*at, 1.3, 0.42)
        draw_box(axes, nodes[name], "plain", f"Upsample {TIMES}2")
    nodes |= {name: draw_join(axes, at, "C") for name, at in layout.JOINS.items()}
    chain = [name for name in blocks if name.startswith("backbone.")]
    for start, end in (*pairwise(chain), *layout.EDGES):
        draw_arrow(axes, straight(nodes[start], nodes[end]))
    _draw_input(axes, nodes["backbone.stem"], blocks["backbone.stem"])
    _draw_strides(axes, blocks)
    _draw_words(axes)


def _describe(block: Block) -> tuple[str, str]:
    """Return the title of a block and the line below it."""
    title = {
        BlockKind.CONV: f"Conv {block.kernel}{TIMES}{block.kernel} / {block.step}",
        BlockKind.C3: f"C3 {TIMES}{block.repeats}",
        BlockKind.SPPF: "SPPF",
        BlockKind.DETECT: f"Detect at stride {block.stride}",
    }[block.kind]
    return title, f"{block.inputs} → {block.outputs} · {block.parameters:,}"


def _draw_input(axes: Axes, stem: Box, block: Block) -> None:
    channels = "1 channel" if block.inputs == 1 else f"{block.inputs} channels"
    draw_label(axes, (stem.x, -0.92), f"image, {channels}", color=INK)
    draw_arrow(axes, [(stem.x, -0.75), stem.top])


def _draw_strides(axes: Axes, blocks: dict[str, Block]) -> None:
    """Write the stride beside the first block of the backbone that has it."""
    seen: set[int] = set()
    for name, block in blocks.items():
        if block.stride not in seen:
            x, y = layout.PLACES[name]
            draw_label(axes, (x - layout.WIDTH / 2 - 0.42, y), f"stride {block.stride}", size=7.5)
        seen.add(block.stride)


def _draw_words(axes: Axes) -> None:
    for text, x, y in layout.HEADINGS:
        draw_label(axes, (x, y), text, size=10, color=INK, weight="bold")
    for row, (sign, meaning) in enumerate(layout.KEY):
        y = -0.4 + 0.42 * row
        draw_label(axes, (layout.DOWN - 0.95, y), sign, color=INK, align="left")
        draw_label(axes, (layout.DOWN + 0.75, y), meaning, align="left")
