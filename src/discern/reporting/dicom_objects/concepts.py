"""Codes as highdicom wants them."""

from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from discern.reporting.codes import FHIR_SYSTEMS, PRIVATE, Code


def concept(code: Code) -> CodedConcept:
    """Return a concept; values longer than 16 characters become long code values."""
    return CodedConcept(code.value, code.scheme, code.meaning)


def coding_schemes() -> list[Dataset]:
    """Return the identification of the private scheme (PS3.3 C.12.1.1.2)."""
    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE
    scheme.CodingSchemeUID = FHIR_SYSTEMS[PRIVATE].removeprefix("urn:oid:")
    scheme.CodingSchemeName = "Discern concepts, defined in docs/codes.md"
    scheme.CodingSchemeResponsibleOrganization = "Discern"
    return [scheme]
