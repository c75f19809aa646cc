"""One training run: data in, a folder with checkpoints, figures and the weights file out."""

import copy
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning import Trainer

from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, verify_split, write_split
from discern.errors import UsageError
from discern.model.detector import build_detector
from discern.model.loss import DetectionLoss
from discern.training.callbacks import Checkpoints, EpochTable, TimeLeft, Validation
from discern.training.config import Precision, TrainingConfig, parse_config
from discern.training.data import RunData, TrainingData, read_run_data
from discern.training.module import DetectionModule, Schedule, averaged_detector
from discern.training.validation import fit_temperature, grade_outcomes
from discern.training.weights_file import CONFIG_KEY, DESCRIPTION_KEY, describe, write_weights
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
        devices: Processes; each takes whole batches, so more of them make a step larger.
        workers: Processes that prepare batches, per training process.
    """

    out: Path
    resume: bool = False
    accelerator: str = "auto"
    devices: int = 1
    workers: int = 1


def train(config: TrainingConfig, dataset: Dataset, split: Split, options: RunOptions) -> Path:
    """Train and return the weights file.

    The folder gets ``config.toml``, ``split.json``, ``metrics.csv``, ``last.ckpt``, ``best.ckpt``
    and ``weights.onnx``: the averaged weights after the last epoch. They, and not the best, are
    exported so that the figures on the validation patients stay honest.

    Raises:
        DatasetError: The split leaks or is of other data, or an image cannot be read.
        UsageError: The folder already holds a run, or has none to resume.
    """
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
            seconds = _seconds_a_step(config, module, loader, trainer.strategy.root_device)
            _LOG.info("about %.1f minutes", seconds * steps * config.epochs / 60)
        trainer.fit(module, datamodule=loader, ckpt_path=checkpoint, weights_only=True)
    weights = options.out / "weights.onnx"
    if trainer.is_global_zero:
        detector = averaged_detector(module).cpu()
        temperature = fit_temperature(grade_outcomes(detector, data.validation))
        write_weights(detector, replace(metadata, temperature=round(temperature, 4)), weights)
        _LOG.info("wrote %s (temperature %.2f)", weights.name, temperature)
    return weights


def _prepare_folder(config: TrainingConfig, split: Split, options: RunOptions) -> Path | None:
    last = options.out / "last.ckpt"
    stored = options.out / "config.toml"
    if options.resume:
        if not last.is_file():
            raise UsageError(f"{options.out.name}: no last.ckpt to resume; start without --resume")
        if parse_config(stored.read_text(encoding="utf-8")) != config:
            raise UsageError(f"{options.out.name}: was started with another configuration")
        return last
    if last.exists():
        raise UsageError(f"{options.out.name}: holds a run; pass --resume or another --out")
    options.out.mkdir(parents=True, exist_ok=True)
    stored.write_text(config.to_toml(), encoding="utf-8")
    write_split(split, options.out / "split.json")
    return None


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
        strategy="ddp" if options.devices > 1 else "auto",
        precision=config.precision.value,
        max_epochs=config.epochs,
        gradient_clip_val=config.optimizer.gradient_clip,
        callbacks=[
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


def _seconds_a_step(
    config: TrainingConfig, module: DetectionModule, loader: TrainingData, device: torch.device
) -> float:
    """Time a few steps on a copy of the network; the quickest is typical of the rest."""
    trial = copy.deepcopy(module).to(device)
    images, targets = next(iter(loader.loader(0, 1)))
    images, targets = images.to(device), targets.to(device)
    enabled = config.precision is Precision.BF16
    seconds = []
    for _ in range(_MEASURED_STEPS):
        started = time.monotonic()
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            terms = trial.loss(trial.detector(images), targets)
        terms.total.backward()
        terms.total.item()  # waits for an accelerator
        seconds.append(time.monotonic() - started)
    return min(seconds)


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
