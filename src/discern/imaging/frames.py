"""What is known of one image plane before its pixels are read, whatever file it came from."""

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from discern.imaging.geometry import SliceGeometry, Vector, cross, travel_mm
from discern.imaging.study import Image
from discern.imaging.weighting import Contrast
from discern.spine import Plane

PHANTOM_MANUFACTURER = "Discern phantom"
"""Manufacturer (0008,0070) of every synthetic file: how a reader knows that it is synthetic."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a DICOM object belongs. The patient is compared, never shown or kept in a study."""

    study_uid: str | None
    series_uid: str | None
    sop_uid: str | None
    patient_id: str
    patient_name: str
    study_date: str | None
    modality: str | None
    description: str
    series_number: int | None = None
    instance_number: int | None = None
    synthetic: bool = False
    body_part: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane of a DICOM object as its header describes it.

    Attributes:
        file: Input-relative name.
        read: Decodes the pixels.
        header: Reads the data set without its pixels.
        number: From 1 in a multi-frame object, else None.
        orientation: Unit vectors along the row and along the column, None where not stated.
        spacing_mm: Between rows and between columns, None where not stated.
    """

    file: str
    read: Callable[[], Image]
    header: Callable[[], Dataset]
    identity: Identity
    number: int | None
    shape_px: tuple[int, int]
    orientation: tuple[Vector, Vector] | None
    position_lps_mm: Vector | None
    spacing_mm: tuple[float, float] | None
    contrast: Contrast
    localizer: bool = False

    @property
    def normal(self) -> Vector | None:
        """Unit vector across the slice, None where the orientation is not stated."""
        return None if self.orientation is None else cross(*self.orientation)

    def travel_mm(self, plane: Plane) -> float:
        """Return where the slice lies along ``plane``'s counting direction; spacing may be unknown.

        Raises:
            ValueError: Orientation or position is not stated.
        """
        if self.orientation is None or self.position_lps_mm is None:
            raise ValueError(f"{self.file}: no orientation or position")
        spacing_mm = self.spacing_mm or (1.0, 1.0)
        placed = SliceGeometry(self.position_lps_mm, *self.orientation, spacing_mm)
        return travel_mm(plane, placed, self.shape_px)

    @property
    def geometry(self) -> SliceGeometry | None:
        """Place in the patient, or None where the header leaves a part of it out."""
        if self.orientation is None or self.position_lps_mm is None or self.spacing_mm is None:
            return None
        return SliceGeometry(self.position_lps_mm, *self.orientation, self.spacing_mm)
