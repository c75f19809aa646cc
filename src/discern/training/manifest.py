"""``manifest.json``: everything that decided a run, what it ran on and what came out."""

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from discern import __version__
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split
from discern.errors import DatasetError
from discern.model.detector import build_detector
from discern.training.config import TrainingConfig, parse_config

SCHEMA = "discern.run/1"
MANIFEST = "manifest.json"
_NO_ACCELERATOR = "none"
_LIBRARIES = ("torch", "lightning", "numpy", "scipy", "onnx")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        seconds: Wall clock from the start of the process that finished it.
        weights_sha256: Of the ONNX file.
    """

    seconds: float
    weights_sha256: str


def manifest_json(config: TrainingConfig, dataset: Dataset, split: Split, outcome: Outcome) -> str:
    """Return the ``discern.run/1`` text; a run is repeated from it alone."""
    document = {
        "schema": SCHEMA,
        "configuration": {
            "name": config.name,
            "digest": config.digest,
            "parameters": parameters_of(config),
            "toml": config.to_toml(),
        },
        "data": {
            "name": dataset.name,
            "digest": dataset.digest,
            "images": len(dataset.truths),
            "patients": len(dataset.patients),
        },
        "split": asdict(split),
        "seed": config.seed,
        "hardware": {
            "processor": processor_name(),
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name()
            if torch.cuda.is_available()
            else _NO_ACCELERATOR,
        },
        "software": {
            "discern": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "seconds": round(outcome.seconds, 1),
        "weights_sha256": outcome.weights_sha256,
    }
    return json.dumps(document, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How and where a run was trained, which may be another machine than this one.

    Attributes:
        seconds: Wall clock of the process that finished it.
        threads: Of that process.
        processor: Name of the accelerator, or of the processor where there was none.
        torch: Version.
    """

    seconds: float
    threads: int
    processor: str
    torch: str


def read_circumstances(path: Path) -> Circumstances:
    """Read from a manifest how the run was trained.

    Raises:
        DatasetError: Not a manifest.
    """
    try:
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema is {document['schema']!r}")  # noqa: TRY301 - same remedy
        hardware, torch_version = document["hardware"], document["software"]["torch"]
        accelerator = hardware["accelerator"]
        processor = hardware["processor"] if accelerator == _NO_ACCELERATOR else accelerator
        return Circumstances(document["seconds"], hardware["threads"], processor, torch_version)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _no_manifest(path, error) from error


def _no_manifest(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path.name}: not a {SCHEMA} file ({error})")


@dataclass(frozen=True, slots=True)
class RepeatedRun:
    """What a manifest asks for again, and the weights it expects."""

    config: TrainingConfig
    split: Split
    weights_sha256: str


def read_manifest(path: Path, dataset: Dataset) -> RepeatedRun:
    """Read what a run needs to be repeated on ``dataset``.

    Raises:
        DatasetError: Not a manifest, or one of other data.
    """
    try:
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema is {document['schema']!r}")  # noqa: TRY301 - same remedy
        parts = {name: tuple(document["split"][name]) for name in ("train", "validation", "test")}
        split = Split(str(document["split"]["data_digest"]), **parts)
        config = parse_config(document["configuration"]["toml"])
        repeated = RepeatedRun(config, split, str(document["weights_sha256"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _no_manifest(path, error) from error
    if document["data"]["digest"] != dataset.digest:
        raise DatasetError(
            f"{path.name}: the run was trained on other data "
            f"({document['data']['name']} {document['data']['digest'][:12]}, {dataset.name} has "
            f"{dataset.digest[:12]}); give the data set that it names"
        )
    return repeated


def parameters_of(config: TrainingConfig) -> int:
    """Return the number of trained parameters of the network."""
    network = build_detector(replace(config.network))
    return sum(parameter.numel() for parameter in network.parameters())


def processor_name() -> str:
    """Return the processor's name, as the operating system gives it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or f"{platform.machine()} ({sys.platform})"
