"""FHIR R5 and R4B: one collection bundle each, of report, observations, device and study.

What a hospital posts is its own to decide: the patient is a placeholder without identity, and the
study is named by its DICOM UIDs, from which the receiver knows whose it is.
"""

import hashlib
import importlib
from typing import Any

from discern.errors import UsageError
from discern.findings import StudyFindings
from discern.reporting.codes import LUMBAR_SPINE
from discern.reporting.fhir_observations import Context, observations
from discern.reporting.fhir_parts import Json, concept, entry, meta, notes, refer, urn
from discern.reporting.fhir_study import Release, device, imaging_study, patient, usable_uid
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.stamp import Stamp
from discern.reporting.wording import threshold_words

MEDIA_TYPE = "application/fhir+json"
_RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}
_NOTE_OF_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
"""R4B has no note on a report; this is how FHIR carries an element of R5 in it."""


def write_fhir(reported: Reported, stamp: Stamp, draft: str) -> list[Document]:
    """Return the bundles ``fhir-r5.json`` and ``fhir-r4b.json``, validated.

    Args:
        reported: Findings and the study they are of.
        stamp: Gives every resource its id, and the time of issue.
        draft: The draft report; becomes the conclusion.

    Raises:
        UsageError: fhir.resources is not installed.
    """
    return [_document(reported, stamp, draft, release) for release in Release]


def _document(reported: Reported, stamp: Stamp, draft: str, release: Release) -> Document:
    model = _bundle_class(release).model_validate(_bundle(reported, stamp, draft, release))
    text: str = model.model_dump_json(indent=1)
    name = f"fhir-{release}.json"
    return Document(DocumentKind.FHIR, name, text.encode() + b"\n", MEDIA_TYPE)


def _bundle_class(release: Release) -> Any:  # noqa: ANN401 - a class of an optional package
    try:
        return importlib.import_module(f"{release.package}.bundle").Bundle
    except ImportError as error:
        raise UsageError(
            "--also fhir: needs fhir.resources; install it with pip install 'discern-lumbar[fhir]'"
        ) from error


def _bundle(reported: Reported, stamp: Stamp, draft: str, release: Release) -> Json:
    findings, study = reported.findings, reported.study
    study_url = urn(stamp, "study") if usable_uid(study.study_instance_uid) else None
    context = Context(stamp, urn(stamp, "patient"), urn(stamp, "device"), study_url)
    stated = observations(findings, context)
    report = _report(findings, context, draft, release)
    report["result"] = [refer(one["fullUrl"]) for one in stated]
    of_study = []
    if study_url is not None:
        of_study = [entry(study_url, imaging_study(study, context.patient, release))]
    digest = hashlib.sha256(draft.encode()).hexdigest()
    return {
        "resourceType": "Bundle",
        "id": urn(stamp, f"bundle {release}", digest).removeprefix("urn:uuid:"),
        "meta": meta(),
        "type": "collection",
        "timestamp": stamp.content_time.isoformat(),
        "entry": [
            entry(urn(stamp, "report", digest), report),
            *stated,
            entry(context.device, device(findings.model, release)),
            *of_study,
            entry(context.patient, patient()),
        ],
    }


def _report(findings: StudyFindings, context: Context, draft: str, release: Release) -> Json:
    report = {
        "resourceType": "DiagnosticReport",
        "meta": meta(),
        "status": "preliminary",
        "category": [{"coding": [_RADIOLOGY]}],
        "code": concept(LUMBAR_SPINE),
        "subject": refer(context.patient),
        "issued": context.stamp.content_time.isoformat(),
        "conclusion": draft.strip(),
    }
    newer = release is Release.R5
    if context.study is not None:
        report["study" if newer else "imagingStudy"] = [refer(context.study)]
    said = notes(*_caveats(findings), *(one.text for one in findings.warnings))
    if newer:
        report["note"] = said
    else:
        report["extension"] = [{"url": _NOTE_OF_R5, "valueAnnotation": one} for one in said]
    return report


def _caveats(findings: StudyFindings) -> list[str]:
    numbering = findings.numbering
    point = f"Operating point {findings.operating_point}"
    worth = [f"{point}, {threshold_words(one)}." for one in findings.lesion_thresholds]
    said = [f"Confidence in the level names: {numbering.confidence:.2f}."]
    said += [
        f"Other reading: lowest disc {one.lowest_level}, probability {one.confidence:.2f}."
        for one in numbering.alternatives
    ]
    by_hand = [] if numbering.override is None else ["The level names were set by hand."]
    return [*said, *by_hand, *worth]
