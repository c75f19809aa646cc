"""What ``--also`` can name, and what a document is made from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from discern.errors import UsageError
from discern.findings import StudyFindings
from discern.imaging.study import Study
from discern.quantities.slices import TissueSlice
from discern.spine import Language


class DocumentKind(StrEnum):
    """A document beside findings.json and report.html; docs/documents.md describes each."""

    SR = "sr"
    GSPS = "gsps"
    SC = "sc"
    SEG = "seg"
    PDF = "pdf"
    TEXT = "text"
    FHIR = "fhir"
    CSV = "csv"
    PARQUET = "parquet"


NEEDS_DICOM = frozenset({DocumentKind.SR, DocumentKind.GSPS, DocumentKind.SC, DocumentKind.SEG})
"""Documents that refer to DICOM images; there is none of them for another source."""
MAKES_DICOM = NEEDS_DICOM | {DocumentKind.PDF}
"""Documents of which a DICOM study gets a DICOM object, with the patient module of its images."""


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """What a user may choose of the documents.

    Attributes:
        kinds: Which of them are written.
        language: Of the draft report (text, PDF, FHIR conclusion).
        symptoms: As given by ``--symptoms``; orders the levels of the draft report.
        templates: Folder with a department's own draft templates; None for the built-in ones.
    """

    kinds: tuple[DocumentKind, ...] = ()
    language: Language = Language.ENGLISH
    symptoms: str | None = None
    templates: Path | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """What every document is made from.

    Attributes:
        findings: What is said.
        study: The images it is said of.
        tissues: Segmented slices of the first used sagittal series; empty without a segmenter.
    """

    findings: StudyFindings
    study: Study
    tissues: tuple[TissueSlice, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file that is handed on; DICOM objects name themselves.

    Attributes:
        kind: What asked for it.
        name: File name in the output folder.
        content: Its bytes.
        media_type: As in HTTP: "application/dicom", "application/fhir+json", ...
        sop_class_uid: None for what is not DICOM.
        sop_instance_uid: None for what is not DICOM.
    """

    kind: DocumentKind
    name: str
    content: bytes = field(repr=False)
    media_type: str
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None


def parse_kinds(words: Iterable[str]) -> tuple[DocumentKind, ...]:
    """Return the kinds named by ``--also``: separated by commas, repeated or both; in fixed order.

    >>> [str(kind) for kind in parse_kinds(["fhir, sr", "csv"])]
    ['sr', 'fhir', 'csv']

    Raises:
        UsageError: One of them does not exist.
    """
    named = {one.strip().lower() for text in words for one in text.split(",")} - {""}
    unknown = sorted(named - set(DocumentKind))
    if unknown:
        kinds = ", ".join(DocumentKind)
        raise UsageError(f"--also {','.join(unknown)}: no such document; there are {kinds}")
    return tuple(kind for kind in DocumentKind if kind in named)
