"""What a FHIR report rests on: the device that made it and the study it is of, per release."""

import re
from enum import StrEnum

from discern import __version__
from discern.findings import ModelIdentity
from discern.imaging.study import Series, Study
from discern.reporting.codes import MAGNETIC_RESONANCE
from discern.reporting.fhir_parts import MASKED, Json, coding, concept, meta, notes, refer

_UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_LONGEST_UID = 64


class Release(StrEnum):
    """A release of FHIR: the value names its files, ``package`` its classes."""

    R5 = "r5"
    R4B = "r4b"

    @property
    def package(self) -> str:
        """Where fhir.resources keeps it."""
        return "fhir.resources" if self is Release.R5 else "fhir.resources.R4B"


def patient() -> Json:
    """Return the placeholder that the resources refer to: somebody, withheld."""
    return {"resourceType": "Patient", "meta": meta(), "identifier": [MASKED]}


def device(model: ModelIdentity, release: Release) -> Json:
    """Return Discern with its version and that of its weights."""
    versions = (
        ("software", __version__),
        (f"weights {model.name}", model.version),
        ("weights SHA-256", model.sha256),
        ("engine", f"{model.engine} {model.precision}"),
    )
    kind = {"type": "user-friendly-name"}
    named = (
        {"name": [{"value": "Discern", **kind}]}
        if release is Release.R5
        else {"deviceName": [{"name": "Discern", **kind}]}
    )
    return {
        "resourceType": "Device",
        "meta": meta(),
        "status": "active",
        "version": [{"type": {"text": what}, "value": value} for what, value in versions if value],
        **named,
        "note": notes(),
    }


def imaging_study(study: Study, patient_url: str, release: Release) -> Json:
    """Return the study by its DICOM UIDs, and nothing else of its headers."""
    modality = (concept if release is Release.R5 else coding)(MAGNETIC_RESONANCE)
    listed = [_series(one, release) for one in study.series if usable_uid(one.series_instance_uid)]
    return {
        "resourceType": "ImagingStudy",
        "meta": meta(),
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study.study_instance_uid}"}],
        "status": "available",
        "modality": [modality],
        "subject": refer(patient_url),
        "numberOfSeries": len(listed),
        "series": listed,
    }


def _series(series: Series, release: Release) -> Json:
    instances = {one.sop_instance_uid or one.file for one in series.slices}
    return {
        "uid": series.series_instance_uid,
        "modality": (concept if release is Release.R5 else coding)(MAGNETIC_RESONANCE),
        "numberOfInstances": len(instances),
    }


def usable_uid(uid: str | None) -> bool:
    """Whether a file's UID is one (PS3.5 9.1), so that another system may look it up.

    >>> usable_uid("1.2.840.1"), usable_uid("1.02"), usable_uid("../x"), usable_uid(None)
    (True, False, False, False)
    """
    return uid is not None and len(uid) <= _LONGEST_UID and bool(_UID.fullmatch(uid))
