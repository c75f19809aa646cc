"""One FHIR Observation for each statement of each disc; the same in R4B and R5."""

from collections.abc import Iterator
from dataclasses import dataclass

from discern.findings import (
    DiscFinding,
    LesionFinding,
    LesionStatus,
    PfirrmannFinding,
    Quantity,
    QuantityName,
    StudyFindings,
)
from discern.reporting.codes import (
    AXIAL_ZONE,
    DETECTOR_SCORE,
    DISCS,
    LATERALITY,
    LESION_PROBABILITIES,
    LESIONS,
    LEVEL_CONFIDENCE,
    PFIRRMANN,
    PFIRRMANN_GRADES,
    PFIRRMANN_PROBABILITIES,
    QUANTITIES,
    SIDES,
    STATUSES,
    UNCERTAINTY,
    ZONES,
    Code,
)
from discern.reporting.fhir_parts import (
    Json,
    absent,
    coded,
    concept,
    entry,
    measured,
    meta,
    notes,
    quantity,
    refer,
    urn,
)
from discern.reporting.stamp import Stamp
from discern.spine import Label, PfirrmannGrade

_CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "imaging",
            "display": "Imaging",
        }
    ]
}
_ABSTAINED = "The software abstains: its probabilities single out no grade."


@dataclass(frozen=True, slots=True)
class Context:
    """What every observation refers to: URLs of patient, device and (DICOM only) study."""

    stamp: Stamp
    patient: str
    device: str
    study: str | None


def observations(findings: StudyFindings, context: Context) -> list[Json]:
    """Return the entries of all discs, head to foot: grade, herniation, HIZ, quantities.

    Grade and lesions are always there: what was not judged says so in ``dataAbsentReason``.
    """
    return [
        _entry(disc, code, content, context)
        for disc in findings.discs
        for code, content in _statements(disc)
    ]


def _statements(disc: DiscFinding) -> Iterator[tuple[Code, Json]]:
    yield PFIRRMANN, _grade(disc.pfirrmann, disc.level_confidence)
    yield LESIONS[Label.HERNIATION], _lesion(Label.HERNIATION, disc.herniation)
    yield LESIONS[Label.HIZ], _lesion(Label.HIZ, disc.hiz)
    for name in QuantityName:
        if name in disc.quantities:
            yield QUANTITIES[name], _quantity(disc.quantities[name])


def _entry(disc: DiscFinding, code: Code, content: Json, context: Context) -> Json:
    common = {
        "resourceType": "Observation",
        "meta": meta(),
        "status": "preliminary",
        "category": [_CATEGORY],
        "code": concept(code),
        "subject": refer(context.patient),
        "issued": context.stamp.content_time.isoformat(),
        "bodySite": concept(DISCS[disc.level]),
        "device": refer(context.device),
        "note": notes(),
    }
    derived = {} if context.study is None else {"derivedFrom": [refer(context.study)]}
    place = urn(context.stamp, f"{disc.level} {code.value}")
    return entry(place, {**common, **derived, **content})


def _grade(finding: PfirrmannFinding | None, level_confidence: float) -> Json:
    confidence = measured(LEVEL_CONFIDENCE, level_confidence)
    if finding is None:
        return {**_not_assessed(), "component": confidence}
    probabilities = [
        component
        for grade, probability in zip(PfirrmannGrade, finding.probabilities, strict=True)
        for component in measured(PFIRRMANN_PROBABILITIES[grade], probability)
    ]
    return {
        "valueCodeableConcept": concept(PFIRRMANN_GRADES[finding.grade]),
        "component": probabilities + confidence,
        "note": notes(*_doubts(finding)),
    }


def _doubts(finding: PfirrmannFinding) -> Iterator[str]:
    if finding.conformal_set is not None:
        grades = ", ".join(grade.name for grade in finding.conformal_set) or "none"
        yield f"Grades that the probabilities do not rule out: {grades}."
    if finding.abstain:
        yield _ABSTAINED


def _lesion(label: Label, finding: LesionFinding) -> Json:
    experimental = finding.experimental
    marks: Json = {
        "meta": meta(experimental=experimental),
        "note": notes(experimental=experimental),
    }
    if finding.status is LesionStatus.NOT_ASSESSED:
        return {**_not_assessed(), **marks}
    components = (
        measured(LESION_PROBABILITIES[label], finding.probability)
        + measured(DETECTOR_SCORE, finding.score)
        + coded(LATERALITY, None if finding.side is None else SIDES[finding.side])
        + coded(AXIAL_ZONE, None if finding.zone is None else ZONES[finding.zone])
    )
    value = {"valueCodeableConcept": concept(STATUSES[finding.status])}
    return {**value, **({"component": components} if components else {}), **marks}


def _not_assessed() -> Json:
    return {"dataAbsentReason": absent(STATUSES[LesionStatus.NOT_ASSESSED])}


def _quantity(measure: Quantity) -> Json:
    slices = "1 slice" if measure.slices == 1 else f"{measure.slices} slices"
    components = measured(UNCERTAINTY, measure.uncertainty, measure.unit)
    return {
        "valueQuantity": quantity(measure.value, measure.unit),
        "method": {"text": f"{measure.method}; from {measure.source}, {slices}"},
        **({"component": components} if components else {}),
    }
