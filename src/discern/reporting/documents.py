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
        UsageError: SR, GSPS, SC or SEG of a study that is not DICOM.
    """
    refused = [kind for kind in options.kinds if kind in NEEDS_DICOM]
    if refused and source is not Source.DICOM:
        raise UsageError(
            f"--also {','.join(refused)}: these DICOM objects refer to DICOM images, and this "
            f"input is {source.upper()}; give the DICOM study, or leave them out"
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
    raise NotImplementedError(kind)
