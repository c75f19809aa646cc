"""What happens after an epoch: a look at the validation patients, a checkpoint, a line of log."""

import csv
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from lightning import Callback, LightningModule, Trainer
from tqdm import tqdm  # type: ignore[import-untyped]

from discern.errors import OutputError, TrainingError
from discern.training.module import averaged_detector
from discern.training.validation import (
    ValidationImage,
    ValidationMetrics,
    grade_outcomes,
    validation_metrics,
)

_LOG = logging.getLogger(__name__)


class Validation(Callback):
    """Grades the validation patients every ``every`` epochs, and after the last.

    ``latest`` holds the figures of this epoch, None where nothing was looked at.
    """

    def __init__(self, images: Sequence[ValidationImage], every: int) -> None:
        """Look at ``images``; nothing happens without any."""
        self._images = images
        self._every = every
        self.latest: ValidationMetrics | None = None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Predict with the averaged weights and compare."""
        done = trainer.current_epoch + 1
        self.latest = None
        if not self._images or (done % self._every and done != trainer.max_epochs):
            return
        self.latest = validation_metrics(grade_outcomes(averaged_detector(pl_module), self._images))
        if trainer.is_global_zero:
            figures = [f"{name} {value:.3f}" for name, value in asdict(self.latest).items()]
            _LOG.info("epoch %d: %s", done, "  ".join(figures))


class FiniteLoss(Callback):
    """Stops before a checkpoint is written when loss or weights are no longer numbers."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the mean loss of the epoch and at every parameter.

        Raises:
            TrainingError: One of them is infinite or not a number.
        """
        loss = trainer.callback_metrics["loss"]
        finite = all(bool(torch.isfinite(p).all()) for p in pl_module.parameters())
        if not (finite and bool(torch.isfinite(loss))):
            raise TrainingError(
                f"epoch {trainer.current_epoch + 1}: the loss is no longer a number. The "
                'checkpoint of the epoch before is intact; train anew with precision = "32-true" '
                "or a lower optimizer.learning_rate in the configuration"
            )


class Checkpoints(Callback):
    """Keeps ``last.ckpt`` of every epoch, and ``best.ckpt`` of the best look at the validation."""

    def __init__(self, folder: Path, validation: Validation) -> None:
        """Write into ``folder``."""
        self._folder = folder
        self._validation = validation
        self._best = float("-inf")

    def state_dict(self) -> dict[str, float]:
        """Return the best figure so far, for a resumed run."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Take up the best figure of the interrupted run."""
        self._best = state_dict["best"]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Write beside and rename, so that an interruption leaves the last complete file."""
        latest = self._validation.latest
        names = ["last"]
        if latest is not None and latest.selection > self._best:
            self._best = latest.selection
            names.append("best")
        for name in names:
            written = self._folder / f"{name}.ckpt.writing"
            try:
                trainer.save_checkpoint(written)
                if trainer.is_global_zero:
                    written.replace(self._folder / f"{name}.ckpt")
            except (OSError, RuntimeError) as error:  # torch says RuntimeError for a full disk
                written.unlink(missing_ok=True)
                raise _unwritable(written.with_suffix("").name, trainer, error) from error


class EpochTable(Callback):
    """Appends one row an epoch to ``metrics.csv``: losses, learning rate, seconds, figures."""

    COLUMNS = (
        "epoch", "seconds", "learning_rate", "loss", "box", "objectness", "classes",
        "disc_recall", "false_per_image", "exact", "within_one", "kappa_quadratic",
    )  # fmt: skip

    def __init__(self, path: Path, validation: Validation) -> None:
        """Write to ``path``; a resumed run goes on below."""
        self._path = path
        self._validation = validation
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Drop rows of epochs that an interrupted run did not keep a checkpoint of."""
        if trainer.is_global_zero and self._path.exists():
            with self._path.open(newline="", encoding="utf-8") as opened:
                rows = [
                    row
                    for row in csv.DictReader(opened)
                    if int(row["epoch"]) <= trainer.current_epoch
                ]
            self._write(rows, "w")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Append the row."""
        if not trainer.is_global_zero:
            return
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self._validation.latest is not None:
            figures |= asdict(self._validation.latest)
        row = {name: f"{value:.5f}" for name, value in figures.items()}
        row["epoch"] = str(trainer.current_epoch + 1)
        row["seconds"] = f"{time.monotonic() - self._started:.1f}"
        row["learning_rate"] = f"{trainer.optimizers[0].param_groups[0]['lr']:.6f}"
        try:
            self._write([row], "a" if self._path.exists() else "w")
        except OSError as error:
            raise _unwritable(self._path.name, trainer, error) from error

    def _write(self, rows: list[dict[str, str]], mode: str) -> None:
        with self._path.open(mode, newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, self.COLUMNS)
            if mode == "w":
                writer.writeheader()
            writer.writerows(rows)


class TimeLeft(Callback):
    """One progress bar over the whole run, on standard error, with the time left."""

    _bar: tqdm

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Open the bar, at the place where a resumed run goes on."""
        self._bar = tqdm(
            total=int(trainer.estimated_stepping_batches),
            initial=trainer.global_step,
            unit="step",
            mininterval=1 if os.isatty(2) else 30,
            disable=not trainer.is_global_zero,
        )

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Move on."""
        self._bar.update()
        self._bar.set_description(f"epoch {trainer.current_epoch + 1}", refresh=False)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Close the bar."""
        self._bar.close()


def _unwritable(name: str, trainer: Trainer, error: Exception) -> OutputError:
    why = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
    return OutputError(
        f"{name}: cannot be written in epoch {trainer.current_epoch + 1} ({why}); free some space "
        "and go on from the epoch before with --resume"
    )
