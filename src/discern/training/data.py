"""Everything a run learns from, read once: training samples, validation images, anchors."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from discern.dataset.augment import IntensityMode
from discern.dataset.epochs import EpochPlan, TrainingSamples
from discern.dataset.phantoms import phantom_samples
from discern.dataset.plant_samples import planted_places, planted_samples
from discern.dataset.samples import Sample, prepare_dataset
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split
from discern.errors import DatasetError
from discern.model.anchors import fit_anchors
from discern.model.head import Anchors
from discern.spine import GRADE_LABELS
from discern.training.batches import Batch, EpochSampler, training_loader
from discern.training.config import TrainingConfig
from discern.training.validation import ValidationImage, read_validation_images


@dataclass(frozen=True, slots=True)
class RunData:
    """What was read.

    Attributes:
        samples: Real ones, whose ``patients`` are named, then synthetic, then planted ones.
        patients: Of the real samples.
        planted: For each real sample, the places of its copies with planted lesions.
        validation: Images of the validation patients.
    """

    samples: tuple[Sample, ...]
    patients: tuple[str, ...]
    planted: tuple[tuple[int, ...], ...]
    validation: tuple[ValidationImage, ...]

    @property
    def phantoms(self) -> int:
        """Number of synthetic samples."""
        return len(self.samples) - len(self.patients) - sum(map(len, self.planted))

    def plan(self, config: TrainingConfig) -> EpochPlan:
        """Return the order of every epoch."""
        return EpochPlan(
            seed=config.seed,
            patients=self.patients,
            slices_per_patient=config.slices_per_patient,
            phantom=self.phantoms,
            phantom_share=config.phantom_share,
            paper_copies=config.augmentation.intensity is IntensityMode.PAPER,
            planted=self.planted,
            planted_share=config.planted_share,
        )

    def anchors(self, config: TrainingConfig) -> Anchors:
        """Return the anchors: fitted to the training boxes, or as configured."""
        if not config.fit_anchors:
            return config.network.anchors_px
        boxes = np.concatenate([sample.boxes for sample in self.samples])
        return fit_anchors(boxes[:, 2:] - boxes[:, :2], np.random.default_rng(config.seed))

    def grades(self) -> dict[str, int]:
        """Return how many training discs have each grade."""
        labels = np.concatenate([sample.labels for sample in self.samples])
        return {str(label): int((labels == i).sum()) for i, label in enumerate(GRADE_LABELS)}


def read_run_data(config: TrainingConfig, dataset: Dataset, split: Split) -> RunData:
    """Read and prepare the images of the training and validation patients, and the phantoms.

    Raises:
        DatasetError: No training image, or one that cannot be read.
    """
    truths = dataset.of_patients(split.train)
    real = prepare_dataset(dataset, truths, config.preprocessing)
    if not real:
        raise DatasetError(f"{dataset.name}: the split leaves no training image")
    synthetic: list[Sample] = []
    if config.phantom_patients:
        synthetic = phantom_samples(
            config.seed, config.phantom_patients, config.phantom_slices, config.preprocessing
        )
    planted = planted_samples(dataset, truths, config.planted_copies, config.preprocessing)
    places = planted_places(planted, len(real) + len(synthetic))
    validation = read_validation_images(
        dataset, dataset.of_patients(split.validation), config.preprocessing
    )
    patients = tuple(truth.patient for truth in truths)
    samples = (*real, *synthetic, *chain.from_iterable(planted))
    return RunData(samples, patients, places, tuple(validation))


class TrainingData(LightningDataModule):
    """Hands each process its share of the batches."""

    def __init__(self, data: RunData, config: TrainingConfig, workers: int) -> None:
        """Change samples as ``config`` says; ``workers`` processes prepare batches."""
        super().__init__()
        self._data = data
        self._config = config
        self._workers = workers

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the batches of this process."""
        trainer = self.trainer
        if trainer is None:
            raise RuntimeError("a data module has batches only within a run; use loader()")
        return self.loader(trainer.global_rank, trainer.world_size)

    def loader(self, rank: int, processes: int) -> DataLoader[Batch]:
        """Return the batches of process ``rank`` of ``processes``."""
        config = self._config
        sampler = EpochSampler(
            self._data.plan(config), config.batch_size, rank=rank, processes=processes
        )
        samples = TrainingSamples(
            self._data.samples, config.augmentation, seed=config.seed, epochs=config.epochs
        )
        return training_loader(samples, sampler, config.batch_size, self._workers)
