"""What weights say on real axial slices: a picture of each, and how often they alarm.

    python bench/axial_gallery.py SLICES STUDY --weights WEIGHTS --out docs/results/axial-real

SLICES is ../shared/data/axial-t2-slices, STUDY ../shared/data/lumbar-study-dicom/study.

A folder of PNG files is taken as axial T2; of a DICOM study every axial T2 series is read. Nobody
has labelled these slices: an alarm is not known to be false. ``--gallery`` writes a page,
``index.html``; it shows patients and stays out of the repository. Solid boxes reach the operating
point, thin ones 0.1.
"""

import argparse
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from discern.dataset.samples import read_image
from discern.decisions import OperatingPoint
from discern.evaluation.predictions import PredictedBox
from discern.imaging.geometry import usual_view
from discern.imaging.pixels import Image
from discern.imaging.reading import read_study
from discern.inference.evaluate import boxes_of_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import write_files
from discern.spine import LESION_LABELS, Label, Plane
from discern.weights import load_weights, shipped_weights

_LOW = 0.1
_UNLABELLED = "Nobody has labelled these slices: an alarm is not known to be false."
_TILE_PX, _TILES_A_ROW = 320, 6
_COLOURS = {Label.HERNIATION: "red", Label.HIZ: "yellow"}


def axial_images(source: Path) -> Iterator[Image]:
    """Yield the axial T2 slices of a folder of PNG files or of a DICOM study."""
    files = sorted(source.rglob("*.png"))
    if files:
        yield from (read_image(file) for file in files)
        return
    for series in read_study(source).used(Plane.AXIAL):
        for slice_ in series.slices:
            yield usual_view(slice_.geometry).apply(slice_.read())


def tile(image: Image, boxes: tuple[PredictedBox, ...], point: OperatingPoint) -> PillowImage.Image:
    """Return the slice with its lesion boxes."""
    grey = np.clip(image / max(float(np.percentile(image, 99.5)), 1), 0, 1) * 255
    picture = PillowImage.fromarray(grey.astype(np.uint8)).convert("RGB")
    zoom = _TILE_PX / max(picture.size)
    picture = picture.resize((round(picture.width * zoom), round(picture.height * zoom)))
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        if box.score >= _LOW and box.label in _COLOURS:
            edges = [edge * zoom for edge in box.box_xyxy_px]
            width = 2 if box.score >= point.min_score(box.label, Plane.AXIAL) else 1
            pen.rectangle(edges, outline=_COLOURS[box.label], width=width)
            pen.text((edges[0], edges[1] - 11), f"{box.score:.2f}", fill=_COLOURS[box.label])
    return picture


def alarms(answers: list[tuple[PredictedBox, ...]], point: OperatingPoint) -> dict[str, int]:
    """Return on how many slices each lesion is said."""
    return {
        str(label): sum(
            any(b.label is label and b.score >= point.min_score(label, Plane.AXIAL) for b in boxes)
            for boxes in answers
        )
        for label in LESION_LABELS
    }


def write_sheet(tiles: list[PillowImage.Image], file: Path) -> None:
    """Write all tiles as one PNG."""
    rows = -(-len(tiles) // _TILES_A_ROW)
    sheet = PillowImage.new("RGB", (_TILES_A_ROW * _TILE_PX, rows * _TILE_PX))
    for index, one in enumerate(tiles):
        row, column = divmod(index, _TILES_A_ROW)
        sheet.paste(one, (column * _TILE_PX, row * _TILE_PX))
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file)


def write_page(said: dict[str, dict[str, int]], about: str, folder: Path) -> None:
    """Write ``index.html`` over the sheets: how many slices are said to show what, then all."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Axial slices</title><p>{escape(about)}"]
    for name, counts in said.items():
        words = ", ".join(f"{count} of them said to show {what}" for what, count in counts.items())
        picture = f'<img src="{quote(name)}.png" alt="" style="max-width:100%">'
        parts.append(f"<h2>{escape(name)}</h2><p>{escape(words)}</p>{picture}")
    write_files(folder, {"index.html": "\n".join(parts).encode()})


def main() -> None:
    """Read, draw, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=shipped_weights())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gallery", type=Path)
    chosen = parser.parse_args()
    weights = load_weights(chosen.weights)
    point, predictor = weights.metadata.operating_point("default"), OpenVinoPredictor(weights)
    result: dict[str, object] = {
        "weights": {"name": weights.metadata.name, "sha256": weights.sha256},
        "lesions_trained": [str(one) for one in weights.metadata.trained_lesions(Plane.AXIAL)],
    }
    said: dict[str, dict[str, int]] = {}
    for source in chosen.sources:
        name = source.parent.name if source.name == "study" else source.name
        images = list(axial_images(source))
        pairs = ((image, Plane.AXIAL) for image in images)
        answers = list(boxes_of_images(pairs, predictor, weights.metadata))
        said[name] = alarms(answers, point)
        result[name] = {"slices": len(images), "slices_said_to_show": said[name]}
        if chosen.gallery:
            tiles = [tile(i, boxes, point) for i, boxes in zip(images, answers, strict=True)]
            write_sheet(tiles, chosen.gallery / f"{name}.png")
    if chosen.gallery:
        about = f"Weights {weights.metadata.name}, SHA-256 {weights.sha256[:16]}. {_UNLABELLED}"
        write_page(said, about, chosen.gallery)
    text = json.dumps(result, indent=1) + "\n"
    write_files(chosen.out, {"axial-real.json": text.encode()})
    print(text, end="")


if __name__ == "__main__":
    main()
