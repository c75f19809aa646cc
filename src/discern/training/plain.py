"""One network with one loss as Lightning drives it, from first step to last without a pause.

For the networks beside the detector, which train in minutes: nothing is chosen while they do, and
no checkpoint is kept.
"""

import hashlib
import json
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from discern.errors import TrainingError
from discern.training.average import MovingAverage
from discern.training.callbacks import TimeLeft
from discern.training.config import OptimizerConfig, Precision
from discern.training.module import Schedule, build_optimizer

_LOG = logging.getLogger(__name__)
_INAPPLICABLE_ADVICE = (
    ".*does not have many workers.*",
    ".*in eval mode at the start of training.*",  # the averaged network, on purpose
    ".*isinstance.treespec, LeafSpec.*",  # Lightning's own use of torch
)
PlainBatch = tuple[Tensor, Tensor]
"""Images (B, 1, H, W) float32 in 0..1 and the truth of each."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Maps what the network says of a batch, and the truth, to a number."""
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast a network learns; its configuration adds what else decides that.

    Attributes:
        seed: Of the fresh weights and of what the network itself draws.
        epochs: Passes over the batches.
        precision: Arithmetic of the forward pass.
        optimizer: Steps and averaging.
    """

    seed: int = 0
    epochs: int = 1
    precision: Precision = Precision.BF16
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)

    @property
    def digest(self) -> str:
        """SHA-256 of all values, those of a configuration that adds its own among them."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def fit(
    build: Callable[[], Network], loss: Loss, batches: DataLoader[PlainBatch], course: Course
) -> Network:
    """Train the network that ``build`` makes and return its moving average.

    Raises:
        TrainingError: The loss is no longer a number.
    """
    optimizer, steps = course.optimizer, len(batches)
    schedule = Schedule(
        steps * course.epochs, round(optimizer.warmup_epochs * steps), optimizer.final_share
    )
    with torch.random.fork_rng(), warnings.catch_warnings():
        for advice in _INAPPLICABLE_ADVICE:
            warnings.filterwarnings("ignore", message=advice)
        trainer = Trainer(
            accelerator="cpu",
            precision=course.precision.value,
            max_epochs=course.epochs,
            gradient_clip_val=optimizer.gradient_clip,
            callbacks=[TimeLeft()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        torch.manual_seed(course.seed)
        module = PlainModule(build(), loss, optimizer, schedule)
        trainer.fit(module, batches)
    return module.averaged()


class PlainModule(LightningModule, Generic[Network]):
    """One training step and what follows it; ``average`` is what is exported."""

    def __init__(
        self, network: Network, loss: Loss, config: OptimizerConfig, schedule: Schedule
    ) -> None:
        """Join the parts."""
        super().__init__()
        layout = {"memory_format": torch.channels_last}  # the stubs of torch lack this argument
        self.network: Network = network.to(**layout)  # type: ignore[call-overload]
        self.average = MovingAverage(
            self.network, config.average_decay, config.average_warmup_steps
        )
        self._loss = loss
        self._config = config
        self._schedule = schedule

    def averaged(self) -> Network:
        """Return the network with the averaged weights."""
        averaged: Network = self.average.module  # type: ignore[assignment]  # a copy of its own
        return averaged

    def training_step(self, batch: PlainBatch, batch_index: int) -> Tensor:  # noqa: ARG002 - Lightning's
        """Return the loss of a batch."""
        images, truth = batch
        loss = self._loss(self.network(images.to(memory_format=torch.channels_last)), truth)
        self.log("loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(images))
        return loss

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - Lightning's arguments, unused
        """Average the weights after the step."""
        self.average.update(self.network)

    def on_train_epoch_end(self) -> None:
        """Say how far it is.

        Raises:
            TrainingError: The loss is no longer a number.
        """
        loss = float(self.trainer.callback_metrics["loss"])
        if not math.isfinite(loss):
            raise TrainingError(
                f"epoch {self.current_epoch + 1}: the loss is no longer a number; train anew with "
                "another --seed"
            )
        _LOG.info("epoch %d: loss %.4f", self.current_epoch + 1, loss)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's union of dictionaries
        """Return the optimizer and its schedule by step."""
        optimizer = build_optimizer(self.network, self._config)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._schedule.share)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
