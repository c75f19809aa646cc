"""The tissue network: every pixel of a sagittal slice is background, disc, vertebra or canal.

A small U-Net of the detector's own blocks: features at strides 2 to 32, joined upwards. The
sacrum is background, so the name of the lowest vertebra depends on the whole image: the pools at
stride 32 see all of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from discern.model.layers import C3, SPPF, C3Variant, ConvNormAct
from discern.spine import Tissue

STRIDE = 32
"""Height and width of the input are multiples of this."""


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    """Size of the network.

    Attributes:
        channels: Of the maps at strides 2, 4, 8, 16 and 32; multiples of 16 are fastest.
    """

    channels: tuple[int, int, int, int, int] = (16, 32, 64, 128, 192)


class Segmenter(nn.Module):
    """Maps (B, 1, H, W) images in 0..1 to (B, 4, H, W) logits in the order of ``Tissue``."""

    def __init__(self, config: SegmenterConfig) -> None:
        """Build encoder, context and decoder."""
        super().__init__()
        first, *deeper = config.channels
        self.stem = ConvNormAct(1, first, kernel=6, stride=2, padding=2)
        shallower = config.channels[:-1]
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvNormAct(above, below, kernel=3, stride=2), _block(below, below))
            for above, below in zip(shallower, deeper, strict=True)
        )
        self.context = SPPF(deeper[-1], deeper[-1], residual=True)
        pairs = list(zip(shallower, deeper, strict=True))[::-1]
        self.reduce = nn.ModuleList(ConvNormAct(below, above) for above, below in pairs)
        self.join = nn.ModuleList(_block(2 * above, above) for above, _ in pairs)
        self.upsample = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.predict = nn.Conv2d(first, len(Tissue), kernel_size=1)
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits at the resolution of ``images``."""
        maps: list[Tensor] = [self.stem(images)]
        for stage in self.encoder:
            maps.append(stage(maps[-1]))
        x: Tensor = self.context(maps.pop())
        for reduce, join in zip(self.reduce, self.join, strict=True):
            x = join(torch.cat([self.upsample(reduce(x)), maps.pop()], dim=1))
        logits: Tensor = self.enlarge(self.predict(x))
        return logits


def build_segmenter(config: SegmenterConfig) -> Segmenter:
    """Return a network with fresh weights."""
    return Segmenter(config)


def tissue_loss(logits: Tensor, tissues: Tensor) -> Tensor:
    """Return cross-entropy plus one minus the mean soft Dice of disc, vertebra and canal.

    ``logits`` (B, 4, H, W), ``tissues`` (B, H, W) int64. Dice = 2 sum(p t) / sum(p + t) over the
    whole batch, so that a slice without a tissue is no special case.
    """
    logits = logits.float()
    probabilities = logits.softmax(dim=1)
    truth = nn.functional.one_hot(tissues, len(Tissue)).movedim(-1, 1)  # (B, 4, H, W)
    both = (probabilities * truth).sum(dim=(0, 2, 3))
    either = (probabilities + truth).sum(dim=(0, 2, 3))
    dice = (2 * both + 1) / (either + 1)
    loss: Tensor = nn.functional.cross_entropy(logits, tissues) + 1 - dice[1:].mean()
    return loss


def _block(inputs: int, outputs: int) -> nn.Module:
    return C3(inputs, outputs, 1, shortcut=True, variant=C3Variant.PLAIN)
