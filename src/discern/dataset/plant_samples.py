"""Planted slices and their shams as training samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from discern.annotations import GroundTruth
from discern.dataset.masks import mask_file, read_mask
from discern.dataset.plant import Planted, plant, sample_lesions
from discern.dataset.plant_shapes import Renderer
from discern.dataset.samples import Sample, prepare, read_image
from discern.dataset.sources import Dataset, image_files
from discern.networks import Preprocessing

SHAM_SHARE = 0.2
"""Of the training copies, shown without the lesions."""


@dataclass(frozen=True, slots=True)
class Planting:
    """How slices are planted: which renderer, seed, and how often each."""

    renderer: Renderer
    seed: int
    copies: int = 1


def planted_slices(
    dataset: Dataset, truths: Sequence[GroundTruth], planting: Planting
) -> Iterator[Planted]:
    """Yield the planted slices of ``truths``; those without a mask or a fit disc are left out.

    Copy n of an image does not depend on the other images.
    """
    files = image_files(dataset.folder)
    for truth in truths:
        path = mask_file(dataset, truth.image)
        if not path.is_file():
            continue
        image, tissues = read_image(files[truth.image]), read_mask(path, truth.shape_px)
        for copy in range(planting.copies):
            rng = np.random.default_rng([planting.seed, copy, *truth.image.encode()])
            lesions = sample_lesions(image, truth, tissues, rng)
            if lesions:
                yield plant(image, truth, lesions, planting.renderer, rng)


def planted_samples(
    dataset: Dataset, truths: Sequence[GroundTruth], copies: int, preprocessing: Preprocessing
) -> list[list[Sample]]:
    """Return ``copies`` planted samples of each of ``truths``, one in five a sham.

    None where there is nothing to plant in.
    """
    samples: dict[str, list[Sample]] = {truth.image: [] for truth in truths}
    planting = Planting(Renderer.SMOOTH, seed=0, copies=copies)
    every = round(1 / SHAM_SHARE)
    for index, one in enumerate(planted_slices(dataset, truths, planting)):
        shown = (one.image, one.truth) if index % every else (one.sham, one.sham_truth)
        samples[one.truth.image].append(prepare(*shown, preprocessing))
    return list(samples.values())


def planted_places(samples: Sequence[Sequence[Sample]], first: int) -> tuple[tuple[int, ...], ...]:
    """Return where the copies of each image come, all in a row from place ``first``."""
    ends = np.cumsum([first, *(len(copies) for copies in samples)]).tolist()
    return tuple(tuple(range(start, end)) for start, end in pairwise(ends))
