"""One raw detection map beside what it should say: the state that both losses start from."""

from dataclasses import dataclass

import torch
from torch import Tensor

from discern.model import box_losses
from discern.model.assignment import Assignment, MapGeometry, assign_targets
from discern.model.head import BOX_CHANNELS, FIRST_CLASS_CHANNEL, cell_grid, decode_boxes
from discern.model.loss_config import LossConfig
from discern.model.targets import Targets
from discern.spine import GRADE_LABELS

MOSTLY_INSIDE = 0.5
"""Share of a predicted box inside an ignore region above which it is left out of the loss."""


@dataclass(frozen=True, slots=True)
class MatchedMap:
    """One raw map (B, A, h, w, 5 + classes) and its targets.

    Attributes:
        raw: The map, float32.
        positives: The P slots that learn a target.
        predicted: (P, 4) their decoded boxes, xyxy in input pixels.
        truth: (P, 4) the boxes they learn.
        class_target: (P, classes) the class scores they learn.
        class_known: (P, classes) bool, which of those are annotated on the image.
        is_lesion: (P,) bool, whether the target is a lesion.
        counted: (B, A, h, w) bool, the slots that are positive or outside every ignore region.
    """

    raw: Tensor
    positives: Assignment
    predicted: Tensor
    truth: Tensor
    class_target: Tensor
    class_known: Tensor
    is_lesion: Tensor
    counted: Tensor


def match_map(
    raw: Tensor, targets: Targets, geometry: MapGeometry, config: LossConfig
) -> MatchedMap:
    """Assign the targets to the slots of one map."""
    positives = assign_targets(
        targets.boxes_xyxy_px, targets.image_index, geometry, max_ratio=config.anchor_ratio
    )
    cell_xy = torch.stack([positives.column, positives.row], dim=-1)
    anchors = geometry.anchors_wh_px[positives.anchor]
    predicted = decode_boxes(
        raw[positives.slots][:, :BOX_CHANNELS], cell_xy, anchors, geometry.stride
    )
    classes = raw.shape[-1] - FIRST_CLASS_CHANNEL
    counted = ~ignored_slots(raw.detach(), targets, geometry)
    counted[positives.slots] = True
    return MatchedMap(
        raw=raw,
        positives=positives,
        predicted=predicted,
        truth=targets.boxes_xyxy_px[positives.target],
        class_target=class_targets(targets.labels, classes, config)[positives.target],
        class_known=targets.annotated[positives.image],
        is_lesion=targets.labels[positives.target] >= len(GRADE_LABELS),
        counted=counted,
    )


def class_targets(labels: Tensor, classes: int, config: LossConfig) -> Tensor:
    """Return the (M, classes) targets of labels (M,), smoothed as ``config`` says."""
    share = config.grade_smoothing
    matrix = torch.eye(classes, device=labels.device)
    grades = min(len(GRADE_LABELS), classes)
    for grade in range(grades):
        neighbours = [other for other in (grade - 1, grade + 1) if 0 <= other < grades]
        matrix[grade, neighbours] = share
        matrix[grade, grade] = 1 - share * len(neighbours)
    smoothing = config.label_smoothing
    return (matrix * (1 - smoothing) + smoothing / 2)[labels]


def ignored_slots(raw: Tensor, targets: Targets, geometry: MapGeometry) -> Tensor:
    """Return (B, A, h, w): cell centre, or most of the predicted box, in an ignore region."""
    regions, image = targets.ignored_xyxy_px, targets.ignored_image_index
    hits = torch.zeros(raw.shape[:4], device=raw.device)
    if len(regions) == 0:
        return hits > 0
    grid = cell_grid(geometry.rows, geometry.columns, raw.device)
    anchors = geometry.anchors_wh_px[None, :, None, None]
    boxes = decode_boxes(raw[..., :BOX_CHANNELS], grid, anchors, geometry.stride)[image]
    region = regions[:, None, None, None]  # (K, 1, 1, 1, 4)
    mostly = box_losses.intersection(boxes, region) > MOSTLY_INSIDE * box_losses.area(boxes)
    center = (grid + 0.5) * geometry.stride  # (h, w, 2)
    within = ((center >= region[..., :2]) & (center < region[..., 2:])).all(dim=-1)
    return hits.index_add(0, image, (mostly | within).float()) > 0
