"""The choices of the loss."""

from dataclasses import dataclass
from enum import StrEnum


class LossKind(StrEnum):
    """Which loss the network is trained with; its own factor in the ablation."""

    YOLOV5 = "yolov5"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Every choice of the loss.

    Attributes:
        kind: ``yolov5``: box_gain (1 - CIoU) + objectness_gain BCE(objectness, CIoU) +
            class_gain BCE(classes), means over the positives (objectness: over all slots) of each
            map, summed over maps. ``literal``: (Cls + DIoU loss) / 2 with the DIoU loss a mean
            over positives and Cls summed over classes and all slots, background all zero, divided
            by the number of positives; the gains are not used.
        box_gain: Weight of the box term.
        objectness_gain: Weight of the objectness term.
        class_gain: Weight of the class term.
        anchor_ratio: Largest ratio between the sides of a target and of an anchor that learns it.
        label_smoothing: s moves class targets from {0, 1} to {s / 2, 1 - s / 2}.
        grade_smoothing: Share of a Pfirrmann target that goes to each neighbouring grade; the
            target of the grade itself is what remains of 1.
        lesion_objectness: Least objectness that a box of a lesion learns (yolov5). The overlap of
            boxes a few pixels wide is small and noisy however well they lie.
    """

    kind: LossKind = LossKind.YOLOV5
    box_gain: float = 0.05
    objectness_gain: float = 0.5
    class_gain: float = 0.2
    anchor_ratio: float = 4.0
    label_smoothing: float = 0.0
    grade_smoothing: float = 0.0
    lesion_objectness: float = 0.0
