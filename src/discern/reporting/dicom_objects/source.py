"""Headers of the images that a DICOM object refers to: its evidence and its patient module.

A structured report carries the patient and study modules of its source unchanged, as the
standard asks (PS3.3 C.7.1.1, C.7.2.1) - except that their text is written in UTF-8, whatever it
was encoded in, and that values the standard does not admit are blanked rather than passed on.
"""

import re
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.uid import UID

from discern.errors import InputError
from discern.imaging.study import Series, Slice
from discern.reporting.dicom_objects.finishing import UTF_8

_REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"),
)
_DATE = re.compile(r"([0-9]{8})?")
_TIME = re.compile(r"(([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9](\.[0-9]{1,6})?)?)?)?")
_ADMITTED = {
    "PatientSex": re.compile("[MFO]?"),
    "PatientBirthDate": _DATE,
    "StudyDate": _DATE,
    "StudyTime": _TIME,
}
_AGE = re.compile(r"[0-9]{3}[DWMY]")


def header_of(slice_: Slice) -> Dataset:
    """Return the header of a slice, fit to be referred to and in UTF-8; frames share theirs.

    Raises:
        InputError: The file lacks a UID, or is of no SOP class that the standard knows: nothing
            can refer to it then.
    """
    if slice_.header is None:
        raise InputError(f"{slice_.file}: not a DICOM file; nothing can refer to it")
    dataset = slice_.header()
    missing = [keyword for keyword in _REQUIRED if not dataset.get(keyword)]
    if missing:
        raise InputError(
            f"{slice_.file}: no {' and no '.join(missing)}; a DICOM object cannot refer to it; "
            "leave --also to csv, fhir, parquet or text"
        )
    if UID(str(dataset.SOPClassUID)).type != "SOP Class":
        raise InputError(
            f"{slice_.file}: SOP class {dataset.SOPClassUID} is none of the standard; a DICOM "
            "object cannot refer to it; leave --also to csv, fhir, parquet or text"
        )
    dataset.decode()
    dataset.SpecificCharacterSet = UTF_8
    return _admissible(dataset)


def headers_of(series: Iterable[Series]) -> list[Dataset]:
    """Return one header for every object of ``series``, in slice order."""
    found: dict[str, Dataset] = {}
    for one in series:
        for slice_ in one.slices:
            if slice_.sop_instance_uid not in found:
                dataset = header_of(slice_)
                found[str(dataset.SOPInstanceUID)] = dataset
    return list(found.values())


def _admissible(dataset: Dataset) -> Dataset:
    """Blank what PS3.3 C.7.1.1 and C.7.2 do not admit, and give type 2 attributes their place."""
    for keyword in _TYPE_2:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for keyword, pattern in _ADMITTED.items():
        if not pattern.fullmatch(str(dataset.get(keyword) or "")):
            setattr(dataset, keyword, "")
    if "PatientAge" in dataset and not _usable_age(str(dataset.PatientAge)):
        del dataset.PatientAge
    return dataset


def _usable_age(text: str) -> bool:
    return bool(_AGE.fullmatch(text)) and int(text[:3]) > 0
