"""Writes small data sets of the documented layout."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage

from discern.dataset.sources import Dataset, read_dataset

Drawn = tuple[str, tuple[float, float, float, float], int | None]  # label, box, group_id


def pixels_of(name: str, shape: tuple[int, int] = (60, 40)) -> NDArray[np.uint8]:
    """Return a soft random picture that no other name has."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    soft = ndimage.gaussian_filter(rng.normal(size=shape), 2.0)
    return np.clip(128 + 400 * soft, 0, 255).astype(np.uint8)


def write_image(
    folder: Path, name: str, drawn: Sequence[Drawn], flags: dict[str, Any] | None = None
) -> None:
    """Write a 60 x 40 image and its LabelMe file."""
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(pixels_of(name)).save(folder / "images" / f"{name}.png")
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
