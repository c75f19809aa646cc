"""The lesion network: where in a crop a herniation or a high-intensity zone lies, and how large.

Every lesion is the peak of a map (CenterNet: Zhou, Wang, Kraehenbuehl, "Objects as points", 2019)
at half the resolution of the crop, so that a focus of two pixels still has a place of its own. The
maps come from a small U-Net of the detector's own blocks. One network reads both planes: sagittal
crops about a disc, axial ones about the spine.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from discern.model.layers import C3, SPPF, C3Variant, ConvNormAct, centred
from discern.spine import LESION_LABELS

LESIONS, SIDES = len(LESION_LABELS), 4
_START_LOGIT = -4.0  # of every place: lesions are rare
_FOCUS, _NEAR = 2, 4  # exponents of the focal loss, and of the relief near a middle
_SIZE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class FinderConfig:
    """Size of the network.

    Attributes:
        channels: Of the maps at strides 2, 4, 8, 16 and 32.
    """

    channels: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)


class Finder(nn.Module):
    """Maps (N, 1, h, w) crops in 0..1 to (N, 6, h/2, w/2): see ``forward``."""

    def __init__(self, config: FinderConfig) -> None:
        """Build encoder, context and decoder."""
        super().__init__()
        first, *deeper = config.channels
        self.stem = nn.Sequential(
            ConvNormAct(1, first, kernel=6, stride=2, padding=2), ConvNormAct(first, first, 3)
        )
        shallower = config.channels[:-1]
        pairs = list(zip(shallower, deeper, strict=True))
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvNormAct(above, below, kernel=3, stride=2), _block(below, below))
            for above, below in pairs
        )
        self.context = SPPF(deeper[-1], deeper[-1], residual=True)
        self.reduce = nn.ModuleList(ConvNormAct(below, above) for above, below in pairs[::-1])
        self.join = nn.ModuleList(_block(2 * above, above) for above, _ in pairs[::-1])
        self.upsample = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.predict = nn.Conv2d(first, LESIONS + SIDES, kernel_size=1)
        if self.predict.bias is not None:
            nn.init.constant_(self.predict.bias[:LESIONS], _START_LOGIT)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logit of a middle for each lesion, then four log distances.

        Distances are those from the middle of the cell to the left, upper, right and lower edge of
        the lesion's box, in pixels of the crop.
        """
        maps: list[Tensor] = [self.stem(centred(crops))]
        for stage in self.encoder:
            maps.append(stage(maps[-1]))
        x: Tensor = self.context(maps.pop())
        for reduce, join in zip(self.reduce, self.join, strict=True):
            x = join(torch.cat([self.upsample(reduce(x)), maps.pop()], dim=1))
        found: Tensor = self.predict(x)
        return found


class FoundLesions(nn.Module):
    """Maps crops to what inference reads: scores of the peaks, nought elsewhere, and distances."""

    def __init__(self, finder: Finder) -> None:
        """Wrap ``finder``."""
        super().__init__()
        self.finder = finder

    def forward(self, crops: Tensor) -> Tensor:
        """Return (N, 6, h/2, w/2): two scores in 0..1, four distances in pixels of the crop."""
        found = self.finder(crops)
        scores = found[:, :LESIONS].sigmoid()
        highest = nn.functional.max_pool2d(scores, kernel_size=3, stride=1, padding=1)
        peaks = scores * (scores >= highest).to(scores.dtype)
        return torch.cat([peaks, found[:, LESIONS:].exp()], dim=1)


def build_finder(config: FinderConfig) -> Finder:
    """Return a network with fresh weights."""
    return Finder(config)


def finder_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Return the focal loss of the middles plus the mean absolute error of the log distances.

    ``found`` (N, 6, h, w) as ``Finder`` gives it; ``truth`` (N, 9, h, w) as
    ``dataset.lesion_targets`` draws it: nearness to a middle and whether it is judged, for each
    lesion, then log distances and their weight.
    """
    found = found.float()
    logits, distances = found[:, :LESIONS], found[:, LESIONS:]
    nearness, judged = truth[:, :LESIONS], truth[:, LESIONS : 2 * LESIONS]
    wanted, weight = truth[:, 2 * LESIONS : -1], truth[:, -1:]
    scores, middle = logits.sigmoid(), (nearness >= 1).float()
    missed = -((1 - scores) ** _FOCUS) * nn.functional.logsigmoid(logits) * middle
    false = -((1 - nearness) ** _NEAR) * scores**_FOCUS * nn.functional.logsigmoid(-logits)
    middles = (middle * judged).sum().clamp(min=1)
    focal = ((missed + false * (1 - middle)) * judged).sum() / middles
    error = (distances - wanted).abs() * weight
    size = error.sum() / (SIDES * weight.sum().clamp(min=1))
    loss: Tensor = focal + _SIZE_WEIGHT * size
    return loss


def _block(inputs: int, outputs: int) -> nn.Module:
    return C3(inputs, outputs, 1, shortcut=True, variant=C3Variant.PLAIN)
