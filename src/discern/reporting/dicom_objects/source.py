"""Headers of the images that a DICOM object refers to: its evidence and its patient module.

A structured report carries the patient and study modules of its source unchanged, as the
standard asks (PS3.3 C.7.1.1, C.7.2.1) - except for values that the
standard does not admit, which are blanked rather than passed on.
"""

import re
from collections.abc import Iterable

from pydicom.dataset import Dataset

from discern.errors import InputError
from discern.imaging.study import Series, Slice

_REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_SEXES = {"M", "F", "O", ""}
_AGE = re.compile(r"[0-9]{3}[DWMY]")
_DATE = re.compile(r"[0-9]{8}")


def header_of(slice_: Slice) -> Dataset:
    """Return the header of a slice, fit to be referred to; frames of one object share theirs.

    Raises:
        InputError: The file lacks a UID, which nothing can refer to then.
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
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for keyword in ("StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    if "ReferringPhysicianName" not in dataset:
        dataset.ReferringPhysicianName = ""
    if str(dataset.PatientSex) not in _SEXES:
        dataset.PatientSex = ""
    for keyword in ("PatientBirthDate", "StudyDate"):
        if dataset.get(keyword) and not _DATE.fullmatch(str(dataset.get(keyword))):
            setattr(dataset, keyword, "")
    if "PatientAge" in dataset and not _usable_age(str(dataset.PatientAge)):
        del dataset.PatientAge
    return dataset


def _usable_age(text: str) -> bool:
    return bool(_AGE.fullmatch(text)) and int(text[:3]) > 0
