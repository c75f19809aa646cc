"""One training of the tissue network: images and masks in, one weights file out.

Nothing is chosen while it runs, so it trains on the validation patients of a split as well; the
test patients are never seen. It takes minutes and keeps no checkpoint.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.utils.data import DataLoader

from discern.dataset.epochs import EpochPlan
from discern.dataset.geometry import GeometryRange
from discern.dataset.masks import (
    TissueSample,
    TissueTraining,
    phantom_tissue_samples,
    read_tissue_samples,
    with_masks,
)
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, verify_split
from discern.errors import DatasetError
from discern.model.export import export_segmenter
from discern.model.joined import with_network
from discern.model.segmenter import SegmenterConfig, build_segmenter, tissue_loss
from discern.networks import Preprocessing, SegmenterMetadata
from discern.outputs import check_folder, write_files
from discern.training.batches import EpochSampler
from discern.training.config import OptimizerConfig, Precision
from discern.training.plain import Course, PlainBatch, fit
from discern.weights import Weights, patient_hash

_LOG = logging.getLogger(__name__)
WEIGHTS = "weights.onnx"


@dataclass(frozen=True, slots=True)
class SegmentationConfig(Course):
    """Everything that decides what is learned, given data and split.

    Attributes:
        seed: Of weights, order, augmentation and phantoms.
        epochs: Passes over the real images.
        batch_size: Images a step.
        precision: Arithmetic of the forward pass.
        phantom_patients: Synthetic patients mixed in.
        phantom_share: Share of their slices among those shown.
        preprocessing: Input size and window, shared with inference.
        network: Size of the network.
        optimizer: Steps and averaging.
        augmentation: Extent of scale, rotation and shift; None changes nothing.
    """

    seed: int = 0
    epochs: int = 24
    batch_size: int = 8
    precision: Precision = Precision.BF16
    phantom_patients: int = 300
    phantom_share: float = 0.35
    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(size_px=416))
    network: SegmenterConfig = field(default_factory=SegmenterConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=3e-3, warmup_epochs=1.0, average_decay=0.99, average_warmup_steps=60.0
        )
    )
    augmentation: GeometryRange | None = field(
        default_factory=lambda: GeometryRange(scale=(0.7, 1.6), rotation_deg=8.0, shift=0.15)
    )


@dataclass(frozen=True, slots=True)
class SegmentationData:
    """Samples of ``patients`` (one for each real sample), then those of phantoms."""

    samples: tuple[TissueSample, ...]
    patients: tuple[str, ...]

    @property
    def phantoms(self) -> int:
        """Number of synthetic samples."""
        return len(self.samples) - len(self.patients)

    def loader(self, config: SegmentationConfig) -> DataLoader[PlainBatch]:
        """Return the batches; prepared in this process, which needs no second core."""
        plan = EpochPlan(
            seed=config.seed,
            patients=self.patients,
            phantom=self.phantoms,
            phantom_share=config.phantom_share,
        )
        samples = TissueTraining(list(self.samples), config.augmentation, seed=config.seed)
        return DataLoader(
            samples,  # type: ignore[arg-type]  # indexed by draws, not by numbers
            batch_size=config.batch_size,
            sampler=EpochSampler(plan, config.batch_size),
            collate_fn=collate,
            drop_last=True,
        )


def train_segmenter(
    config: SegmentationConfig,
    dataset: Dataset,
    split: Split,
    into: Weights,
    out: Path,
    phantom: Sequence[TissueSample] | None = None,
) -> Path:
    """Train and return ``out/weights.onnx``: the networks of ``into`` with the new tissue network.

    ``phantom`` are samples that ``made_samples`` has made already; None makes them.

    Raises:
        DatasetError: The split leaks or is of other data, there is no mask, or one is unusable.
        TrainingError: The loss is no longer a number.
        OutputError: The file cannot be written.
    """
    verify_split(split, dataset)
    check_folder(out)
    patients = sorted({*split.train, *split.validation})
    data = read_segmentation_data(config, dataset, patients, phantom)
    loader = data.loader(config)
    _LOG.info("%d real and %d synthetic images", len(data.patients), data.phantoms)
    segmenter = fit(lambda: build_segmenter(config.network), tissue_loss, loader, config)
    base = onnx.load_model_from_string(into.onnx_bytes)
    about = _describe(config, dataset, sorted(set(data.patients)))
    content = with_network(base, into.metadata, export_segmenter(segmenter), about)
    write_files(out, {WEIGHTS: content})
    return out / WEIGHTS


def made_samples(config: SegmentationConfig) -> list[TissueSample]:
    """Return the samples of the synthetic patients: the same for every split."""
    return phantom_tissue_samples(config.seed, config.phantom_patients, config.preprocessing)


def read_segmentation_data(
    config: SegmentationConfig,
    dataset: Dataset,
    patients: Sequence[str],
    phantom: Sequence[TissueSample] | None = None,
) -> SegmentationData:
    """Read and prepare the masked images of ``patients``, and the phantoms.

    Raises:
        DatasetError: There is no mask, or one cannot be used.
    """
    truths = with_masks(dataset, patients)
    if not truths:
        raise DatasetError(
            f"{dataset.name}: no masks/*.png of a patient to train on; one PNG an image with "
            "0 background, 1 disc, 2 vertebra, 3 canal, called like the image"
        )
    real = read_tissue_samples(dataset, truths, config.preprocessing)
    synthetic = made_samples(config) if phantom is None else phantom
    return SegmentationData((*real, *synthetic), tuple(truth.patient for truth in truths))


def collate(samples: Sequence[TissueSample]) -> PlainBatch:
    """Stack samples into images (B, 1, S, S) float32 and tissues (B, S, S) int64."""
    images = np.stack([sample.image for sample in samples])[:, None].astype(np.float32)
    tissues = np.stack([sample.tissues for sample in samples]).astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(tissues)


def _describe(
    config: SegmentationConfig, dataset: Dataset, patients: Sequence[str]
) -> SegmenterMetadata:
    data = [f"{dataset.credit}, tissue masks"]
    if config.phantom_patients:
        data.append(
            f"Discern phantom, {config.phantom_patients} synthetic patients of seed {config.seed}"
        )
    return SegmenterMetadata(
        preprocessing=config.preprocessing,
        epochs=config.epochs,
        training_data=tuple(data),
        training_patients=tuple(sorted(patient_hash(dataset.name, p) for p in patients)),
        data_digest=dataset.digest,
        config_digest=config.digest,
    )
