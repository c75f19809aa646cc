"""Training samples as the network sees them, chosen for a look: ``discern dataset preview``.

The samples come from the plan and the changes of training, of its first epoch, so nothing is
shown that training would not show. Only fewer synthetic patients are rendered and one copy with
planted lesions of each slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from discern.dataset.augment import IntensityMode
from discern.dataset.epochs import AugmentationConfig, Draw, EpochPlan, TrainingSamples
from discern.dataset.phantoms import phantom_samples
from discern.dataset.plant_samples import planted_places, planted_samples
from discern.dataset.samples import Sample, prepare_dataset
from discern.dataset.sources import Dataset
from discern.errors import DatasetError
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts

MOST_PHANTOM_PATIENTS = 4
"""Rendered for a preview; a training renders all that the configuration asks for."""


class Origin(StrEnum):
    """What a training sample was made from."""

    REAL = "real"
    PAPER_COPY = "30 % copy (noise, gamma)"
    SYNTHETIC = "synthetic"
    PLANTED = "real, lesions planted"


@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """What decides the samples of a training, and how many are drawn; see ``TrainingConfig``."""

    name: str
    seed: int
    epochs: int
    slices_per_patient: int
    phantom_patients: int
    phantom_slices: SliceCounts
    phantom_share: float
    planted_copies: int
    planted_share: float
    preprocessing: Preprocessing
    augmentation: AugmentationConfig
    count: int = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """One training sample: the image it was made from (first image of a mosaic), and how."""

    image: str
    origin: Origin
    sample: Sample


def preview_tiles(
    dataset: Dataset, patients: Sequence[str], settings: PreviewSettings
) -> list[Tile]:
    """Return samples as training draws them in its first epoch.

    Every kind - plain, the paper's copies, synthetic, planted - has its share, at least one. A
    copy of the paper comes behind its original, so that the two can be compared.

    Raises:
        DatasetError: None of ``patients`` has an image, or an image cannot be read.
    """
    truths = dataset.of_patients(patients)
    if not truths:
        raise DatasetError(f"{dataset.name}: the split leaves no training image")
    samples = prepare_dataset(dataset, truths, settings.preprocessing)
    phantoms = []
    if settings.phantom_patients and settings.phantom_share:
        rendered = min(settings.phantom_patients, MOST_PHANTOM_PATIENTS)
        phantoms = phantom_samples(
            settings.seed, rendered, settings.phantom_slices, settings.preprocessing
        )
    planted = planted_samples(
        dataset, truths, min(settings.planted_copies, 1), settings.preprocessing
    )
    plan = EpochPlan(
        seed=settings.seed,
        patients=tuple(truth.patient for truth in truths),
        slices_per_patient=settings.slices_per_patient,
        phantom=len(phantoms),
        phantom_share=settings.phantom_share,
        paper_copies=settings.augmentation.intensity is IntensityMode.PAPER,
        planted=planted_places(planted, len(samples) + len(phantoms)),
        planted_share=settings.planted_share,
    )
    training = TrainingSamples(
        [*samples, *phantoms, *chain.from_iterable(planted)],
        settings.augmentation,
        seed=settings.seed,
        epochs=settings.epochs,
    )
    names = [truth.image for truth in truths] + ["phantom"] * len(phantoms)
    names += [truth.image for truth, copies in zip(truths, planted, strict=True) for _ in copies]
    return [
        Tile(names[draw.index], _origin(draw, plan), training[draw])
        for draw in _chosen(plan, settings.count)
    ]


def _origin(draw: Draw, plan: EpochPlan) -> Origin:
    if draw.paper_copy:
        return Origin.PAPER_COPY
    if draw.index >= plan.real + plan.phantom:
        return Origin.PLANTED
    return Origin.SYNTHETIC if draw.index >= plan.real else Origin.REAL


def _chosen(plan: EpochPlan, count: int) -> list[Draw]:
    draws = plan.draws(0)
    copies = [draw for draw in draws if draw.paper_copy]
    phantoms = [draw for draw in draws if _origin(draw, plan) is Origin.SYNTHETIC]
    planted = [draw for draw in draws if _origin(draw, plan) is Origin.PLANTED]
    originals = {draw.index: draw for draw in draws if not draw.paper_copy}
    chosen: list[Draw] = []
    for copy in copies[: _share(len(copies), len(draws), count)]:
        chosen += [originals[copy.index], copy] if copy.index in originals else [copy]
    for some in (phantoms, planted):
        chosen += some[: _share(len(some), len(draws), count)]
    plain = [draw for draw in draws if _origin(draw, plan) is Origin.REAL and draw not in chosen]
    return (chosen + plain)[:count]


def _share(some: int, everything: int, count: int) -> int:
    return max(1, round(count * some / everything)) if some else 0
