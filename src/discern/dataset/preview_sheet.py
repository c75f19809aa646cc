"""The contact sheet of ``discern dataset preview``: tiles with boxes, labels and a legend."""

import io
import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from discern.dataset.preview import Origin, PreviewSettings, Tile, preview_tiles
from discern.dataset.sources import Dataset
from discern.spine import LABELS, LESION_LABELS, Label

_TILE_INCHES, _TITLE_INCHES, _LEGEND_INCHES, _DPI = 2.6, 0.32, 0.55, 150
_COLUMNS = 4
_LABEL_COLORS = {
    Label.PFIRRMANN_1: "#4dc3ff",
    Label.PFIRRMANN_2: "#58e08a",
    Label.PFIRRMANN_3: "#ffe24d",
    Label.PFIRRMANN_4: "#ff9d3b",
    Label.PFIRRMANN_5: "#ff5c5c",
    Label.HERNIATION: "#ff66e0",
    Label.HIZ: "#ffffff",
}
_OUTLINE = [withStroke(linewidth=1.2, foreground="black")]
_ORIGIN_COLORS = {
    Origin.REAL: "black",
    Origin.PAPER_COPY: "#c2410c",
    Origin.SYNTHETIC: "#6d28d9",
}
_IGNORED_COLOR = "#9aa5b1"


def preview_png(dataset: Dataset, patients: Sequence[str], settings: PreviewSettings) -> bytes:
    """Return a PNG of ``settings.count`` samples of the training patients.

    Raises:
        DatasetError: None of ``patients`` has an image, or an image cannot be read.
    """
    tiles = preview_tiles(dataset, patients, settings)
    columns = min(_COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    height = rows * (_TILE_INCHES + _TITLE_INCHES) + _LEGEND_INCHES
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 8}):
        canvas = Canvas(figsize=(columns * _TILE_INCHES, height), layout="constrained")
        canvas.suptitle(_heading(dataset, settings), fontsize=9)
        for number, tile in enumerate(tiles, start=1):
            _draw_tile(canvas.add_subplot(rows, columns, number), tile)
        _draw_legend(canvas, tiles, columns)
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _heading(dataset: Dataset, settings: PreviewSettings) -> str:
    heading = f"{dataset.name}, configuration {settings.name}, seed {settings.seed}: epoch 1"
    mosaics = settings.augmentation.geometry and settings.augmentation.mosaic
    return heading + ("; a mosaic is named by its first image" if mosaics else "")


def _draw_tile(axes: Axes, tile: Tile) -> None:
    sample = tile.sample
    axes.imshow(sample.image, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    for x1, y1, x2, y2 in sample.ignored.tolist():
        axes.add_patch(
            Rectangle(
                (x1, y1), x2 - x1, y2 - y1, fill=False, hatch="////", linewidth=0.5,
                edgecolor=_IGNORED_COLOR, alpha=0.55,
            )
        )  # fmt: skip
    for (x1, y1, x2, y2), index in zip(sample.boxes.tolist(), sample.labels.tolist(), strict=True):
        label = LABELS[index]
        color = _LABEL_COLORS[label]
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color))
        beside = (x2 + 4, "left") if label in LESION_LABELS else (x1 - 4, "right")
        axes.text(
            beside[0], (y1 + y2) / 2, _short(label), color=color, fontsize=6, fontweight="bold",
            va="center", ha=beside[1], clip_on=True, path_effects=_OUTLINE,
        )  # fmt: skip
    rows, columns = sample.image.shape
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    color, real = _ORIGIN_COLORS[tile.origin], tile.origin is Origin.REAL
    title = tile.image if real else f"{tile.image}: {tile.origin}"
    axes.set_title(title, color=color, fontsize=7)
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=0.5 if real else 2.5)


def _draw_legend(canvas: Canvas, tiles: Sequence[Tile], columns: int) -> None:
    seen = {LABELS[index] for tile in tiles for index in tile.sample.labels.tolist()}
    entries = [
        Patch(facecolor=_LABEL_COLORS[label], edgecolor="black", linewidth=0.5, label=str(label))
        for label in LABELS
        if label in seen
    ]
    origins = {tile.origin for tile in tiles} - {Origin.REAL}
    entries += [
        Patch(fill=False, edgecolor=_ORIGIN_COLORS[origin], linewidth=2, label=str(origin))
        for origin in sorted(origins)
    ]
    if any(len(tile.sample.ignored) for tile in tiles):
        ignored = Patch(fill=False, edgecolor=_IGNORED_COLOR, hatch="////", label="not judged")
        entries.append(ignored)
    if entries:
        canvas.legend(
            handles=entries, loc="outside lower center", ncols=max(2, columns + 1), frameon=False,
            fontsize=7,
        )  # fmt: skip


def _short(label: Label) -> str:
    """Return what is written at a box.

    >>> _short(Label.PFIRRMANN_4), _short(Label.HERNIATION)
    ('IV', 'herniation')
    """
    return str(label) if label.grade is None else label.grade.name
