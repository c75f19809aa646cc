"""A data set of four synthetic patients that a tiny network learns in seconds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.dataset.augment import IntensityMode
from discern.dataset.epochs import AugmentationConfig
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split
from discern.networks import Preprocessing
from discern.training.config import OptimizerConfig, Precision, TrainingConfig

SIZE, COPIES = 64, 8
BOXES = ((8, 4, 36, 16), (12, 24, 40, 36), (16, 44, 44, 56))
BRIGHTNESS = {1: 250, 5: 20}  # of a disc, by grade; the background is 120

LEARNING = TrainingConfig(
    name="tiny",
    epochs=30,
    batch_size=4,
    precision=Precision.FP32,
    validate_every=30,
    preprocessing=Preprocessing(size_px=SIZE),
    fit_anchors=False,
    optimizer=OptimizerConfig(
        learning_rate=6e-3, warmup_epochs=1.0, average_decay=0.9, average_warmup_steps=10.0
    ),
    augmentation=AugmentationConfig(intensity=IntensityMode.OFF, geometry=False),
)
"""Without augmentation, so that four images are learned by heart."""

AUGMENTED = replace(LEARNING, augmentation=AugmentationConfig(), epochs=4, validate_every=2)


def write_four_images(folder: Path) -> Dataset:
    """Write four images with three discs each, grades 1 and 5, eight times, and read them.

    The copies make epochs long enough for a checkpoint each.
    """
    rng = np.random.default_rng(0)
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for number in range(4):
        pixels = np.clip(rng.normal(120, 8, (SIZE, SIZE)), 0, 255)
        shapes = []
        for place, (x1, y1, x2, y2) in enumerate(BOXES):
            grade = (1, 5)[(number + place) % 2]
            shift = 3 * number
            pixels[y1:y2, x1 + shift : x2 + shift] = BRIGHTNESS[grade]
            corners = [[x1 + shift, y1], [x2 + shift, y2]]
            shapes.append(
                {
                    "label": f"pfirrmann_{grade}",
                    "points": corners,
                    "group_id": 3 - place,
                    "shape_type": "rectangle",
                }
            )
        document = {
            "version": "5.4.1",
            "flags": {},
            "shapes": shapes,
            "imageHeight": SIZE,
            "imageWidth": SIZE,
        }
        for copy in range(COPIES):
            _write(folder, f"p{number}_{copy}", pixels.astype(np.uint8), document)
    return read_dataset(folder)


def _write(folder: Path, name: str, pixels: NDArray[np.uint8], document: dict[str, Any]) -> None:
    PillowImage.fromarray(pixels).save(folder / "images" / f"{name}.png")
    (folder / "annotations" / f"{name}.json").write_text(json.dumps(document))


def all_for_training(dataset: Dataset) -> Split:
    """Return a split without validation: the four images are learned by heart."""
    return Split(dataset.digest, dataset.patients, (), ())
