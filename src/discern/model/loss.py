"""The loss in two readings: YOLOv5's, and the paper's equation taken literally (section 2.5.3)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from discern.model import box_losses
from discern.model.assignment import MapGeometry
from discern.model.head import FIRST_CLASS_CHANNEL, OBJECTNESS_CHANNEL, STRIDES, Anchors
from discern.model.loss_config import LossConfig, LossKind
from discern.model.matching import MatchedMap, match_map
from discern.model.targets import Targets

__all__ = ["DetectionLoss", "LossConfig", "LossKind", "LossTerms", "Targets"]

OBJECTNESS_BALANCE = (4.0, 1.0, 0.4)
"""Weight of the objectness of each map, finest first (YOLOv5)."""


@dataclass(frozen=True, slots=True)
class LossTerms:
    """Scalars; ``total`` carries the gradient and is the sum of the other three."""

    total: Tensor
    box: Tensor
    objectness: Tensor
    classes: Tensor


class DetectionLoss(nn.Module):
    """Compares raw detection maps with targets; always computed in float32."""

    anchors_px: Tensor  # (3 maps, A, 2)

    def __init__(
        self, config: LossConfig, anchors_px: Anchors, strides: tuple[int, ...] = STRIDES
    ) -> None:
        """Use the anchors and strides of the detector."""
        super().__init__()
        self.config = config
        self.strides = strides
        anchors = torch.tensor(anchors_px, dtype=torch.float32)
        self.register_buffer("anchors_px", anchors, persistent=False)

    def forward(self, maps: list[Tensor], targets: Targets) -> LossTerms:
        """Return the loss of three maps (B, A, h, w, 5 + classes)."""
        with torch.autocast(maps[0].device.type, enabled=False):
            matched = [
                match_map(raw.float(), targets, self._geometry(raw, index), self.config)
                for index, raw in enumerate(maps)
            ]
            if self.config.kind is LossKind.LITERAL:
                return _literal_loss(matched, targets)
            return _yolov5_loss(matched, self.config)

    def _geometry(self, raw: Tensor, index: int) -> MapGeometry:
        rows, columns = raw.shape[2:4]
        return MapGeometry(rows, columns, self.strides[index], self.anchors_px[index])


def _yolov5_loss(maps: list[MatchedMap], config: LossConfig) -> LossTerms:
    box = maps[0].raw.new_zeros(())
    objectness, classes = box.clone(), box.clone()
    for matched, balance in zip(maps, OBJECTNESS_BALANCE, strict=True):
        overlap = box_losses.ciou(matched.predicted, matched.truth)
        box = box + _mean(1 - overlap, torch.ones_like(overlap))
        target = torch.zeros_like(matched.counted, dtype=torch.float32)
        least = config.lesion_objectness * matched.is_lesion
        target[matched.positives.slots] = torch.maximum(overlap.detach(), least)
        term = _cross_entropy(matched.raw[..., OBJECTNESS_CHANNEL], target)
        objectness = objectness + balance * _mean(term, matched.counted.float())
        logits = matched.raw[matched.positives.slots][:, FIRST_CLASS_CHANNEL:]
        term = _cross_entropy(logits, matched.class_target)
        classes = classes + _mean(term, matched.class_known.float())
    return _terms(
        config.box_gain * box, config.objectness_gain * objectness, config.class_gain * classes
    )


def _literal_loss(maps: list[MatchedMap], targets: Targets) -> LossTerms:
    predicted = torch.cat([matched.predicted for matched in maps])
    truth = torch.cat([matched.truth for matched in maps])
    positives = max(len(truth), 1)
    box = (1 - box_losses.diou(predicted, truth)).sum() / positives
    classes = torch.zeros_like(box)
    for matched in maps:
        logits = matched.raw[..., FIRST_CLASS_CHANNEL:]
        target = torch.zeros_like(logits)
        target[matched.positives.slots] = matched.class_target
        known = targets.annotated[:, None, None, None] & matched.counted[..., None]
        classes = classes + (_cross_entropy(logits, target) * known).sum() / positives
    return _terms(box / 2, torch.zeros_like(box), classes / 2)


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, target, reduction="none")


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean, 0 when nothing counts."""
    return (values * weights).sum() / weights.sum().clamp(min=1)


def _terms(box: Tensor, objectness: Tensor, classes: Tensor) -> LossTerms:
    total = box + objectness + classes
    return LossTerms(total, box.detach(), objectness.detach(), classes.detach())
