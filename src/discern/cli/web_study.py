"""``discern analyze dicomweb://...``: a study read from a server, its documents stored back."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from discern.cli.study_output import analyze_to_folder
from discern.dicomweb.retrieving import retrieve
from discern.dicomweb.source import WebSource, is_web_source, parse_source
from discern.dicomweb.storing import send
from discern.errors import DeliveryError, UsageError
from discern.findings import StudyFindings
from discern.inference.analyze import AnalysisOptions
from discern.outputs import check_folder
from discern.reporting.kinds import MAKES_DICOM, Document, DocumentOptions


def check_store(source: str, documents: DocumentOptions) -> None:
    """Refuse ``--store`` where there is no server or nothing to store.

    Raises:
        UsageError: The input is no dicomweb address, or ``--also`` names no DICOM document.
    """
    if not is_web_source(source):
        raise UsageError("--store sends documents back to a dicomweb:// input; this one is local")
    if not MAKES_DICOM.intersection(documents.kinds):
        raise UsageError("--store has nothing to send: name a DICOM document, such as --also sr")


def analyze_from_server(
    address: str,
    out: Path,
    options: AnalysisOptions,
    *,
    documents: DocumentOptions,
    store: bool,
) -> StudyFindings:
    """Read the study of ``address``, analyze it into ``out``, store its DICOM documents back.

    The images lie in a private temporary folder only as long as the analysis runs.

    Raises:
        DiscernError: As ``retrieve``, ``analyze_to_folder`` and ``send`` do.
    """
    source = parse_source(address, os.environ)
    check_folder(out)
    with TemporaryDirectory(prefix="discern-") as folder:
        retrieve(source, Path(folder))
        return analyze_to_folder(
            Path(folder),
            out,
            options,
            documents=documents,
            hand_on=lambda made: _send(source, made, out) if store else None,
        )


def _send(source: WebSource, documents: Sequence[Document], out: Path) -> None:
    contents = [one.content for one in documents if one.sop_instance_uid is not None]
    try:
        send(source.server, contents)
    except DeliveryError as error:
        raise DeliveryError(
            f"{error}; all documents are in {out}", temporary=error.temporary
        ) from error
