"""The boxes of a study and the images they lie on, as DICOM objects refer to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from discern.findings import Detection, DiscFinding, StudyFindings
from discern.reporting.kinds import Reported


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image or frame; ``frame_number`` counts from 1, None in a single-frame object."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None

    @property
    def frames(self) -> list[int] | None:
        """The frame as a reference lists it."""
        return None if self.frame_number is None else [self.frame_number]


@dataclass(frozen=True, slots=True)
class Box:
    """One supporting box.

    Attributes:
        detection: What the network said there.
        image: Where it lies.
        outline_px: (5, 2) closed polyline, column and row, top left corner of the image (0, 0).
    """

    detection: Detection
    image: ImageReference
    outline_px: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of a study, by detection id, and the frame of reference of its places."""

    by_id: dict[str, Box]
    frame_of_reference_uid: str | None

    def of(self, disc: DiscFinding) -> list[Box]:
        """Return the supporting boxes of a disc in the order of the findings."""
        return [self.by_id[one] for one in disc.detections if one in self.by_id]


def boxes_of(reported: Reported, evidence: Sequence[Dataset]) -> Boxes:
    """Return every box that lies on one of the ``evidence`` images."""
    classes = {str(one.SOPInstanceUID): str(one.SOPClassUID) for one in evidence}
    boxes = {
        one.id: Box(one, _reference(one, classes[one.sop_instance_uid]), _outline(one))
        for one in reported.findings.detections
        if one.sop_instance_uid in classes
    }
    return Boxes(boxes, _frame_of_reference(reported.findings, evidence))


def _reference(detection: Detection, sop_class_uid: str) -> ImageReference:
    uid = detection.sop_instance_uid or ""
    return ImageReference(sop_class_uid, uid, detection.frame_number)


def _outline(detection: Detection) -> NDArray[np.float64]:
    x1, y1, x2, y2 = (round(one, 1) for one in detection.box_xyxy_px)
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]], float)


def _frame_of_reference(findings: StudyFindings, evidence: Sequence[Dataset]) -> str | None:
    """Return the frame of reference of the sagittal series that the discs were found on."""
    on_discs = {one.sop_instance_uid for one in findings.detections if one.plane == "sagittal"}
    found = (
        str(one.get("FrameOfReferenceUID") or "")
        for one in evidence
        if str(one.SOPInstanceUID) in on_discs
    )
    return next((uid for uid in found if uid), None)
