"""The printed page: findings, draft report and pictures of one study as a PDF on A4.

Text from files is escaped by the template engine; the page holds no name of the patient. For a
DICOM study the same PDF is also given as an Encapsulated PDF object.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from discern import __version__
from discern.errors import UsageError
from discern.findings import Source, StudyFindings
from discern.reporting import wording
from discern.reporting.dicom_objects.encapsulated import encapsulate_pdf
from discern.reporting.kinds import Document, DocumentKind, DocumentOptions, Reported
from discern.reporting.printed_engine import typeset
from discern.reporting.printed_pictures import build_pictures
from discern.reporting.rows import DOUBTFUL_BELOW, build_rows, doubtful_names
from discern.reporting.stamp import Stamp
from discern.reporting.viewers import build_viewers
from discern.spine import Language, PfirrmannGrade

FILE_NAME = "report.pdf"
STYLE_NAME = "printed.css"
_DIGITS = 12
_ENDS_A_SENTENCE = (*".;:。", "\N{FULLWIDTH SEMICOLON}", "\N{FULLWIDTH COLON}")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A part of the draft between empty lines; ``heading`` is empty where it has none.

    ``level`` is 3 for a section and 4 for one disc.
    """

    heading: str
    level: int
    lines: tuple[str, ...]


def write_pdf(
    reported: Reported, stamp: Stamp, options: DocumentOptions, draft: str
) -> list[Document]:
    """Return ``report.pdf`` and, for a DICOM study, the same PDF as ``encapsulated-pdf.dcm``.

    A ``printed.css`` in the folder ``options.templates`` follows the built-in style. ``draft`` is
    the text of the draft report.

    Raises:
        UsageError: WeasyPrint, Pango or a Chinese font is missing, or the department's style asks
            for a file or an address.
        InputError: A DICOM image lacks a UID.
    """
    styles = (_asset(STYLE_NAME), _own_style(options.templates))
    uid_options = hashlib.sha256("\0".join((options.language, draft, *styles)).encode()).hexdigest()
    identifier = stamp.uid(DocumentKind.PDF, "file", uid_options)
    context = _context(reported, stamp, options.language, draft)
    context["styles"] = [Markup(one) for one in styles]  # noqa: S704 - no data: ours, the user's
    pdf = typeset(_page(context, frozenset()), identifier)
    if pdf.missing and options.language is Language.CHINESE:
        raise UsageError(_without_font(pdf.missing))
    if pdf.missing:
        pdf = typeset(_page(context, pdf.missing), identifier)
    document = Document(DocumentKind.PDF, FILE_NAME, pdf.content, "application/pdf")
    if reported.findings.source is not Source.DICOM:
        return [document]
    return [document, encapsulate_pdf(pdf.content, reported.study, stamp, uid_options)]


def _own_style(folder: Path | None) -> str:
    """Return the department's own style, empty where it has none."""
    path = None if folder is None else folder / STYLE_NAME
    return path.read_text(encoding="utf-8") if path and path.is_file() else ""


def _without_font(missing: frozenset[str]) -> str:
    some = "".join(sorted(missing)[:8])
    return (
        f"--also pdf --language zh: no installed font has the characters {some}; install one with "
        "apt install fonts-noto-cjk (Debian, Ubuntu) or from notofonts.github.io"
    )


def _page(context: dict[str, object], missing: frozenset[str]) -> str:
    names = sorted(f"U+{ord(one):04X}" for one in missing)
    template = _environment().get_template("printed.html.j2")
    return template.render(context, missing=names)


def _context(reported: Reported, stamp: Stamp, language: Language, draft: str) -> dict[str, object]:
    findings, study = reported.findings, reported.study
    viewers = build_viewers(findings, study)
    rows = build_rows(findings, study, viewers)
    time = stamp.content_time.astimezone(UTC)
    return {
        "findings": findings,
        "study": study,
        "language": str(language),
        "rows": rows,
        "pictures": build_pictures(rows, viewers),
        "axial_shown": viewers.axial is not None,
        "doubtful": findings.numbering.confidence < DOUBTFUL_BELOW,
        "unsure": doubtful_names(rows),
        "synthetic": any(one.code == "synthetic" for one in findings.warnings),
        "warnings": [one for one in findings.warnings if one.code != "synthetic"],
        "draft": tuple(paragraphs(draft)),
        "romans": [grade.name for grade in PfirrmannGrade],
        "version": __version__,
        "written": time.strftime("%Y-%m-%d %H:%M UTC"),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "digests": _digests(findings, stamp),
    }


def _digests(findings: StudyFindings, stamp: Stamp) -> dict[str, str]:
    """Return the first digits of the SHA-256 of what the page was made from."""
    uid = findings.study_instance_uid
    return {
        "study": hashlib.sha256(uid.encode()).hexdigest()[:_DIGITS] if uid else "",
        "findings": stamp.findings_sha256[:_DIGITS],
        "weights": findings.model.sha256[:_DIGITS],
    }


def paragraphs(draft: str) -> Iterator[Paragraph]:
    r"""Yield the parts of a draft; a first line that is no sentence is the heading of its part.

    >>> for one in paragraphs("FINDINGS\n\nL4-L5\n  Herniation: none.\n\nDraft.\n"): print(one)
    Paragraph(heading='FINDINGS', level=3, lines=())
    Paragraph(heading='L4-L5', level=4, lines=('  Herniation: none.',))
    Paragraph(heading='', level=3, lines=('Draft.',))
    """
    for part in re.split(r"\n\s*\n", draft.strip("\n")):
        first, *rest = part.split("\n")
        of_disc = bool(rest) and rest[0].startswith(" ")
        if first.startswith((" ", "-")) or first.rstrip().endswith(_ENDS_A_SENTENCE):
            yield Paragraph("", 3, (first, *rest))
        else:
            yield Paragraph(first, 4 if of_disc else 3, tuple(rest))


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("discern.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=wording.printable,
    )
    environment.filters |= {
        "percent": wording.percent,
        "share_words": wording.share_words,
        "date": wording.date,
    }
    return environment
