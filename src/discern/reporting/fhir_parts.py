"""The small values of FHIR resources: concepts, quantities, references, tags; R4B and R5 alike."""

import uuid
from typing import Any

from discern.reporting.codes import (
    EXPERIMENTAL,
    FHIR_SYSTEMS,
    RESEARCH_USE_ONLY,
    SCT,
    UNITS,
    Code,
)
from discern.reporting.kinds import DocumentKind
from discern.reporting.stamp import Stamp

Json = dict[str, Any]

NOT_PERFORMED = {
    "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "code": "not-performed",
    "display": "Not Performed",
}
MASKED: Json = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }
    ]
}
"""An element that exists and is withheld."""
_DECIMALS = 4


def urn(stamp: Stamp, part: str, options: str = "") -> str:
    """Return the ``urn:uuid`` of one resource; the same findings give the same one."""
    number = int(stamp.uid(DocumentKind.FHIR, part, options).removeprefix("2.25."))
    return uuid.UUID(int=number).urn


def coding(code: Code) -> Json:
    """Return a Coding; the words of SNOMED CT are left to its own releases and languages."""
    found = {"system": FHIR_SYSTEMS[code.scheme], "code": code.value}
    return found if code.scheme == SCT else {**found, "display": code.meaning}


def concept(code: Code) -> Json:
    """Return a CodeableConcept."""
    return {"coding": [coding(code)], "text": code.meaning}


def quantity(value: float, unit: str = "1") -> Json:
    """Return a Quantity in a UCUM unit, rounded as findings.json is."""
    ucum = UNITS[unit]
    rounded = round(value, _DECIMALS) + 0.0  # no -0.0
    return {
        "value": rounded,
        "unit": ucum.value,
        "system": FHIR_SYSTEMS[ucum.scheme],
        "code": ucum.value,
    }


def measured(code: Code, value: float | None, unit: str = "1") -> list[Json]:
    """Return the component of one number; none where it is not known."""
    if value is None:
        return []
    return [{"code": concept(code), "valueQuantity": quantity(value, unit)}]


def coded(code: Code, value: Code | None) -> list[Json]:
    """Return the component of one coded value; none where it is not known."""
    if value is None:
        return []
    return [{"code": concept(code), "valueCodeableConcept": concept(value)}]


def absent(code: Code) -> Json:
    """Return the dataAbsentReason of what was not judged: FHIR's word and the private one."""
    return {"coding": [NOT_PERFORMED, coding(code)], "text": code.meaning}


def meta(*, experimental: bool = False) -> Json:
    """Return the tags of a resource: research use only, and experimental where it is."""
    marks = (RESEARCH_USE_ONLY, EXPERIMENTAL) if experimental else (RESEARCH_USE_ONLY,)
    return {"tag": [coding(one) for one in marks]}


def notes(*texts: str, experimental: bool = False) -> list[Json]:
    """Return Annotations: ``texts``, then the marks in words."""
    marks = [EXPERIMENTAL] if experimental else []
    return [{"text": text} for text in (*texts, *(one.meaning + "." for one in marks))] + [
        {"text": RESEARCH_USE_ONLY.meaning + "."}
    ]


def entry(full_url: str, resource: Json) -> Json:
    """Return a bundle entry; the id of the resource is that of its URL."""
    identity = {"id": full_url.removeprefix("urn:uuid:")}
    kind = {"resourceType": resource["resourceType"]}
    return {"fullUrl": full_url, "resource": {**kind, **identity, **resource}}


def refer(full_url: str) -> Json:
    """Return a Reference to a resource of the same bundle."""
    return {"reference": full_url}
