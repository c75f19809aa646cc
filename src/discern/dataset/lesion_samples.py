"""Crops with lesions and without as training batches of the lesion network, both planes.

Sagittal crops come from real slices, from real slices with lesions planted, and from synthetic
patients; axial ones from synthetic patients and from what axial slices the data set has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.augment import (
    IntensityRange,
    apply_intensity,
    sample_online_intensity,
)
from discern.dataset.disc_samples import moved_crop
from discern.dataset.geometry import GeometryRange
from discern.dataset.lesion_targets import CropTruth, Maps, lesion_targets
from discern.dataset.phantoms import of_patients
from discern.dataset.plant_samples import SHAM_SHARE, Planting, planted_slices
from discern.dataset.plant_shapes import Renderer
from discern.dataset.samples import read_image, windowed
from discern.dataset.sources import Dataset, image_files
from discern.imaging.disc_crop import Box, CropRules, axial_box, crop_placement, disc_crop
from discern.imaging.pixels import Image
from discern.imaging.placement import Placement
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts, slices_of_patient
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, Plane

_IN_VIEW = 0.8  # widths of the box, either way: a lesion farther out is that of a neighbour
_INTEREST = {Label.HERNIATION: 2.0, Label.HIZ: 4.0}  # against a crop without a lesion


@dataclass(frozen=True, slots=True)
class LesionView:
    """One place of one image that a crop is laid about.

    Attributes:
        image: The windowed (H, W) image, values in 0..1; shared by the views of it.
        truth: Of the whole image.
        box_xyxy_px: A disc of a sagittal image; the middle of an axial one.
    """

    image: NDArray[np.float16]
    truth: GroundTruth
    box_xyxy_px: Box

    @property
    def interest(self) -> float:
        """How often it should be shown against a view without a lesion near its middle."""
        x1, _, x2, _ = self.box_xyxy_px
        reach, middle = _IN_VIEW * (x2 - x1), _middle(self.box_xyxy_px)
        shown = [
            _INTEREST[box.label]
            for box in lesions_of(self.truth)
            if np.abs(_middle(box.box_xyxy_px) - middle).max() <= reach
        ]
        return max(shown, default=1.0)


def lesions_of(truth: GroundTruth) -> list[TruthBox]:
    """Return the lesions of an image."""
    return [box for box in truth.boxes if box.label in LESION_LABELS]


def _middle(box: Box) -> NDArray[np.float64]:
    x1, y1, x2, y2 = box
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2])


def views_of(image: Image, truth: GroundTruth, preprocessing: Preprocessing) -> list[LesionView]:
    """Return the views of an image whose lesions are annotated; none of another."""
    if not truth.annotated & set(LESION_LABELS):
        return []
    shown = windowed(image, preprocessing).astype(np.float16)
    if truth.plane is Plane.AXIAL:
        return [LesionView(shown, truth, axial_box(truth.shape_px))]
    discs = (box.box_xyxy_px for box in truth.boxes if box.label in GRADE_LABELS)
    return [LesionView(shown, truth, box) for box in discs]


def real_views(
    dataset: Dataset, truths: Iterable[GroundTruth], preprocessing: Preprocessing
) -> list[LesionView]:
    """Return the views of the images of ``truths`` as they are.

    Raises:
        DatasetError: An image cannot be read.
    """
    files = image_files(dataset.folder)
    return [
        view
        for truth in truths
        for view in views_of(read_image(files[truth.image]), truth, preprocessing)
    ]


def planted_views(
    dataset: Dataset, truths: Sequence[GroundTruth], copies: int, preprocessing: Preprocessing
) -> list[LesionView]:
    """Return the views of planted copies of the images of ``truths``, one in five a sham."""
    views: list[LesionView] = []
    every = round(1 / SHAM_SHARE)
    sagittal = [truth for truth in truths if truth.plane is Plane.SAGITTAL]
    planting = Planting(Renderer.SMOOTH, seed=0, copies=copies)
    for index, one in enumerate(planted_slices(dataset, sagittal, planting)):
        shown = (one.image, one.truth) if index % every else (one.sham, one.sham_truth)
        views += views_of(*shown, preprocessing)
    return views


def phantom_views(
    seed: int, patients: int, counts: SliceCounts, preprocessing: Preprocessing
) -> list[LesionView]:
    """Return the views of slices of ``patients`` synthetic patients."""
    return of_patients(
        partial(_of_patient, seed=seed, counts=counts, preprocessing=preprocessing), patients
    )


def _of_patient(
    number: int, *, seed: int, counts: SliceCounts, preprocessing: Preprocessing
) -> list[LesionView]:
    slices = slices_of_patient(number, seed, counts)
    return [view for one in slices for view in views_of(one.image, one.truth, preprocessing)]


@dataclass(frozen=True, slots=True)
class ViewPool:
    """Views of one plane, and how likely each is drawn: (N,), one in all."""

    views: Sequence[LesionView]
    chances: NDArray[np.float64]


def pooled(sources: Sequence[tuple[Sequence[LesionView], float]]) -> ViewPool:
    """Return the views of all sources, each source with its share of the draws.

    Shares are those of the sources that are not empty.
    """
    present = [(views, share) for views, share in sources if views and share > 0]
    total = sum(share for _, share in present)
    chances = [np.zeros(0)]
    for views, share in present:
        interest = np.array([view.interest for view in views])
        chances.append(share / total * interest / interest.sum())
    return ViewPool([v for views, _ in present for v in views], np.concatenate(chances))


@dataclass(frozen=True, slots=True)
class CropBatch:
    """One batch of a plan: which views of which plane, and the seeds of their changes."""

    epoch: int
    number: int
    views: tuple[tuple[Plane, int], ...]


@dataclass(frozen=True, slots=True)
class CropPlan:
    """What an epoch shows: crops of both planes drawn by chance, as many of each in every batch.

    Attributes:
        seed: Of draws and changes.
        batches: In an epoch.
        crops: Of each plane in a batch.
    """

    seed: int
    batches: int
    crops: Mapping[Plane, int]

    def of_epoch(self, epoch: int, pools: Mapping[Plane, ViewPool]) -> list[CropBatch]:
        """Return the batches of ``epoch`` in their order."""
        rng = np.random.default_rng([self.seed, 1, epoch])
        batches = []
        for number in range(self.batches):
            views = [
                (plane, int(index))
                for plane, pool in pools.items()
                for index in rng.choice(len(pool.views), self.crops[plane], p=pool.chances)
            ]
            batches.append(CropBatch(epoch, number, tuple(views)))
        return batches


@dataclass(frozen=True, slots=True)
class CropChange:
    """How a crop of one plane is laid and changed; ``moved`` None leaves it as it is."""

    rules: CropRules
    moved: GeometryRange | None = field(default_factory=GeometryRange)
    intensity: IntensityRange = field(default_factory=IntensityRange)


class LesionTraining:
    """Views in memory, cut and changed when drawn; ``self[batch]`` depends on the batch alone.

    Crops of both planes have the same size: a batch holds some of each, so that the network's
    normalisation is that of both.
    """

    def __init__(
        self, pools: Mapping[Plane, ViewPool], changes: Mapping[Plane, CropChange], *, seed: int
    ) -> None:
        """Keep the views."""
        self._pools = pools
        self._changes = changes
        self._seed = seed

    def __getitem__(self, batch: CropBatch) -> tuple[Image, Maps]:
        """Return crops (N, 1, h, w) and their truth (N, 9, h/2, w/2)."""
        pairs = []
        for place, (plane, index) in enumerate(batch.views):
            rng = np.random.default_rng([self._seed, 3, batch.epoch, batch.number, place])
            pairs.append(_cut(self._pools[plane].views[index], self._changes[plane], rng))
        crops, truths = zip(*pairs, strict=True)
        return np.stack(crops)[:, None], np.stack(truths)


def _cut(view: LesionView, change: CropChange, rng: np.random.Generator) -> tuple[Image, Maps]:
    rules = change.rules
    placement = crop_placement(view.box_xyxy_px, rules)
    if change.moved is not None:
        placement = moved_crop(placement, rng, change.moved, rules)
    crop = disc_crop(view.image, placement, rules)
    if change.moved is not None:
        crop = apply_intensity(crop, sample_online_intensity(rng, change.intensity))
    return crop, lesion_targets(_truth_of(view, placement), (rules.rows, rules.columns))


def _truth_of(view: LesionView, placement: Placement) -> CropTruth:
    lesions = lesions_of(view.truth)
    return CropTruth(
        boxes=placement.discs(view.truth.boxes_of(LESION_LABELS)),
        labels=[LESION_LABELS.index(box.label) for box in lesions],
        annotated=[label in view.truth.annotated for label in LESION_LABELS],
        ignored=placement.regions(np.array(view.truth.ignored, np.float64).reshape(-1, 4)),
    )
