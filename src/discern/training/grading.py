"""One training of the grading network: graded discs in, one weights file out.

As with the tissue network nothing is chosen while it runs, so it trains on the validation patients
of a split as well; the test patients are never seen.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.utils.data import DataLoader

from discern.dataset.disc_samples import DiscSample, DiscTraining, GradedDisc, read_graded_discs
from discern.dataset.epochs import EpochPlan
from discern.dataset.geometry import GeometryRange
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, verify_split
from discern.errors import DatasetError
from discern.imaging.disc_crop import CropRules
from discern.model.export import export_grader
from discern.model.grader import GraderConfig, build_grader, grade_loss
from discern.model.joined import with_network
from discern.networks import GraderMetadata, Preprocessing
from discern.outputs import check_folder, write_files
from discern.training.batches import EpochSampler
from discern.training.config import OptimizerConfig, Precision
from discern.training.plain import Course, PlainBatch, fit
from discern.weights import Weights, patient_hash

_LOG = logging.getLogger(__name__)
WEIGHTS = "weights.onnx"


@dataclass(frozen=True, slots=True)
class GradingConfig(Course):
    """Everything that decides what is learned, given data and split.

    Attributes:
        images: Pattern of the names of the images whose discs are learned.
        share: Weight of the network's opinion beside the detector's.
        crop: What it sees of a disc.
        seed: Of weights, order and augmentation.
        epochs: Passes over the discs.
        batch_size: Discs a step.
        precision: Arithmetic of the forward pass.
        network: Size of the network.
        optimizer: Steps and averaging.
        augmentation: Extent of scale, rotation and shift; None changes nothing.
    """

    images: str = "*"
    share: float = 0.5
    crop: CropRules = field(default_factory=CropRules)
    seed: int = 0
    epochs: int = 40
    batch_size: int = 48
    precision: Precision = Precision.BF16
    network: GraderConfig = field(default_factory=GraderConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=2e-3,
            weight_decay=0.05,
            warmup_epochs=2.0,
            gradient_clip=5.0,
            average_decay=0.995,
            average_warmup_steps=60.0,
        )
    )
    augmentation: GeometryRange | None = field(
        default_factory=lambda: GeometryRange(
            scale=(0.87, 1.15), aspect=0.15, rotation_deg=12.0, shift=0.06
        )
    )


def train_grader(
    config: GradingConfig, dataset: Dataset, split: Split, into: Weights, out: Path
) -> Path:
    """Train and return ``out/weights.onnx``: the networks of ``into`` with the new grading network.

    Raises:
        DatasetError: The split leaks or is of other data, or there are too few graded discs.
        TrainingError: The loss is no longer a number.
        OutputError: The file cannot be written.
    """
    check_folder(out)
    discs = training_discs(config, dataset, split, into.metadata.preprocessing)
    _LOG.info("%d discs of %d patients", len(discs), len({disc.patient for disc in discs}))
    grader = fit(
        lambda: build_grader(config.network), grade_loss, disc_batches(discs, config), config
    )
    base = onnx.load_model_from_string(into.onnx_bytes)
    about = _describe(config, dataset, discs)
    content = with_network(base, into.metadata, export_grader(grader, config.crop), about)
    write_files(out, {WEIGHTS: content})
    return out / WEIGHTS


def training_discs(
    config: GradingConfig, dataset: Dataset, split: Split, preprocessing: Preprocessing
) -> list[GradedDisc]:
    """Return the discs to learn from: of all patients but the test patients of ``split``.

    Raises:
        DatasetError: The split leaks or is of other data, or there are too few graded discs.
    """
    verify_split(split, dataset)
    patients = sorted({*split.train, *split.validation})
    truths = [t for t in dataset.of_patients(patients) if fnmatch(t.image, config.images)]
    discs = read_graded_discs(dataset, truths, preprocessing)
    if len(discs) < config.batch_size:
        raise DatasetError(
            f"{dataset.name}: {len(discs)} graded discs on sagittal images called "
            f"{config.images!r} of patients to train on; a step takes {config.batch_size}"
        )
    return discs


def disc_batches(discs: Sequence[GradedDisc], config: GradingConfig) -> DataLoader[PlainBatch]:
    """Return the batches of crops, prepared in this process."""
    plan = EpochPlan(seed=config.seed, patients=tuple(disc.patient for disc in discs))
    samples = DiscTraining(discs, config.crop, config.augmentation, seed=config.seed)
    return DataLoader(
        samples,  # type: ignore[arg-type]  # indexed by draws, not by numbers
        batch_size=config.batch_size,
        sampler=EpochSampler(plan, config.batch_size),
        collate_fn=collate,
        drop_last=True,
    )


def collate(samples: Sequence[DiscSample]) -> PlainBatch:
    """Stack samples into crops (B, 1, h, w) float32 and grades (B,) int64."""
    crops = np.stack([sample.crop for sample in samples])[:, None].astype(np.float32)
    return torch.from_numpy(crops), torch.tensor([sample.grade for sample in samples])


def _describe(
    config: GradingConfig, dataset: Dataset, discs: Sequence[GradedDisc]
) -> GraderMetadata:
    patients = {disc.patient for disc in discs}
    return GraderMetadata(
        crop=config.crop,
        share=config.share,
        epochs=config.epochs,
        training_data=(dataset.credit,),
        training_patients=tuple(sorted(patient_hash(dataset.name, p) for p in patients)),
        data_digest=dataset.digest,
        config_digest=config.digest,
    )
