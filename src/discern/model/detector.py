"""The detector: backbone, neck and head, and the configuration that builds them."""

from dataclasses import dataclass

from torch import Tensor, nn

from discern.errors import UsageError
from discern.model.backbone import Backbone, NetworkSize, Scaling
from discern.model.head import STRIDES, Anchors, Head
from discern.model.layers import C3Variant
from discern.model.neck import Neck
from discern.spine import LABELS

__all__ = ["DEFAULT_ANCHORS", "Detector", "NetworkConfig", "NetworkSize", "build_detector"]

DEFAULT_ANCHORS: Anchors = (
    ((22.8, 16.8), (41.0, 9.8), (43.0, 14.3)),
    ((52.0, 12.4), (54.0, 16.2), (48.1, 19.5)),
    ((60.4, 20.6), (52.0, 27.3), (48.8, 35.9)),
)
"""Width and height in pixels, finest map first: ``fit_anchors`` on the boxes of the sagittal
SPIDER slices whose longer side is resized to 416 px."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Every choice of the network; an ablation names the ones it changes.

    Attributes:
        size: Depth and width.
        attention: Module 1 in every C3 (paper 2.5.1).
        residual_sppf: Module 2 (paper 2.5.2).
        capacity_control: One bottleneck more in every C3, as many parameters as Module 1: the
            control that tells attention from mere size. Excludes ``attention``.
        classes: Number of class scores.
        anchors_px: Width and height of three anchors for each of three maps, in input pixels.
        objectness: Whether the decoded class scores are multiplied by the objectness. False for
            the literal loss, which trains no objectness; the maps keep the channel.
    """

    size: NetworkSize = NetworkSize.N
    attention: bool = True
    residual_sppf: bool = True
    capacity_control: bool = False
    classes: int = len(LABELS)
    anchors_px: Anchors = DEFAULT_ANCHORS
    objectness: bool = True

    def __post_init__(self) -> None:
        """Refuse contradictions.

        Raises:
            UsageError: Attention and its control together, or anchors that are not 3 maps of
                the same number.
        """
        if self.attention and self.capacity_control:
            raise UsageError("capacity_control stands in for attention; set attention = false")
        per_map = [len(anchors) for anchors in self.anchors_px]
        if len(per_map) != len(STRIDES) or len(set(per_map)) != 1:
            raise UsageError("anchors_px needs three maps with the same number of anchors")

    @property
    def variant(self) -> C3Variant:
        """The C3 block that these choices ask for."""
        if self.attention:
            return C3Variant.ATTENTION
        return C3Variant.CAPACITY if self.capacity_control else C3Variant.PLAIN


class Detector(nn.Module):
    """Image to raw detection maps; height and width are multiples of 32."""

    def __init__(self, backbone: Backbone, neck: Neck, head: Head) -> None:
        """Join the parts."""
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map (B, 1, H, W) in 0..1 to three raw maps (B, 3, h, w, 5 + classes), strides 8, 16, 32.

        The last dimension is tx ty tw th, objectness and class logits.
        """
        maps: list[Tensor] = self.head(self.neck(self.backbone(images)))
        return maps

    def decode(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return boxes (B, N, 4) xyxy in input pixels and class scores (B, N, classes) in 0..1."""
        return self.head.decode(maps)


def build_detector(config: NetworkConfig) -> Detector:
    """Build the network of ``config`` with one input channel and random weights."""
    scaling = Scaling(config.size, config.variant)
    backbone = Backbone(scaling, residual_sppf=config.residual_sppf)
    neck = Neck(backbone.channels, scaling)
    head = Head(
        neck.channels, config.anchors_px, classes=config.classes, objectness=config.objectness
    )
    return Detector(backbone, neck, head)
