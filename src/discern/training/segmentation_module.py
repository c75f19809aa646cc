"""The tissue network, its loss and its optimizer as Lightning drives them."""

import logging
import math
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from discern.errors import TrainingError
from discern.model.segmenter import Segmenter, tissue_loss
from discern.training.average import MovingAverage
from discern.training.config import OptimizerConfig
from discern.training.module import Schedule, build_optimizer

_LOG = logging.getLogger(__name__)
TissueBatch = tuple[Tensor, Tensor]
"""Images (B, 1, S, S) float32 in 0..1 and tissues (B, S, S) int64."""


class SegmentationModule(LightningModule):
    """One training step and what follows it; ``average`` is what is exported."""

    def __init__(self, segmenter: Segmenter, config: OptimizerConfig, schedule: Schedule) -> None:
        """Join the parts."""
        super().__init__()
        layout = {"memory_format": torch.channels_last}  # the stubs of torch lack this argument
        self.segmenter: Segmenter = segmenter.to(**layout)  # type: ignore[call-overload]
        self.average = MovingAverage(
            self.segmenter, config.average_decay, config.average_warmup_steps
        )
        self._config = config
        self._schedule = schedule

    def training_step(self, batch: TissueBatch, batch_index: int) -> Tensor:  # noqa: ARG002 - Lightning's
        """Return the loss of a batch."""
        images, tissues = batch
        loss = tissue_loss(self.segmenter(images.to(memory_format=torch.channels_last)), tissues)
        self.log("loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(images))
        return loss

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - Lightning's arguments, unused
        """Average the weights after the step."""
        self.average.update(self.segmenter)

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
        optimizer = build_optimizer(self.segmenter, self._config)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._schedule.share)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
