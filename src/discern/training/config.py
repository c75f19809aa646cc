"""One frozen configuration <-> one TOML file.

Keys that are left out take their defaults; unknown keys and values of the wrong type are errors.
"""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import reduce
from importlib import resources
from operator import getitem
from pathlib import Path

import tomli_w

from discern.dataset.epochs import AugmentationConfig
from discern.errors import UsageError
from discern.model.detector import NetworkConfig
from discern.model.loss_config import LossConfig, LossKind
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts
from discern.toml_values import built

_ADDED = (
    ("phantom_slices",),
    ("planted_copies",),
    ("planted_share",),
    ("loss", "lesion_objectness"),
)


class OptimizerKind(StrEnum):
    """How gradients become steps."""

    SGD = "sgd"  # Nesterov momentum
    ADAMW = "adamw"


class Precision(StrEnum):
    """Arithmetic of the forward pass; parameters are float32 always."""

    BF16 = "bf16-mixed"
    FP32 = "32-true"


@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """Steps and their length.

    Attributes:
        kind: SGD with Nesterov momentum or AdamW.
        learning_rate: Largest, after the warm-up.
        final_share: What a cosine leaves of it in the end.
        momentum: Of SGD, and the first beta of AdamW.
        weight_decay: Of convolutions and FC; biases and norms have none.
        warmup_epochs: Epochs of linear growth from zero.
        gradient_clip: Largest norm of the gradient of loss x batch size.
        average_decay: Decay per step of the moving average of the weights, once warmed up.
        average_warmup_steps: t in decay (1 - exp(-step / t)).
    """

    kind: OptimizerKind = OptimizerKind.ADAMW
    learning_rate: float = 1.5e-3
    final_share: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 0.02
    warmup_epochs: float = 3.0
    gradient_clip: float = 10.0
    average_decay: float = 0.998
    average_warmup_steps: float = 300.0


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides what is learned, given the data and the split.

    Attributes:
        name: Of the configuration; ends up in the weights.
        seed: Of weights, order and augmentation.
        epochs: Passes over the real training images.
        batch_size: Images a step and process.
        precision: Arithmetic of the forward pass.
        fit_anchors: Fit the anchors to the training boxes; else those of ``network``.
        validate_every: Epochs between two looks at the validation patients.
        slices_per_patient: Most slices of one patient in an epoch, drawn anew; 0 shows all.
        phantom_patients: Synthetic patients mixed in.
        phantom_slices: Slices of each synthetic patient, by plane.
        planted_copies: Copies of each real sagittal image with lesions planted in it.
        planted_share: Chance that such an image is shown as one of these copies.
        phantom_share: Share of synthetic slices among those shown.
        preprocessing: Input size and window, shared with inference.
        network: Blocks and size.
        loss: Which loss and its weights.
        optimizer: Steps and averaging.
        augmentation: Changes of the training samples.
    """

    name: str = "best"
    seed: int = 0
    epochs: int = 150
    batch_size: int = 16
    precision: Precision = Precision.BF16
    fit_anchors: bool = True
    validate_every: int = 5
    slices_per_patient: int = 0
    phantom_patients: int = 0
    phantom_slices: SliceCounts = field(default_factory=SliceCounts)
    planted_copies: int = 0
    planted_share: float = 0.5
    phantom_share: float = 0.2
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        """Refuse contradictions.

        Raises:
            UsageError: Objectness trained and not decoded or the reverse, or sizes out of range.
        """
        if self.network.objectness is not (self.loss.kind is LossKind.YOLOV5):
            raise UsageError("network.objectness belongs to the yolov5 loss, and to it only")
        if self.preprocessing.size_px % 32:
            raise UsageError(f"size_px {self.preprocessing.size_px} must be a multiple of 32")
        if min(self.epochs, self.batch_size, self.validate_every) < 1:
            raise UsageError("epochs, batch_size and validate_every must be at least 1")
        counts = (self.phantom_patients, self.planted_copies, self.slices_per_patient)
        if min(*counts, self.phantom_slices.sagittal - 1, self.phantom_slices.axial) < 0:
            raise UsageError(
                "phantom_patients, planted_copies, slices_per_patient and phantom_slices.axial "
                "must not be negative, phantom_slices.sagittal at least 1"
            )
        if not (0 <= self.planted_share <= 1 and 0 <= self.loss.lesion_objectness <= 1):
            raise UsageError("planted_share and lesion_objectness must be from 0 to 1")
        if not 0 <= self.phantom_share < 1:
            raise UsageError("phantom_share must be at least 0 and below 1")

    @property
    def digest(self) -> str:
        """SHA-256 of all values.

        What was added after runs had been recorded counts only where it is used, so that ledgers
        and manifests stay valid.
        """
        values, unused = asdict(self), asdict(TrainingConfig())
        for *tables, name in _ADDED:
            table = reduce(getitem, tables, values)
            if table[name] == reduce(getitem, tables, unused)[name]:
                del table[name]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def to_toml(self) -> str:
        """Return the TOML text that reads back to this configuration."""
        return tomli_w.dumps(json.loads(json.dumps(asdict(self))))


def parse_config(text: str) -> TrainingConfig:
    """Read a configuration from TOML.

    Raises:
        UsageError: Not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        config: TrainingConfig = built(TrainingConfig, tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration is not TOML: {error}") from error
    return config


def read_config(name_or_path: str) -> TrainingConfig:
    """Read a named configuration of this package, or a TOML file.

    Raises:
        UsageError: No such name or file, or a bad configuration.
    """
    folder = resources.files("discern.training") / "configurations"
    named = folder / f"{name_or_path}.toml"
    if named.is_file():
        return parse_config(named.read_text(encoding="utf-8"))
    path = Path(name_or_path)
    if not path.is_file():
        known = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())
        raise UsageError(f"--config {name_or_path}: no such file, nor one of {', '.join(known)}")
    return parse_config(path.read_text(encoding="utf-8"))
