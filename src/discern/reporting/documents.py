"""From findings to the documents that ``--also`` names.

Each writer is imported when its document is asked for: what a department does not use costs it
nothing.
"""

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
        UsageError: SR of a study that is not DICOM.
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
    return [one for kind in options.kinds for one in _build(kind, reported, options, stamp)]


def _build(
    kind: DocumentKind, reported: Reported, options: DocumentOptions, stamp: Stamp
) -> list[Document]:
    match kind:
        case DocumentKind.SR:
            from discern.reporting.dicom_objects.structured import write_structured_report

            return write_structured_report(reported, stamp)
        case DocumentKind.CSV | DocumentKind.PARQUET:
            from discern.reporting.disc_table import write_csv, write_parquet

            return write_csv(reported) if kind is DocumentKind.CSV else write_parquet(reported)
        case DocumentKind.TEXT:
            from discern.reporting.narrative import write_text

            return write_text(reported, stamp, options)
        case DocumentKind.FHIR:
            return _fhir(reported, options, stamp)


def _fhir(reported: Reported, options: DocumentOptions, stamp: Stamp) -> list[Document]:
    from discern.reporting.fhir import write_fhir
    from discern.reporting.narrative import draft_report

    draft = draft_report(
        reported.findings,
        language=options.language,
        symptoms=options.symptoms,
        templates=options.templates,
    )
    return write_fhir(reported, stamp, draft)
