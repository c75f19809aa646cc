"""Network input with its truth: the preprocessing of inference, kept in memory once per image."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.annotations import GroundTruth
from discern.boxes import BoxArray
from discern.dataset.sources import Dataset, image_files
from discern.errors import DatasetError
from discern.imaging.pixels import Image, Letterbox, letterbox, window
from discern.networks import Preprocessing
from discern.spine import GRADE_LABELS, LABELS


@dataclass(frozen=True, slots=True)
class Sample:
    """One network input and what is known of it; boxes are xyxy in input pixels.

    Attributes:
        image: (S, S) values in 0..1; float16 while kept, float32 once drawn.
        boxes: (N, 4).
        labels: (N,) indices into ``LABELS``.
        annotated: (7,) whether the absence of a label means "not there".
        ignored: (K, 4) places where nothing is judged.
    """

    image: NDArray[np.floating]
    boxes: BoxArray
    labels: NDArray[np.int64]
    annotated: NDArray[np.bool_]
    ignored: BoxArray


def read_image(path: Path) -> Image:
    """Read a grey image as float32 in its full stored depth.

    Raises:
        DatasetError: Not a readable image.
    """
    try:
        with PillowImage.open(path) as opened:
            grey = opened if opened.mode in {"L", "I", "I;16", "F"} else opened.convert("L")
            return np.asarray(grey, dtype=np.float32)
    except OSError as error:
        raise DatasetError(f"images/{path.name}: not a readable image") from error


def network_input(image: Image, preprocessing: Preprocessing) -> tuple[Image, Letterbox]:
    """Window and letterbox ``image`` exactly as inference does with an image of square pixels."""
    return letterbox(windowed(image, preprocessing), preprocessing.size_px)


def windowed(image: Image, preprocessing: Preprocessing) -> Image:
    """Return ``image`` (H, W) with the window of the weights, values in 0..1."""
    return window(image, preprocessing.low_percentile, preprocessing.high_percentile)


def prepare(image: Image, truth: GroundTruth, preprocessing: Preprocessing) -> Sample:
    """Return the network input of ``image`` with its truth carried along."""
    square, fit = network_input(image, preprocessing)
    kept = [box for box in truth.boxes if box.label in truth.annotated]
    boxes = np.array([box.box_xyxy_px for box in kept], np.float64).reshape(-1, 4)
    return Sample(
        image=square.astype(np.float16),
        boxes=fit.to_input(boxes),
        labels=np.array([LABELS.index(box.label) for box in kept], np.int64),
        annotated=np.array([label in truth.annotated for label in LABELS]),
        ignored=fit.to_input(_ignored_places(truth)),
    )


def prepare_dataset(
    dataset: Dataset, truths: Iterable[GroundTruth], preprocessing: Preprocessing
) -> list[Sample]:
    """Read and prepare the images of ``truths``."""
    files = image_files(dataset.folder)
    return [prepare(read_image(files[truth.image]), truth, preprocessing) for truth in truths]


_COLUMN_WIDTHS = 1.5
"""How far the ungraded part of the spine may lie beside the topmost box, in box widths."""


def _ignored_places(truth: GroundTruth) -> BoxArray:
    places = list(truth.ignored)
    graded = truth.boxes_of(GRADE_LABELS)
    if truth.ungraded_above_px is not None and len(graded):
        x1, _, x2, _ = graded[graded[:, 1].argmin()]
        aside = _COLUMN_WIDTHS * (x2 - x1)
        places.append((float(x1 - aside), 0.0, float(x2 + aside), truth.ungraded_above_px))
    return np.array(places, np.float64).reshape(-1, 4)
