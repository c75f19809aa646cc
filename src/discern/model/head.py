"""Head of the network: raw detection maps, and how they decode to boxes."""

import math

import torch
from torch import Tensor, nn

Anchors = tuple[tuple[tuple[float, float], ...], ...]
"""Widths and heights of the anchors of each map, finest first, in input pixels."""

STRIDES = (8, 16, 32)
BOX_CHANNELS = 4
OBJECTNESS_CHANNEL = 4
FIRST_CLASS_CHANNEL = 5

_EXPECTED_OBJECTS, _REFERENCE_PX = 8.0, 416.0  # discs on a usual slice at the usual input size
_CLASS_PRIOR_WITH_OBJECTNESS, _CLASS_PRIOR_ALONE = 0.1, 0.01


def decode_boxes(raw: Tensor, cell_xy: Tensor, anchor_wh_px: Tensor, stride: int) -> Tensor:
    """Return boxes (..., 4) xyxy in input pixels from raw tx ty tw th (..., 4).

    Centre = (2 sigmoid(txy) - 0.5 + cell) * stride; size = (2 sigmoid(twh))^2 * anchor
    (YOLOv5 v6). ``cell_xy`` counts whole cells; everything broadcasts over the leading dimensions.
    """
    unit = torch.sigmoid(raw) * 2
    center = (unit[..., :2] - 0.5 + cell_xy) * stride
    half = unit[..., 2:] ** 2 * anchor_wh_px / 2
    return torch.cat([center - half, center + half], dim=-1)


def cell_grid(rows: int, columns: int, device: torch.device) -> Tensor:
    """Return the (rows, columns, 2) column and row number of every cell, float32."""
    y = torch.arange(rows, device=device, dtype=torch.float32)[:, None].expand(rows, columns)
    x = torch.arange(columns, device=device, dtype=torch.float32)[None, :].expand(rows, columns)
    return torch.stack([x, y], dim=-1)


class Head(nn.Module):
    """One 1x1 convolution a map: tx ty tw th, objectness and class logits for every anchor.

    The objectness channel is always there; without ``objectness`` (the literal loss of the paper)
    it is neither trained nor decoded, and the class scores alone are the confidence.
    """

    anchors_px: Tensor  # (3 maps, A, 2)

    def __init__(
        self,
        channels: tuple[int, int, int],
        anchors_px: Anchors,
        *,
        classes: int,
        objectness: bool,
    ) -> None:
        """Take maps of ``channels`` at strides 8, 16, 32."""
        super().__init__()
        self.classes = classes
        self.objectness = objectness
        self.anchors_per_map = len(anchors_px[0])
        outputs = self.anchors_per_map * (FIRST_CLASS_CHANNEL + classes)
        self.predictions = nn.ModuleList(nn.Conv2d(inputs, outputs, 1) for inputs in channels)
        anchors = torch.tensor(anchors_px, dtype=torch.float32)
        self.register_buffer("anchors_px", anchors, persistent=True)
        self._set_bias_priors()

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Return one raw map (B, A, h, w, 5 + classes) for each stride."""
        raw: list[Tensor] = []
        for predict, features in zip(self.predictions, maps, strict=True):
            flat: Tensor = predict(features)
            batch, _, rows, columns = flat.shape
            split = flat.view(batch, self.anchors_per_map, -1, rows, columns)
            raw.append(split.permute(0, 1, 3, 4, 2))
        return raw

    def decode(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return boxes (B, N, 4) xyxy in input pixels and class scores (B, N, classes) in 0..1."""
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        for index, raw in enumerate(maps):
            batch, _, rows, columns, _ = raw.shape
            values = raw.float()
            grid = cell_grid(rows, columns, raw.device)  # broadcasts over B and A
            anchors = self.anchors_px[index][None, :, None, None, :]
            decoded = decode_boxes(values[..., :BOX_CHANNELS], grid, anchors, STRIDES[index])
            boxes.append(decoded.reshape(batch, -1, BOX_CHANNELS))
            scores.append(self._scores(values).reshape(batch, -1, self.classes))
        return torch.cat(boxes, dim=1), torch.cat(scores, dim=1)

    def _scores(self, values: Tensor) -> Tensor:
        classes = torch.sigmoid(values[..., FIRST_CLASS_CHANNEL:])
        if not self.objectness:
            return classes
        return classes * torch.sigmoid(values[..., OBJECTNESS_CHANNEL : OBJECTNESS_CHANNEL + 1])

    def _set_bias_priors(self) -> None:
        """Start near the base rates, so that background does not drown the first steps."""
        prior = _CLASS_PRIOR_WITH_OBJECTNESS if self.objectness else _CLASS_PRIOR_ALONE
        for predict, stride in zip(self.predictions, STRIDES, strict=True):
            cells = (_REFERENCE_PX / stride) ** 2
            bias = predict.get_parameter("bias").detach().view(self.anchors_per_map, -1)
            bias[:, OBJECTNESS_CHANNEL] = math.log(_EXPECTED_OBJECTS / cells)
            bias[:, FIRST_CLASS_CHANNEL:] = math.log(prior / (1 - prior))
