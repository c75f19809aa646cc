"""Writes small data sets of the documented layout."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from discern.dataset.sources import Dataset, read_dataset

Drawn = tuple[str, tuple[float, float, float, float], int | None]  # label, box, group_id


def write_image(
    folder: Path, name: str, drawn: Sequence[Drawn], flags: dict[str, Any] | None = None
) -> None:
    """Write a 60 x 40 image and its LabelMe file."""
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pixels = np.arange(60 * 40, dtype=np.uint8).reshape(60, 40)
    PillowImage.fromarray(pixels).save(folder / "images" / f"{name}.png")
    shapes: list[dict[str, Any]] = [
        {
            "label": label,
            "points": [[x1, y1], [x2, y2]],
            "group_id": disc,
            "shape_type": "rectangle",
            "flags": {},
        }
        for label, (x1, y1, x2, y2), disc in drawn
    ]
    document = {
        "version": "5.4.1",
        "flags": flags or {},
        "shapes": shapes,
        "imagePath": f"../images/{name}.png",
        "imageData": None,
        "imageHeight": 60,
        "imageWidth": 40,
    }
    (folder / "annotations" / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def graded_patients(folder: Path, grades: Sequence[int]) -> Dataset:
    """Write one image for each patient, with one disc of the given grade, and read it."""
    for number, grade in enumerate(grades):
        write_image(folder, f"p{number:03}_x", [(f"pfirrmann_{grade}", (5, 5, 20, 12), 1)])
    return read_dataset(folder)
