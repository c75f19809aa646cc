"""How a technician prescribes the slices: counts, field, turns, layout of the axial series."""

from dataclasses import dataclass
from enum import StrEnum

from discern.phantom.settings import within


class AxialLayout(StrEnum):
    """How the axial slices lie: a block along each disc, or one block of parallel slices."""

    PER_DISC = "per disc"
    BLOCK = "block"
    TILTED = "tilted block"


class FrameUids(StrEnum):
    """What the files say of their frame of reference.

    ``MISSING`` also leaves out the UIDs of study and series, as some anonymisers do.
    """

    SHARED = "shared"
    PER_SERIES = "per series"
    ABSENT = "absent"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Prescription:
    """Where the slices of one study lie; says nothing of the patient.

    Attributes:
        sagittal_slices: How many, about the midline.
        sagittal_thickness_mm: None takes the scanner's.
        shift_mm: Field of view moved towards the head; positive cuts the sacrum, negative the top.
        field_of_view_mm: Side of the sagittal image; None takes the scanner's.
        matrix_px: Rows and columns of the sagittal image; None takes the scanner's.
        rotation_deg: Sagittal image turned in its own plane.
        head_turn_deg: Sagittal stack turned about the head-foot axis.
        side_tilt_deg: Sagittal stack tilted about the front-back axis.
        reversed_order: Sagittal slices run from the patient's left to right, axial ones downwards.
        axial_layout: How the axial slices lie.
        axial_slices: Of a block; per disc there are four.
        axial_tilt_deg: Of a tilted block, its front upwards.
        axial_rotation_deg: Axial images turned in their own plane.
        uids: What the files say of their frame of reference.
    """

    sagittal_slices: int = 15
    sagittal_thickness_mm: float | None = None
    shift_mm: float = 0.0
    field_of_view_mm: float | None = None
    matrix_px: int | None = None
    rotation_deg: float = 0.0
    head_turn_deg: float = 0.0
    side_tilt_deg: float = 0.0
    reversed_order: bool = False
    axial_layout: AxialLayout = AxialLayout.PER_DISC
    axial_slices: int = 36
    axial_tilt_deg: float = 0.0
    axial_rotation_deg: float = 0.0
    uids: FrameUids = FrameUids.SHARED

    def __post_init__(self) -> None:
        """Refuse what no technician prescribes, naming the field."""
        within("sagittal_slices", self.sagittal_slices, 1, 64)
        within("axial_slices", self.axial_slices, 1, 120)
        within("shift_mm", self.shift_mm, -150.0, 150.0)
        for name in ("rotation_deg", "head_turn_deg", "side_tilt_deg", "axial_rotation_deg"):
            within(name, getattr(self, name), -20.0, 20.0)
        within("axial_tilt_deg", self.axial_tilt_deg, -35.0, 35.0)
        if self.axial_tilt_deg and self.axial_layout is not AxialLayout.TILTED:
            raise ValueError(f"axial_tilt_deg needs a tilted block, got {self.axial_layout}")
        if self.sagittal_thickness_mm is not None:
            within("sagittal_thickness_mm", self.sagittal_thickness_mm, 0.5, 8.0)
        if self.field_of_view_mm is not None:
            within("field_of_view_mm", self.field_of_view_mm, 200.0, 400.0)
        if self.matrix_px is not None:
            within("matrix_px", self.matrix_px, 128, 1024)


USUAL = Prescription()
"""Fifteen straight sagittal slices, four axial ones along each of the five lowest discs."""
