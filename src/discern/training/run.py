"""One training run: data in, a folder with checkpoints, figures and the weights file out."""

import copy
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer

from discern.calibration.discs import grade_columns
from discern.calibration.grades import fit_temperature
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, verify_split, write_split
from discern.errors import UsageError
from discern.model.detector import build_detector
from discern.model.loss import DetectionLoss
from discern.outputs import write_files
from discern.training.callbacks import Checkpoints, EpochTable, FiniteLoss, TimeLeft, Validation
from discern.training.config import Precision, TrainingConfig, parse_config
from discern.training.data import RunData, TrainingData, read_run_data
from discern.training.manifest import MANIFEST, Outcome, manifest_json
from discern.training.module import DetectionModule, Schedule, averaged_detector
from discern.training.validation import grade_outcomes
from discern.training.weights_file import (
    CONFIG_KEY,
    DESCRIPTION_KEY,
    describe,
    read_checkpoint,
    write_weights,
)
from discern.weights import WeightsMetadata

_LOG = logging.getLogger(__name__)
_MEASURED_STEPS = 8


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where and how to run; nothing here changes what is learned, except ``devices``.

    Attributes:
        out: Folder of the run.
        resume: Go on from ``out/last.ckpt``.
        accelerator: "auto", "cpu" or "gpu".
        devices: Processes of each machine; each takes whole batches, so more of them make a step
            larger.
        nodes: Machines; torchrun or Slurm starts the command on each.
        workers: Processes that prepare batches, per training process.
    """

    out: Path
    resume: bool = False
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 1


def train(config: TrainingConfig, dataset: Dataset, split: Split, options: RunOptions) -> Path:
    """Train and return the weights file.

    The folder gets ``config.toml``, ``split.json``, ``metrics.csv``, ``last.ckpt``, ``best.ckpt``,
    ``manifest.json`` and ``weights.onnx``: the averaged weights after the last epoch. They, and
    not the best, are exported so that the figures on the validation patients stay honest.

    Raises:
        DatasetError: The split leaks or is of other data, or an image cannot be read.
        UsageError: The folder already holds a run, or has none to resume, or one of another
            configuration or split.
        WeightsError: The checkpoint to resume is damaged.
        TrainingError: The loss is no longer a number.
        OutputError: A checkpoint cannot be written; that of the epoch before is intact.
    """
    started = time.monotonic()
    verify_split(split, dataset)
    checkpoint = _prepare_folder(config, split, options)
    data = read_run_data(config, dataset, split)
    metadata = describe(config, dataset, split)
    loader = TrainingData(data, config, options.workers)
    validation = Validation(data.validation, config.validate_every)
    with _quiet_lightning():
        trainer = _trainer(config, options, validation)
        steps = len(loader.loader(0, trainer.world_size))
        module = _module(config, data, steps, metadata)
        if trainer.is_global_zero:
            _announce(config, data, dataset)
            seconds = min(_timed_steps(config, module, loader, trainer.strategy.root_device))
            _LOG.info("about %.1f minutes", seconds * steps * config.epochs / 60)
        trainer.fit(module, datamodule=loader, ckpt_path=checkpoint, weights_only=True)
    weights = options.out / "weights.onnx"
    if trainer.is_global_zero:
        detector = averaged_detector(module).cpu()
        outcomes = grade_outcomes(detector, data.validation)
        matched = [disc for outcome in outcomes for disc in outcome.matched]
        temperature = fit_temperature(*grade_columns(matched))
        digest = write_weights(
            detector, replace(metadata, temperature=round(temperature, 4)), weights
        )
        outcome = Outcome(time.monotonic() - started, digest)
        manifest = manifest_json(config, dataset, split, outcome)
        write_files(options.out, {MANIFEST: manifest.encode()})
        _LOG.info("wrote %s (temperature %.2f)", weights.name, temperature)
    return weights


@dataclass(frozen=True, slots=True)
class Pace:
    """Steps of one epoch, and the seconds that single forward and backward passes took."""

    steps_an_epoch: int
    step_seconds: tuple[float, ...]


def measure_pace(config: TrainingConfig, dataset: Dataset, split: Split) -> Pace:
    """Time bare forward and backward passes of a training on this processor.

    Raises:
        DatasetError: As in :func:`train`.
    """
    data = read_run_data(config, dataset, split)
    loader = TrainingData(data, config, workers=0)
    steps = len(loader.loader(0, 1))
    module = _module(config, data, steps, describe(config, dataset, split))
    return Pace(steps, tuple(_timed_steps(config, module, loader, torch.device("cpu"))))


def _prepare_folder(config: TrainingConfig, split: Split, options: RunOptions) -> Path | None:
    last = options.out / "last.ckpt"
    stored = options.out / "config.toml"
    if options.resume:
        if not last.is_file():
            raise UsageError(f"{options.out.name}: no last.ckpt to resume; start without --resume")
        started = parse_config(stored.read_text(encoding="utf-8"))
        if started != config:
            raise UsageError(
                f"{options.out.name}: was started with another configuration "
                f"({', '.join(_changed(asdict(started), asdict(config)))}); repeat the options of "
                "its first start, or train anew with another --out"
            )
        if (options.out / "split.json").read_text(encoding="utf-8") != split.to_json():
            raise UsageError(f"{options.out.name}: was started with another split")
        read_checkpoint(last)
        return last
    if last.exists():
        raise UsageError(f"{options.out.name}: holds a run; pass --resume or another --out")
    options.out.mkdir(parents=True, exist_ok=True)
    stored.write_text(config.to_toml(), encoding="utf-8")
    write_split(split, options.out / "split.json")
    return None


def _changed(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the values that differ, nested ones by the name of their table."""
    return [
        key if isinstance(now[key], dict) else f"{key} {was[key]}, now {now[key]}"
        for key in now
        if was[key] != now[key]
    ]


def _module(
    config: TrainingConfig, data: RunData, steps: int, metadata: WeightsMetadata
) -> DetectionModule:
    network = replace(config.network, anchors_px=data.anchors(config))
    optimizer = config.optimizer
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        detector = build_detector(network)
    return DetectionModule(
        detector,
        DetectionLoss(config.loss, network.anchors_px),
        optimizer,
        Schedule(
            steps * config.epochs, round(optimizer.warmup_epochs * steps), optimizer.final_share
        ),
        {CONFIG_KEY: config.to_toml(), DESCRIPTION_KEY: metadata.to_json()},
    )


def _trainer(config: TrainingConfig, options: RunOptions, validation: Validation) -> Trainer:
    return Trainer(
        accelerator=options.accelerator,
        devices=options.devices,
        num_nodes=options.nodes,
        strategy="ddp" if options.devices * options.nodes > 1 else "auto",
        precision=config.precision.value,
        max_epochs=config.epochs,
        gradient_clip_val=config.optimizer.gradient_clip,
        callbacks=[
            FiniteLoss(),
            validation,
            EpochTable(options.out / "metrics.csv", validation),
            TimeLeft(),
            Checkpoints(options.out, validation),
        ],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )


def _announce(config: TrainingConfig, data: RunData, dataset: Dataset) -> None:
    _LOG.info("configuration %s %s", config.name, config.digest[:12])
    _LOG.info("data %s %s", dataset.name, dataset.digest[:12])
    _LOG.info(
        "%d real and %d synthetic training images, %d validation images; training discs %s",
        len(data.patients), data.phantoms, len(data.validation), data.grades(),
    )  # fmt: skip


def _timed_steps(
    config: TrainingConfig, module: DetectionModule, loader: TrainingData, device: torch.device
) -> list[float]:
    """Return the seconds of a few forward and backward passes of a copy of the network."""
    trial = copy.deepcopy(module).to(device)
    images, targets = next(iter(loader.loader(0, 1)))
    images, targets = images.to(device, memory_format=torch.channels_last), targets.to(device)
    enabled = config.precision is Precision.BF16
    seconds = []
    for _ in range(_MEASURED_STEPS):
        started = time.monotonic()
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            terms = trial.loss(trial.detector(images), targets)
        terms.total.backward()
        terms.total.item()  # waits for an accelerator
        seconds.append(time.monotonic() - started)
    return seconds[1:]


_INAPPLICABLE_ADVICE = (
    ".*does not have many workers.*",  # the network needs the cores
    ".*in eval mode at the start of training.*",  # the averaged detector, on purpose
    ".*isinstance.treespec, LeafSpec.*",  # Lightning's own use of torch
)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence Lightning where its advice does not apply."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for advice in _INAPPLICABLE_ADVICE:
            warnings.filterwarnings("ignore", message=advice)
        try:
            yield
        finally:
            logger.setLevel(level)
