"""The end of every DICOM object: the stored time instead of the present, and its bytes."""

import io

from pydicom.dataset import Dataset

from discern.reporting.kinds import Document, DocumentKind
from discern.reporting.stamp import Stamp

UTF_8 = "ISO_IR 192"
"""Specific character set of everything that is written (PS3.3 C.12.1.1.2)."""


def finished(dataset: Dataset, kind: DocumentKind, name: str, stamp: Stamp) -> Document:
    """Return a complete object with file meta information as the file ``name``."""
    _stamp_times(dataset, stamp)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return Document(
        kind,
        name,
        buffer.getvalue(),
        "application/dicom",
        str(dataset.SOPClassUID),
        str(dataset.SOPInstanceUID),
    )


def _stamp_times(dataset: Dataset, stamp: Stamp) -> None:
    """Replace the times at which the object happened to be built by the one that is stored."""
    day, time = stamp.content_time.strftime("%Y%m%d"), stamp.content_time.strftime("%H%M%S")
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        if keyword in dataset:
            setattr(dataset, keyword, day)
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        if keyword in dataset:
            setattr(dataset, keyword, time)
    dataset.TimezoneOffsetFromUTC = "+0000"
    for one in dataset.get("ContributingEquipmentSequence", ()):
        one.ContributionDateTime = day + time
