"""The figure of the network (the paper's Figures 3 and 4), drawn from a built detector."""

import io
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from discern.errors import UsageError
from discern.model.detector import Detector, NetworkConfig, build_detector
from discern.model.diagram_modules import draw_c3, draw_sppf
from discern.model.drawing import INK, Box, Point, draw_arrow, draw_box, draw_join, draw_label
from discern.model.summary import Block, BlockKind, parameter_count, summarize
from discern.outputs import write_files

FORMATS = (".svg", ".png", ".pdf")

_BACKBONE, _DOWN, _UP, _HEAD = 0.0, 3.0, 5.8, 8.6  # x of the columns
_WIDTH, _HEIGHT = 2.1, 0.62
PLACES: dict[str, Point] = {
    "backbone.stem": (_BACKBONE, 0.0),
    "backbone.stages.0.0": (_BACKBONE, 0.9),
    "backbone.stages.0.1": (_BACKBONE, 1.8),
    "backbone.stages.1.0": (_BACKBONE, 2.7),
    "backbone.stages.1.1": (_BACKBONE, 3.6),
    "backbone.stages.2.0": (_BACKBONE, 5.4),
    "backbone.stages.2.1": (_BACKBONE, 7.2),
    "backbone.stages.3.0": (_BACKBONE, 8.1),
    "backbone.stages.3.1": (_BACKBONE, 9.0),
    "backbone.sppf": (_BACKBONE, 9.9),
    "neck.reduce_coarse": (_DOWN, 9.9),
    "neck.down_middle": (_DOWN, 6.3),
    "neck.reduce_middle": (_DOWN, 5.4),
    "neck.out_fine": (_UP, 3.6),
    "neck.stride_fine": (_UP, 4.5),
    "neck.out_middle": (_UP, 6.3),
    "neck.stride_middle": (_UP, 8.1),
    "neck.out_coarse": (_UP, 10.8),
    "head.predictions.0": (_HEAD, 3.6),
    "head.predictions.1": (_HEAD, 6.3),
    "head.predictions.2": (_HEAD, 10.8),
}
"""Where each block of the module tree stands in the figure; a new block must find its place."""

_UPSAMPLE_COARSE, _UPSAMPLE_MIDDLE = (_DOWN, 8.55), (_DOWN, 4.5)
_JOINS: dict[str, Point] = {
    "middle down": (_DOWN, 7.2),
    "fine": (_DOWN, 3.6),
    "middle up": (_UP, 5.4),
    "coarse": (_UP, 9.9),
}


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
    _draw_overview(_blank_axes(figure, (0.005, 0.01, 0.60, 0.97), (-1.5, 10.1), (11.9, -1.75)), detector)
    _title(figure, config, detector)
    draw_c3(_blank_axes(figure, (0.615, 0.40, 0.38, 0.52), (-0.7, 6.7), (6.2, -0.75)), detector)
    draw_sppf(_blank_axes(figure, (0.615, 0.02, 0.38, 0.36), (-0.7, 6.7), (4.1, -0.75)), detector)
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
    figure.text(0.022, 0.962, f"Network of size {config.size}", fontsize=14, color=INK, weight="bold")
    figure.text(0.022, 0.936, "  ·  ".join(parts), fontsize=9.5, color=INK)


def _draw_overview(axes: Axes, detector: Detector) -> None:
    boxes: dict[str, Box] = {}
    for name, block in summarize(detector).items():
        boxes[name] = Box(*PLACES[name], _WIDTH, _HEIGHT)
        title, detail = _describe(block)
        draw_box(axes, boxes[name], block.kind.lower(), title, detail)
        if block.kind in (BlockKind.C3, BlockKind.SPPF) or name == "backbone.stem":
            x, y = boxes[name].right if name.startswith("neck.d") else boxes[name].left
            _ = x, y
    for name, at in (("coarse", _UPSAMPLE_COARSE), ("middle", _UPSAMPLE_MIDDLE)):
        boxes[f"upsample {name}"] = Box(*at, 1.3, 0.42)
        draw_box(axes, boxes[f"upsample {name}"], "plain", "Upsample ×2")
    joins = {name: draw_join(axes, at, "C") for name, at in _JOINS.items()}
    _draw_edges(axes, boxes, joins)


def _describe(block: Block) -> tuple[str, str]:
    channels = f"{block.inputs} → {block.outputs}"
    count = f"{block.parameters:,}"
    if block.kind is BlockKind.CONV:
        return f"Conv {block.kernel}×{block.kernel} / {block.step}", f"{channels}  ·  {count}"
    if block.kind is BlockKind.C3:
        return f"C3 ×{block.repeats}", f"{channels}  ·  {count}"
    if block.kind is BlockKind.SPPF:
        return "SPPF", f"{channels}  ·  {count}"
    return f"Detect, stride {block.stride}", f"{channels}  ·  {count}"


def _draw_edges(axes: Axes, boxes: dict[str, Box], joins: dict[str, Box]) -> None:
    backbone = [box for name, box in boxes.items() if name.startswith("backbone.")]
    for above, below in zip(backbone[:-1], backbone[1:], strict=True):
        draw_arrow(axes, [above.bottom, below.top])
    ...
