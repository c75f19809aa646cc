"""The detector, its loss and its optimizer as Lightning drives them."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn

from discern.model.detector import Detector
from discern.model.loss import DetectionLoss
from discern.training.average import MovingAverage
from discern.training.batches import Batch
from discern.training.config import OptimizerConfig, OptimizerKind


class DetectionModule(LightningModule):
    """One training step and what follows it; validation looks at ``average`` from outside."""

    def __init__(
        self,
        detector: Detector,
        loss: DetectionLoss,
        config: OptimizerConfig,
        schedule: "Schedule",
        notes: Mapping[str, str],
    ) -> None:
        """Join the parts; ``notes`` are stored in every checkpoint."""
        super().__init__()
        self.detector = channels_last(detector)
        self.loss = loss
        self.average = MovingAverage(
            self.detector, config.average_decay, config.average_warmup_steps
        )
        self._config = config
        self._schedule = schedule
        self._notes = dict(notes)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:  # noqa: ARG002 - Lightning's
        """Return loss x batch size, the scale for which YOLOv5's learning rates are meant."""
        images, targets = batch
        terms = self.loss(self.detector(images.to(memory_format=torch.channels_last)), targets)
        parts = {"loss": terms.total, "box": terms.box, "objectness": terms.objectness}
        parts["classes"] = terms.classes
        self.log_dict(
            {name: value.detach() for name, value in parts.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(images),
            sync_dist=True,
        )
        total: Tensor = terms.total
        return total * len(images)

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - Lightning's arguments, unused
        """Average the weights after the step."""
        self.average.update(self.detector)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the notes."""
        checkpoint.update(self._notes)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's union of dictionaries
        """Return the optimizer and its schedule by step."""
        optimizer = build_optimizer(self.detector, self._config)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._schedule.share)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def channels_last(detector: Detector) -> Detector:
    """Store the kernels as CPUs and tensor cores read them fastest; in place."""
    for parameter in detector.parameters():
        if parameter.ndim == 4:  # noqa: PLR2004 - kernels (out, in, height, width)
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return detector


def averaged_detector(module: LightningModule) -> Detector:
    """Return the detector with the averaged weights.

    Raises:
        TypeError: Not a :class:`DetectionModule`.
    """
    if not isinstance(module, DetectionModule):
        raise TypeError(f"{type(module).__name__} is not a DetectionModule")
    averaged = module.average.module
    if not isinstance(averaged, Detector):
        raise TypeError("the average is not one of a detector")
    return averaged


class Schedule:
    """Learning rate by step: linear warm-up, then a cosine down to ``final_share``."""

    def __init__(self, steps: int, warmup_steps: int, final_share: float) -> None:
        """Plan ``steps`` in all."""
        self._steps = steps
        self._warmup_steps = min(warmup_steps, steps // 2)
        self._final_share = final_share

    def share(self, step: int) -> float:
        """Return the share of the largest learning rate at ``step`` (from 0)."""
        if step < self._warmup_steps:
            return (step + 1) / self._warmup_steps
        done = (step - self._warmup_steps) / max(self._steps - self._warmup_steps, 1)
        cosine = (1 + math.cos(math.pi * min(done, 1))) / 2
        return self._final_share + (1 - self._final_share) * cosine


def build_optimizer(module: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """Return the optimizer with weight decay on matrices and kernels only."""
    parameters = list(module.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.kind is OptimizerKind.SGD:
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=config.momentum, nesterov=True
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.momentum, 0.999))
