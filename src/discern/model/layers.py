"""Building blocks of the network: Conv-BN-SiLU, C3 with Module 1, SPPF with Module 2.

Shapes are (B, C, H, W). The skeleton is the published YOLOv5 v6 architecture; the two modules are
the paper's (sections 2.5.1 and 2.5.2) as ``DESIGN.md`` reads them.
"""

from enum import StrEnum

import torch
from torch import Tensor, nn

REDUCTION = 16
_LEAST_CONTRAST = 0.05
"""Added to the standard deviation of a crop, so that an empty one is not blown up to noise."""


class C3Variant(StrEnum):
    """What a C3 block does beyond its bottlenecks."""

    PLAIN = "plain"
    ATTENTION = "attention"  # Module 1
    CAPACITY = "capacity"  # as many parameters as Module 1, spent on one bottleneck more


def centred(crops: Tensor) -> Tensor:
    """Return (N, 1, h, w) crops, each brought to mean 0 and standard deviation 1.

    What is to be told of a crop is in its contrasts, not in the receiver gain.
    """
    mean = crops.mean(dim=(2, 3), keepdim=True)
    spread = (crops - mean).square().mean(dim=(2, 3), keepdim=True).sqrt()
    return (crops - mean) / (spread + _LEAST_CONTRAST)


class ConvNormAct(nn.Module):
    """Convolution without bias, batch normalisation, SiLU; keeps H and W at stride 1."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int | None = None,
    ) -> None:
        """Pad by ``kernel // 2`` unless ``padding`` is given."""
        super().__init__()
        pad = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.act: nn.Module = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return SiLU(BN(conv(x)))."""
        activated: Tensor = self.act(self.norm(self.conv(x)))
        return activated


class Bottleneck(nn.Module):
    """1x1 then 3x3 convolution over ``channels``, added to the input when ``shortcut``."""

    def __init__(self, channels: int, *, shortcut: bool, hidden: int | None = None) -> None:
        """Keep ``channels`` between the two convolutions unless ``hidden`` is given."""
        super().__init__()
        inner = channels if hidden is None else hidden
        self.cv1 = ConvNormAct(channels, inner, 1)
        self.cv2 = ConvNormAct(inner, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        transformed: Tensor = self.cv2(self.cv1(x))
        return x + transformed if self.shortcut else transformed


class ChannelAttention(nn.Module):
    """The SE-like attention of Module 1: z = Conv3x3(y), gate(z) * z.

    gate(z) = sigmoid(FC(relu(FC(mean of z over H and W)))), one number a channel.
    """

    def __init__(self, channels: int, reduction: int = REDUCTION) -> None:
        """Squeeze ``channels`` by ``reduction`` between the two fully connected layers."""
        super().__init__()
        self.conv = ConvNormAct(channels, channels, 3)
        self.squeeze = nn.Linear(channels, max(1, channels // reduction))
        self.excite = nn.Linear(max(1, channels // reduction), channels)

    def forward(self, y: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        z: Tensor = self.conv(y)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(z.mean(dim=(2, 3))))))  # (B, C)
        return z * gate[:, :, None, None]


class C3(nn.Module):
    """Cross-stage-partial block: bottlenecks on one half, a 1x1 convolution on the other.

    With Module 1 (paper 2.5.1) y = bottlenecks(cv1(x)) and
    out = cv3(cat(attention(y), y, cv2(x))); without it out = cv3(cat(y, cv2(x))).
    """

    def __init__(
        self, inputs: int, outputs: int, depth: int, *, shortcut: bool, variant: C3Variant
    ) -> None:
        """Chain ``depth`` bottlenecks at half of ``outputs``."""
        super().__init__()
        half = outputs // 2
        blocks = [Bottleneck(half, shortcut=shortcut) for _ in range(depth)]
        if variant is C3Variant.CAPACITY:
            blocks.append(Bottleneck(half, shortcut=shortcut, hidden=_capacity_hidden(half)))
        attends = variant is C3Variant.ATTENTION
        self.cv1 = ConvNormAct(inputs, half)
        self.cv2 = ConvNormAct(inputs, half)
        self.bottlenecks = nn.Sequential(*blocks)
        self.attention = ChannelAttention(half) if attends else None
        self.cv3 = ConvNormAct((3 if attends else 2) * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        y: Tensor = self.bottlenecks(self.cv1(x))
        parts = [y, self.cv2(x)]
        if self.attention is not None:
            parts.insert(0, self.attention(y))
        joined: Tensor = self.cv3(torch.cat(parts, dim=1))
        return joined


def _capacity_hidden(half: int) -> int:
    """Return the inner width with which one bottleneck costs what Module 1 costs.

    Module 1 adds 9c^2 + 2c (convolution), 2cr + r + c (both FC) and 2c^2 (wider cv3) parameters
    for c channels squeezed to r; a bottleneck of inner width h has 10ch + 2h + 2c.
    """
    squeezed = max(1, half // REDUCTION)
    module1 = 11 * half**2 + 3 * half + 2 * half * squeezed + squeezed
    return round((module1 - 2 * half) / (10 * half + 2))


class SPPF(nn.Module):
    """Three 5x5 maximum pools in a row, joined; Module 2 adds a residual (paper 2.5.2).

    out = cv2(cat(x1, pool(x1), pool^2(x1), pool^3(x1))) + shortcut(x) with x1 = cv1(x); the
    shortcut is the identity, or a 1x1 convolution where channels differ.
    """

    def __init__(self, inputs: int, outputs: int, *, residual: bool) -> None:
        """Pool at half of ``inputs``."""
        super().__init__()
        half = inputs // 2
        self.cv1 = ConvNormAct(inputs, half)
        self.pool = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)
        self.cv2 = ConvNormAct(4 * half, outputs)
        self.shortcut = _shortcut(inputs, outputs) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        pooled: list[Tensor] = [self.cv1(x)]
        for _ in range(3):
            pooled.append(self.pool(pooled[-1]))
        joined: Tensor = self.cv2(torch.cat(pooled, dim=1))
        return joined if self.shortcut is None else joined + self.shortcut(x)


def _shortcut(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
