"""Lesions across the planes: a doubtful axial box where a sagittal one shows the same lesion.

As :mod:`discern.inference.lesion_support` says of neighbouring slices: an axial box counts as much
as the surest sagittal box at its place in the patient, but no more than ``1 / SUPPORT_SHARE`` times
as much as alone. Only scores of one network can be compared so: a lesion that another network says
on sagittal slices supports nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import HEAD, SliceGeometry
from discern.imaging.plane_geometry import step_between_mm
from discern.inference.sagittal import SagittalReading
from discern.postprocess import SUPPORT_SHARE, SelectedBox
from discern.spine import Label

Floats = NDArray[np.float64]
_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])


@dataclass(frozen=True, slots=True)
class LesionInPatient:
    """A lesion box and the part of the patient that it covers.

    ``bounds_lps_mm`` (2, 3): least and greatest coordinates of the box, as thick as its slice.
    """

    box: SelectedBox
    bounds_lps_mm: Floats

    @classmethod
    def of(
        cls, box: SelectedBox, geometry: SliceGeometry, thickness_mm: float, shift_mm: float = 0.0
    ) -> "LesionInPatient":
        """Return ``box`` (px of the stored matrix), ``shift_mm`` nearer to the head than stated."""
        corners = geometry.pixel_to_lps(np.array(box.box_xyxy_px)[_CORNERS])  # (4, 3)
        half = thickness_mm / 2 * np.abs(geometry.normal)
        bounds = np.stack([corners.min(axis=0) - half, corners.max(axis=0) + half])
        return cls(box, bounds + shift_mm * np.array(HEAD))

    def meets(self, other: "LesionInPatient") -> bool:
        """Tell whether both are the same kind of lesion and share a place."""
        (low, high), (least, greatest) = self.bounds_lps_mm, other.bounds_lps_mm
        same = self.box.label is other.box.label
        return same and bool(((low < greatest) & (least < high)).all())


@dataclass(frozen=True, slots=True)
class SagittalSupport:
    """What may support axial lesions.

    Attributes:
        lesions: On sagittal slices.
        labels: Those that the same network says in both planes.
        share: The least part of a surer box's score that a supported one has by itself.
    """

    lesions: tuple[LesionInPatient, ...] = ()
    labels: tuple[Label, ...] = ()
    share: float = SUPPORT_SHARE

    @classmethod
    def of(cls, reading: SagittalReading, labels: tuple[Label, ...]) -> "SagittalSupport":
        """Return what the discs of a sagittal series show; nothing where its place is not known."""
        series = reading.series
        if series is None or not reading.has_geometry:
            return NO_SUPPORT
        places = {one.index: one.geometry for one in series.slices}
        thickness_mm = step_between_mm([place for place in places.values() if place is not None])
        boxes = [box for disc in reading.discs for box in disc.lesions]
        return cls(
            tuple(
                LesionInPatient.of(box.selected, place, thickness_mm)
                for box in boxes
                if (place := places[box.slice_index]) is not None
            ),
            labels,
        )

    def score_of(self, lesion: LesionInPatient) -> float:
        """Return the score of an axial lesion with what sagittal ones at its place add."""
        own = lesion.box.score
        if lesion.box.label not in self.labels:
            return own
        beside = (one.box.score for one in self.lesions if one.meets(lesion))
        return max(own, min(own / self.share, max(beside, default=0.0)))


NO_SUPPORT = SagittalSupport()
