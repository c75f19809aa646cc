"""Single discs of a data set as training samples of the grading network.

Only readers' grades of sagittal images: what the network is to learn is how they grade.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.dataset.augment import apply_intensity, sample_online_intensity
from discern.dataset.epochs import Draw
from discern.dataset.geometry import GeometryRange, sample_placement
from discern.dataset.samples import read_image, windowed
from discern.dataset.sources import Dataset, image_files
from discern.imaging.disc_crop import Box, CropRules, crop_placement, disc_crop
from discern.imaging.pixels import Image
from discern.imaging.placement import Placement
from discern.networks import Preprocessing
from discern.spine import GRADE_LABELS, Plane


@dataclass(frozen=True, slots=True)
class GradedDisc:
    """One disc of one image.

    Attributes:
        image: The windowed (H, W) image, values in 0..1; shared by the discs on it.
        box_xyxy_px: The disc.
        grade: Place of its grade in ``GRADE_LABELS``.
        patient: Whose it is.
    """

    image: NDArray[np.float16]
    box_xyxy_px: Box
    grade: int
    patient: str


@dataclass(frozen=True, slots=True)
class DiscSample:
    """One network input: a crop (h, w) float32 in 0..1 with the place of its grade."""

    crop: Image
    grade: int


def read_graded_discs(
    dataset: Dataset, truths: Iterable[GroundTruth], preprocessing: Preprocessing
) -> list[GradedDisc]:
    """Return the graded discs on the sagittal images among ``truths``, image by image.

    Raises:
        DatasetError: An image cannot be read.
    """
    files = image_files(dataset.folder)
    discs: list[GradedDisc] = []
    for truth in truths:
        if truth.plane is Plane.SAGITTAL and len(truth.boxes_of(GRADE_LABELS)):
            discs += graded_discs(read_image(files[truth.image]), truth, preprocessing)
    return discs


def graded_discs(
    image: Image, truth: GroundTruth, preprocessing: Preprocessing
) -> list[GradedDisc]:
    """Return the graded discs on one (H, W) image."""
    shown = windowed(image, preprocessing).astype(np.float16)
    return [
        GradedDisc(shown, box.box_xyxy_px, GRADE_LABELS.index(box.label), truth.patient)
        for box in truth.boxes
        if box.label in GRADE_LABELS
    ]


class DiscTraining:
    """Discs in memory, changed when drawn; ``self[draw]`` depends on nothing but the draw."""

    def __init__(
        self,
        discs: Sequence[GradedDisc],
        rules: CropRules,
        drawn_from: GeometryRange | None,
        *,
        seed: int,
    ) -> None:
        """Keep ``discs``; None shows them as inference does."""
        self._discs = discs
        self._rules = rules
        self._drawn_from = drawn_from
        self._seed = seed

    def __getitem__(self, draw: Draw) -> DiscSample:
        """Return the crop of ``draw``, as if a detector had found the disc a little elsewhere."""
        disc, rules = self._discs[draw.index], self._rules
        placement = crop_placement(disc.box_xyxy_px, rules)
        if self._drawn_from is None:
            return DiscSample(disc_crop(disc.image, placement, rules), disc.grade)
        rng = np.random.default_rng([self._seed, 3, draw.epoch, draw.place])
        crop = disc_crop(disc.image, moved_crop(placement, rng, self._drawn_from, rules), rules)
        return DiscSample(apply_intensity(crop, sample_online_intensity(rng)), disc.grade)


def moved_crop(
    placement: Placement, rng: np.random.Generator, drawn_from: GeometryRange, rules: CropRules
) -> Placement:
    """Return the placement of a crop scaled, turned and shifted at random."""
    x, y = rng.uniform(-drawn_from.shift, drawn_from.shift, 2) * (rules.columns, rules.rows)
    target = (placement.target[0] + float(x), placement.target[1] + float(y))
    drawn = sample_placement(rng, drawn_from, placement.focus, target)
    (across, down), (more_across, more_down) = placement.scale_xy, drawn.scale_xy
    return replace(drawn, scale_xy=(across * more_across, down * more_down))
