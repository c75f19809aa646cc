"""What the tests of the printed page share: a study, its PDF, and programs that read it."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from discern.inference.analyze import analyze
from discern.reporting.kinds import Document, DocumentOptions, Reported
from discern.reporting.narrative import draft_report
from discern.reporting.printed import write_pdf
from discern.reporting.stamp import Stamp, findings_digest
from discern.spine import Language

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def reported_on(folder: Path) -> Reported:
    analysis = analyze(folder)
    return Reported(analysis.findings, analysis.study, analysis.tissues)


def documents_of(
    reported: Reported,
    *,
    language: Language = Language.ENGLISH,
    templates: Path | None = None,
    time: datetime = TIME,
) -> list[Document]:
    stamp = Stamp(findings_digest(reported.findings), time)
    draft = draft_report(reported.findings, language=language)
    return write_pdf(reported, stamp, DocumentOptions((), language, None, templates), draft)


def pdf_of(reported: Reported, *, language: Language = Language.ENGLISH) -> bytes:
    return documents_of(reported, language=language)[0].content


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("DISCERN_FULL"), f"{name} is missing"
        pytest.skip(f"{name} is not installed (Debian: dcmtk, dicom3tools, poppler-utils)")
    return found


def text_of(pdf: bytes, *options: str) -> str:
    """Return what ``pdftotext`` reads, pages ended by form feeds."""
    return run([program("pdftotext"), *options, "-", "-"], pdf).decode()


def run(command: list[str], given: bytes) -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def squeezed(text: str) -> str:
    """Return text without any white space: a page breaks lines where it likes."""
    return "".join(text.split())
