"""Backbone of the network: a stem, four stages and SPPF (YOLOv5 v6)."""

from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor, nn

from discern.model.layers import C3, SPPF, C3Variant, ConvNormAct

STAGE_DEPTHS = (3, 6, 9, 3)
STAGE_CHANNELS = (128, 256, 512, 1024)
STEM_CHANNELS = 64
CHANNEL_MULTIPLE = 8


class NetworkSize(StrEnum):
    """Nano, small, medium: multipliers of depth and width."""

    N = "n"
    S = "s"
    M = "m"

    @property
    def depth_multiple(self) -> float:
        """Multiplies the number of bottlenecks in a block."""
        return {"n": 0.33, "s": 0.33, "m": 0.67}[self]

    @property
    def width_multiple(self) -> float:
        """Multiplies the number of channels."""
        return {"n": 0.25, "s": 0.50, "m": 0.75}[self]

    def depth(self, nominal: int) -> int:
        """Return the number of bottlenecks of a block of ``nominal`` depth.

        >>> [NetworkSize.S.depth(nominal) for nominal in STAGE_DEPTHS]
        [1, 2, 3, 1]
        """
        return max(round(nominal * self.depth_multiple), 1)

    def width(self, nominal: int) -> int:
        """Return the channels of a layer of ``nominal`` channels, a multiple of 8.

        >>> [NetworkSize.S.width(nominal) for nominal in STAGE_CHANNELS]
        [64, 128, 256, 512]
        """
        units = -(-nominal * self.width_multiple // CHANNEL_MULTIPLE)
        return int(units) * CHANNEL_MULTIPLE


@dataclass(frozen=True, slots=True)
class Scaling:
    """Size of the network and the variant of its C3 blocks, shared by backbone and neck."""

    size: NetworkSize
    variant: C3Variant

    def c3(self, inputs: int, outputs: int, nominal_depth: int, *, shortcut: bool) -> C3:
        """Build a C3 block; ``inputs`` and ``outputs`` are real channels."""
        depth = self.size.depth(nominal_depth)
        return C3(inputs, outputs, depth, shortcut=shortcut, variant=self.variant)


class Backbone(nn.Module):
    """Image to three feature maps at strides 8, 16 and 32.

    ``channels`` are those of the three maps.
    """

    def __init__(self, scaling: Scaling, *, residual_sppf: bool, inputs: int = 1) -> None:
        """Take images of ``inputs`` channels."""
        super().__init__()
        widths = [scaling.size.width(nominal) for nominal in (STEM_CHANNELS, *STAGE_CHANNELS)]
        self.stem = ConvNormAct(inputs, widths[0], kernel=6, stride=2, padding=2)
        self.stages = nn.ModuleList(
            nn.Sequential(
                ConvNormAct(before, after, kernel=3, stride=2),
                scaling.c3(after, after, depth, shortcut=True),
            )
            for before, after, depth in zip(widths[:-1], widths[1:], STAGE_DEPTHS, strict=True)
        )
        self.sppf = SPPF(widths[-1], widths[-1], residual=residual_sppf)
        self.channels = (widths[2], widths[3], widths[4])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (B, inputs, H, W) to maps of (H/8, W/8), (H/16, W/16) and (H/32, W/32)."""
        x: Tensor = self.stem(images)
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        deepest: Tensor = self.sppf(maps[3])
        return maps[1], maps[2], deepest
