"""What a reader drew: the truth of one image, read from and written to LabelMe JSON."""

from dataclasses import dataclass, field

import numpy as np

from discern.boxes import BoxArray
from discern.spine import GRADE_LABELS, Label, Plane


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One annotated rectangle: xyxy in pixels of the image, outer edges.

    ``disc`` names the disc within the patient (LabelMe ``group_id``), None where not given.
    """

    label: Label
    box_xyxy_px: tuple[float, float, float, float]
    disc: int | None = None


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """All annotations of one image.

    Attributes:
        image: Stem of the image file.
        patient: Unit of splits and bootstrap.
        plane: Sagittal or axial.
        shape_px: Rows and columns of the image.
        boxes: Annotated rectangles.
        annotated: Labels whose absence means "not there"; all others are unknown on this image
            and masked from loss, metrics and false-alarm counts.
        ignored: Places (xyxy) where any grade is neither right nor wrong: visible ungraded discs.
        ungraded_above_px: Detections with their centre above this row are ignored (the cut or
            ungraded top disc); None when nothing is ignored.
    """

    image: str
    patient: str
    plane: Plane
    shape_px: tuple[int, int]
    boxes: tuple[TruthBox, ...]
    annotated: frozenset[Label] = frozenset(GRADE_LABELS)
    ignored: tuple[tuple[float, float, float, float], ...] = field(default=())
    ungraded_above_px: float | None = None

    def boxes_of(self, labels: tuple[Label, ...]) -> BoxArray:
        """Return the (N, 4) boxes whose label is among ``labels``."""
        chosen = [box.box_xyxy_px for box in self.boxes if box.label in labels]
        return np.array(chosen, dtype=np.float64).reshape(-1, 4)
