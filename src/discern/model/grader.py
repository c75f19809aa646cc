"""The grading network: one crop about a disc to its Pfirrmann grade.

A small residual network (He et al., CVPR 2016) of the detector's convolutions. What it is given
has the same size for every disc, so it spends no capacity on finding discs or on their scale.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from discern.model.layers import ConvNormAct, centred
from discern.spine import GRADE_LABELS


@dataclass(frozen=True, slots=True)
class GraderConfig:
    """Size of the network.

    Attributes:
        channels: Of the maps at strides 1, 2, 4 and 8.
        dropout: Share of the features left out while training.
    """

    channels: tuple[int, int, int, int] = (16, 32, 64, 96)
    dropout: float = 0.3


class Grader(nn.Module):
    """Maps (N, 1, h, w) crops in 0..1 to (N, 5) logits of grades 1 to 5."""

    def __init__(self, config: GraderConfig) -> None:
        """Build stem, one residual block a stride, and the classifier."""
        super().__init__()
        first = config.channels[0]
        self.stem = ConvNormAct(1, first, 3)
        widths = zip((first, *config.channels), config.channels, strict=False)
        self.blocks = nn.Sequential(
            *(
                _Residual(above, below, stride=1 if i == 0 else 2)
                for i, (above, below) in enumerate(widths)
            )
        )
        self.dropout = nn.Dropout(config.dropout)
        self.classify = nn.Linear(config.channels[-1], len(GRADE_LABELS))

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logits."""
        features = self.blocks(self.stem(centred(crops)))
        logits: Tensor = self.classify(self.dropout(features.mean(dim=(2, 3))))
        return logits


class _Residual(nn.Module):
    """Two 3x3 convolutions added to the input, which a 1x1 convolution fits where it must."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.cv1 = ConvNormAct(inputs, outputs, 3, stride)
        self.cv2 = ConvNormAct(outputs, outputs, 3)
        self.cv2.act = nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = ConvNormAct(inputs, outputs, 1, stride)
            self.shortcut.act = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.shortcut(x) + self.cv2(self.cv1(x))
        return nn.functional.silu(added)


def build_grader(config: GraderConfig) -> Grader:
    """Return a network with fresh weights."""
    return Grader(config)


def grade_loss(logits: Tensor, grades: Tensor) -> Tensor:
    """Return the cross-entropy of (N, 5) logits and (N,) int64 places in ``GRADE_LABELS``."""
    loss: Tensor = nn.functional.cross_entropy(logits.float(), grades)
    return loss
