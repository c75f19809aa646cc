"""From findings to the documents that ``--also`` names.

Each writer is imported when its document is asked for: what a department does not use costs it
nothing.
"""

from collections.abc import Iterable
from warnings import catch_warnings, filterwarnings

from discern.errors import UsageError
from discern.findings import Source
from discern.reporting.kinds import (
    NEEDS_DICOM,
    Document,
    DocumentKind,
    DocumentOptions,
    Reported,
)
from discern.reporting.stamp import Stamp


def check_source(source: Source, options: DocumentOptions) -> None:
    """Refuse documents that a source cannot have.

    Raises:
        UsageError: An SR, GSPS, SC or SEG of a study that is not DICOM.
    """
    refused = [kind for kind in options.kinds if kind in NEEDS_DICOM]
    if refused and source is not Source.DICOM:
        raise UsageError(
            f"--also {','.join(refused)}: a DICOM object refers to DICOM images, and this "
            f"input is {source.upper()}; give the DICOM study, or leave it out"
        )


def build_documents(reported: Reported, options: DocumentOptions, stamp: Stamp) -> list[Document]:
    """Return every document that ``options`` name; the same arguments give the same bytes.

    Raises:
        UsageError: A document that this source cannot have.
        InputError: A DICOM study without the UIDs that a document needs.
    """
    check_source(reported.findings.source, options)
    with catch_warnings():
        filterwarnings(
            "ignore", module="highdicom"
        )  # of patient names in one part; it repeats them
        return [one for kind in options.kinds for one in _build(kind, reported, options, stamp)]


def kinds_without_document(
    options: DocumentOptions, documents: Iterable[Document]
) -> list[DocumentKind]:
    """Return what was asked for and not made: there was nothing to show in it."""
    made = {one.kind for one in documents}
    return [one for one in options.kinds if one not in made]


def _build(
    kind: DocumentKind, reported: Reported, options: DocumentOptions, stamp: Stamp
) -> list[Document]:
    match kind:
        case DocumentKind.SR:
            from discern.reporting.dicom_objects.structured import write_structured_report

            made = write_structured_report(reported, stamp)
        case DocumentKind.GSPS:
            from discern.reporting.dicom_objects.presentation import write_presentation_states

            made = write_presentation_states(reported, stamp)
        case DocumentKind.SC:
            from discern.reporting.dicom_objects.capture import write_secondary_captures

            made = write_secondary_captures(reported, stamp)
        case DocumentKind.SEG:
            from discern.reporting.dicom_objects.segmentation import write_segmentation

            made = write_segmentation(reported, stamp)
        case DocumentKind.PDF:
            from discern.reporting.printed import write_pdf

            made = write_pdf(reported, stamp, options, _draft(reported, options))
        case DocumentKind.CSV | DocumentKind.PARQUET:
            from discern.reporting.disc_table import write_csv, write_parquet

            made = write_csv(reported) if kind is DocumentKind.CSV else write_parquet(reported)
        case DocumentKind.TEXT:
            from discern.reporting.narrative import write_text

            made = write_text(reported, stamp, options)
        case DocumentKind.FHIR:
            from discern.reporting.fhir import write_fhir

            made = write_fhir(reported, stamp, _draft(reported, options))
    return made


def _draft(reported: Reported, options: DocumentOptions) -> str:
    from discern.reporting.narrative import draft_report

    return draft_report(
        reported.findings,
        language=options.language,
        symptoms=options.symptoms,
        templates=options.templates,
    )
