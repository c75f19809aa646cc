"""Which anchors of which cells learn which target (YOLOv5 v6), as a pure function.

A target goes to every anchor whose width and height are within a ratio of its own, in the cell
that holds its centre and in the two nearest neighbours of that cell, left or right and above or
below. A slot (image, anchor, cell) claimed by several targets learns only the one with the
nearest centre, so that a disc and a herniation on it do not teach it opposite answers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_MIDDLE = 0.5  # of a cell


@dataclass(frozen=True, slots=True)
class MapGeometry:
    """One detection map: its cells, the pixels between them and its anchors (A, 2) in pixels."""

    rows: int
    columns: int
    stride: int
    anchors_wh_px: Tensor


@dataclass(frozen=True, slots=True)
class Assignment:
    """P slots of one map and the target each of them learns; all (P,) int64."""

    image: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    target: Tensor

    @property
    def slots(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Index of the slots into a map (B, A, h, w, ...)."""
        return self.image, self.anchor, self.row, self.column


def assign_targets(
    boxes_xyxy_px: Tensor, image_index: Tensor, geometry: MapGeometry, *, max_ratio: float
) -> Assignment:
    """Return the slots of one map that learn the (M, 4) boxes of images ``image_index`` (M,)."""
    target, anchor = _fitting_anchors(boxes_xyxy_px, geometry.anchors_wh_px, max_ratio)
    center = boxes_xyxy_px.view(-1, 2, 2).mean(dim=1) / geometry.stride  # (M, 2) in cells
    offsets = _cell_offsets(center[target])  # (P, 3, 2)
    cell = center[target].floor().long()[:, None] + offsets
    limits = torch.tensor([geometry.columns, geometry.rows], device=cell.device)
    inside = ((cell >= 0) & (cell < limits)).all(dim=-1)  # (P, 3)
    pair, which = inside.nonzero(as_tuple=True)
    column, row = cell[pair, which].unbind(dim=-1)
    target, anchor = target[pair], anchor[pair]
    claims = Assignment(image_index[target], anchor, row, column, target)
    return _nearest_claims(claims, center, geometry)


def _fitting_anchors(boxes: Tensor, anchors: Tensor, max_ratio: float) -> tuple[Tensor, Tensor]:
    """Return the pairs (target, anchor) with max(w/wa, wa/w, h/ha, ha/h) < ``max_ratio``."""
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]  # (M, 1, 2)
    ratio = size / anchors[None]  # (M, A, 2)
    worst = torch.maximum(ratio, 1 / ratio).amax(dim=-1)
    target, anchor = (worst < max_ratio).nonzero(as_tuple=True)
    return target, anchor


def _cell_offsets(center: Tensor) -> Tensor:
    """Return (P, 3, 2): own cell, nearer neighbour in x, nearer neighbour in y, of (P, 2)."""
    step = torch.where(center.frac() < _MIDDLE, -1, 1)
    own = torch.zeros_like(step)
    beside = torch.stack([step[:, 0], own[:, 1]], dim=-1)
    above_below = torch.stack([own[:, 0], step[:, 1]], dim=-1)
    return torch.stack([own, beside, above_below], dim=1)


def _nearest_claims(claims: Assignment, center: Tensor, geometry: MapGeometry) -> Assignment:
    """Keep one claim a slot: the nearest centre (M, 2), then the first target."""
    cell_center = torch.stack([claims.column, claims.row], dim=-1) + 0.5
    distance = (center[claims.target] - cell_center).square().sum(dim=-1)
    image_anchor = claims.image * len(geometry.anchors_wh_px) + claims.anchor
    slot = (image_anchor * geometry.rows + claims.row) * geometry.columns + claims.column
    by_distance = distance.argsort(stable=True)
    order = by_distance[slot[by_distance].argsort(stable=True)]
    first = torch.ones_like(order, dtype=torch.bool)
    first[1:] = slot[order][1:] != slot[order][:-1]
    kept = order[first]
    return Assignment(
        claims.image[kept],
        claims.anchor[kept],
        claims.row[kept],
        claims.column[kept],
        claims.target[kept],
    )
