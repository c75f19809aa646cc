"""Neck of the network: a feature pyramid down, a path aggregation up (PAN, YOLOv5 v6)."""

import torch
from torch import Tensor, nn

from discern.model.backbone import Scaling
from discern.model.layers import ConvNormAct

NECK_DEPTH = 3


class Neck(nn.Module):
    """Mix three maps at strides 8, 16, 32; each keeps its size and channels."""

    def __init__(self, channels: tuple[int, int, int], scaling: Scaling) -> None:
        """Take maps of ``channels``, finest first."""
        super().__init__()
        fine, middle, coarse = channels
        self.upsample = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.reduce_coarse = ConvNormAct(coarse, middle)
        self.down_middle = scaling.c3(2 * middle, middle, NECK_DEPTH, shortcut=False)
        self.reduce_middle = ConvNormAct(middle, fine)
        self.out_fine = scaling.c3(2 * fine, fine, NECK_DEPTH, shortcut=False)
        self.stride_fine = ConvNormAct(fine, fine, kernel=3, stride=2)
        self.out_middle = scaling.c3(2 * fine, middle, NECK_DEPTH, shortcut=False)
        self.stride_middle = ConvNormAct(middle, middle, kernel=3, stride=2)
        self.out_coarse = scaling.c3(2 * middle, coarse, NECK_DEPTH, shortcut=False)
        self.channels = channels

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mixed maps, finest first."""
        fine, middle, coarse = maps
        coarse_lateral: Tensor = self.reduce_coarse(coarse)
        middle = self.down_middle(torch.cat([self.upsample(coarse_lateral), middle], dim=1))
        middle_lateral: Tensor = self.reduce_middle(middle)
        fine = self.out_fine(torch.cat([self.upsample(middle_lateral), fine], dim=1))
        middle = self.out_middle(torch.cat([self.stride_fine(fine), middle_lateral], dim=1))
        coarse = self.out_coarse(torch.cat([self.stride_middle(middle), coarse_lateral], dim=1))
        return fine, middle, coarse
