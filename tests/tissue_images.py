"""Images with tissue masks that a tiny network learns in seconds."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.dataset.sources import Dataset


def add_masks(dataset: Dataset, every: int = 1) -> Dataset:
    """Write a mask for each ``every``-th image: its boxes are disc, vertebra and canal."""
    (dataset.folder / "masks").mkdir()
    for truth in dataset.truths[::every]:
        tissues = np.zeros(truth.shape_px, np.uint8)
        for box in truth.boxes:
            x1, y1, x2, y2 = (int(value) for value in box.box_xyxy_px)
            tissues[y1:y2, x1:x2] = 1 + truth.boxes.index(box) % 3
        save_mask(dataset, truth.image, tissues)
    return dataset


def save_mask(dataset: Dataset, image: str, tissues: NDArray[np.uint8]) -> Path:
    """Write the mask of ``image`` and return its path."""
    path = dataset.folder / "masks" / f"{image}.png"
    PillowImage.fromarray(tissues).save(path)
    return path
