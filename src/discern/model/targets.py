"""What the loss compares the detection maps with."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Targets:
    """The truth of one batch of B images, in pixels of the network input.

    Attributes:
        boxes_xyxy_px: (M, 4) float32.
        labels: (M,) int64, index of the class.
        image_index: (M,) int64, which image of the batch.
        annotated: (B, classes) bool; a class that is not annotated on an image is unknown there.
        ignored_xyxy_px: (K, 4) float32, places where a detection is neither right nor wrong.
        ignored_image_index: (K,) int64.
    """

    boxes_xyxy_px: Tensor
    labels: Tensor
    image_index: Tensor
    annotated: Tensor
    ignored_xyxy_px: Tensor
    ignored_image_index: Tensor

    def to(self, device: torch.device | str) -> "Targets":
        """Return the same targets on ``device``."""
        return Targets(
            **{field.name: getattr(self, field.name).to(device) for field in fields(self)}
        )
