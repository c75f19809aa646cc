"""One training of the lesion network: slices of both planes in, one weights file out.

As with the other networks beside the detector nothing is chosen while it runs, so it trains on the
validation patients of a split as well; the test patients are never seen.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx
from torch.utils.data import DataLoader, Sampler

from discern.dataset.augment import IntensityRange
from discern.dataset.geometry import GeometryRange
from discern.dataset.lesion_samples import (
    CropBatch,
    CropChange,
    CropPlan,
    LesionTraining,
    LesionView,
    ViewPool,
    lesions_of,
    phantom_views,
    planted_views,
    pooled,
    real_views,
)
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, verify_split
from discern.errors import DatasetError
from discern.imaging.disc_crop import CropRules
from discern.model.export import export_finder
from discern.model.finder import FinderConfig, build_finder, finder_loss
from discern.model.joined import with_network
from discern.networks import FinderMetadata, Head, Preprocessing, TrainedOn
from discern.outputs import check_folder, write_files
from discern.phantom.training_set import SliceCounts
from discern.spine import LESION_LABELS, Plane
from discern.training.config import OptimizerConfig, Precision
from discern.training.plain import Course, PlainBatch, fit
from discern.weights import Weights, patient_hash

_LOG = logging.getLogger(__name__)
WEIGHTS = "weights.onnx"


@dataclass(frozen=True, slots=True)
class SourceShares:
    """Shares of what is shown: of sagittal crops all three, of axial ones real and synthetic."""

    real: float = 0.2
    planted: float = 0.4
    phantom: float = 0.4


@dataclass(frozen=True, slots=True)
class LesionConfig(Course):
    """Everything that decides what is learned, given data and split.

    Attributes:
        seed: Of weights, draws, changes and synthetic patients.
        epochs: Each of so many batches as the next line says.
        batches: In an epoch.
        precision: Arithmetic of the forward pass.
        sagittal_crops, axial_crops: In a batch.
        sagittal, axial: What is seen, by inference.
        rows: Height of the crops of both planes while training: one batch holds both.
        phantom_patients: Synthetic patients.
        phantom_slices: Of each of them.
        planted_copies: Of each real sagittal image with a mask.
        shares: Of the sources.
        network: Size of the network.
        optimizer: Steps and averaging.
        sagittal_moved, axial_moved: Extent of scale, rotation and shift; None changes nothing.
        intensity: Extent of the other changes: more noise than the other networks learn from, for a
            zone is small.
    """

    seed: int = 0
    epochs: int = 60
    batches: int = 60
    precision: Precision = Precision.BF16
    sagittal_crops: int = 48
    axial_crops: int = 24
    sagittal: CropRules = field(default_factory=lambda: CropRules(96, 128, 1.6))
    axial: CropRules = field(default_factory=lambda: CropRules(128, 128, 1.0))
    rows: int = 128
    phantom_patients: int = 400
    phantom_slices: SliceCounts = field(default_factory=lambda: SliceCounts(5, 12))
    planted_copies: int = 6
    shares: SourceShares = field(default_factory=SourceShares)
    network: FinderConfig = field(default_factory=FinderConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=2e-3,
            weight_decay=0.05,
            warmup_epochs=1.0,
            gradient_clip=5.0,
            average_decay=0.995,
            average_warmup_steps=60.0,
        )
    )
    sagittal_moved: GeometryRange | None = field(
        default_factory=lambda: GeometryRange(
            scale=(0.8, 1.25), aspect=0.15, rotation_deg=12.0, shift=0.08
        )
    )
    axial_moved: GeometryRange | None = field(
        default_factory=lambda: GeometryRange(
            scale=(0.8, 1.25), aspect=0.1, rotation_deg=12.0, shift=0.12
        )
    )
    intensity: IntensityRange = field(
        default_factory=lambda: IntensityRange(
            black=(-0.1, 0.04), blurred=0.3, noisy=0.6, noise=0.06, grain_px=1.0
        )
    )

    @property
    def plan(self) -> CropPlan:
        """What an epoch shows."""
        crops = {Plane.SAGITTAL: self.sagittal_crops, Plane.AXIAL: self.axial_crops}
        return CropPlan(self.seed, self.batches, crops)

    @property
    def changes(self) -> dict[Plane, CropChange]:
        """How the crops of each plane are laid and changed while training."""
        sagittal, axial = (replace(one, rows=self.rows) for one in (self.sagittal, self.axial))
        return {
            Plane.SAGITTAL: CropChange(sagittal, self.sagittal_moved, self.intensity),
            Plane.AXIAL: CropChange(axial, self.axial_moved, self.intensity),
        }


@dataclass(frozen=True, slots=True)
class LesionSources:
    """Views to learn from: of real slices, planted copies of them, and synthetic patients."""

    real: Sequence[LesionView]
    planted: Sequence[LesionView]
    phantom: Sequence[LesionView]

    def pools(self, shares: SourceShares) -> dict[Plane, ViewPool]:
        """Return the views of each plane that has any."""
        sources = (
            (self.real, shares.real),
            (self.planted, shares.planted),
            (self.phantom, shares.phantom),
        )
        pools = {
            plane: pooled([(_in_plane(views, plane), share) for views, share in sources])
            for plane in (Plane.SAGITTAL, Plane.AXIAL)
        }
        return {plane: pool for plane, pool in pools.items() if pool.views}

    def heads(self, dataset: Dataset) -> tuple[Head, ...]:
        """Return what has been learned: a reader's own lesions count before made ones."""
        seen: dict[tuple[Plane, int], TrainedOn] = {}
        for views, kind in (
            ((*self.planted, *self.phantom), TrainedOn.SYNTHETIC),
            (self.real, dataset.lesion_boxes),
        ):
            for view in views:
                for box in lesions_of(view.truth):
                    seen[view.truth.plane, LESION_LABELS.index(box.label)] = kind
        return tuple(
            Head(label, plane, seen[plane, place])
            for plane in (Plane.SAGITTAL, Plane.AXIAL)
            for place, label in enumerate(LESION_LABELS)
            if (plane, place) in seen
        )


def _in_plane(views: Sequence[LesionView], plane: Plane) -> list[LesionView]:
    return [view for view in views if view.truth.plane is plane]


def made_views(config: LesionConfig, preprocessing: Preprocessing) -> list[LesionView]:
    """Return the views of the synthetic patients: the same for every split."""
    return phantom_views(config.seed, config.phantom_patients, config.phantom_slices, preprocessing)


def train_finder(
    config: LesionConfig,
    dataset: Dataset,
    split: Split,
    into: Weights,
    out: Path,
    phantom: Sequence[LesionView] | None = None,
) -> Path:
    """Train and return ``out/weights.onnx``: the networks of ``into`` with the new lesion network.

    ``phantom`` are views that ``made_views`` has made already; None makes them.

    Raises:
        DatasetError: The split leaks or is of other data, or no disc can be learned from.
        TrainingError: The loss is no longer a number.
        OutputError: The file cannot be written.
    """
    verify_split(split, dataset)
    check_folder(out)
    rules = into.metadata.preprocessing
    truths = dataset.of_patients(sorted({*split.train, *split.validation}))
    sources = LesionSources(
        real_views(dataset, truths, rules),
        planted_views(dataset, truths, config.planted_copies, rules),
        made_views(config, rules) if phantom is None else phantom,
    )
    pools = sources.pools(config.shares)
    if Plane.SAGITTAL not in pools:
        raise DatasetError(
            f"{dataset.name}: no graded disc on a sagittal image with lesions annotated or "
            "planted, and no synthetic patient; there is nothing to learn from"
        )
    for plane, pool in pools.items():
        _LOG.info("%d %s views", len(pool.views), plane)
    finder = fit(
        lambda: build_finder(config.network), finder_loss, crop_batches(pools, config), config
    )
    base = onnx.load_model_from_string(into.onnx_bytes)
    about = _describe(config, dataset, sources)
    content = with_network(base, into.metadata, export_finder(finder), about)
    write_files(out, {WEIGHTS: content})
    return out / WEIGHTS


class CropSampler(Sampler[CropBatch]):
    """Yields the batches of an epoch; Lightning calls ``set_epoch``."""

    def __init__(self, plan: CropPlan, pools: dict[Plane, ViewPool]) -> None:
        """Keep plan and views."""
        self._plan = plan
        self._pools = pools
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return self._plan.batches

    def __iter__(self) -> Iterator[CropBatch]:
        """Yield them in order."""
        return iter(self._plan.of_epoch(self._epoch, self._pools))


def crop_batches(pools: dict[Plane, ViewPool], config: LesionConfig) -> DataLoader[PlainBatch]:
    """Return the batches of crops, prepared in this process."""
    samples = LesionTraining(pools, config.changes, seed=config.seed)
    return DataLoader(
        samples,  # type: ignore[arg-type]  # indexed by batches, not by numbers
        batch_size=None,
        sampler=CropSampler(config.plan, pools),
    )


def _describe(config: LesionConfig, dataset: Dataset, sources: LesionSources) -> FinderMetadata:
    patients = {view.truth.patient for view in (*sources.real, *sources.planted)}
    data = [dataset.credit] if patients else []
    if sources.planted:
        data.append(f"lesions planted by Discern in {config.planted_copies} copies of each image")
    if sources.phantom:
        data.append(f"Discern phantom, {config.phantom_patients} synthetic patients")
    return FinderMetadata(
        sagittal=config.sagittal,
        axial=config.axial,
        heads=sources.heads(dataset),
        epochs=config.epochs,
        training_data=tuple(data),
        training_patients=tuple(sorted(patient_hash(dataset.name, p) for p in patients)),
        data_digest=dataset.digest,
        config_digest=config.digest,
    )
