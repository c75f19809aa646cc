"""What ``analyze`` and ``demo`` share: findings and page into a folder, a summary on the screen."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from discern.findings import (
    DiscFinding,
    LesionFinding,
    LesionStatus,
    PfirrmannFinding,
    StudyFindings,
)
from discern.inference.analyze import Analysis, AnalysisOptions, analyze
from discern.outputs import check_folder, write_files
from discern.reporting.documents import build_documents, kinds_without_document
from discern.reporting.kinds import Document, DocumentKind, DocumentOptions, Reported
from discern.reporting.page import render_page
from discern.reporting.stamp import MANIFEST, manifest_json, stamp_for

REPORT, FINDINGS = "report.html", "findings.json"
NO_DOCUMENTS = DocumentOptions()
_NOTHING_IN_IT = {
    DocumentKind.GSPS: "no disc was found on a grayscale image",
    DocumentKind.SC: "no disc was found on an image that can be decoded",
    DocumentKind.SEG: "no slice was segmented (weights without a tissue network, or no geometry)",
}
_WORDS = {
    LesionStatus.PRESENT: "present",
    LesionStatus.ABSENT: "absent",
    LesionStatus.NOT_ASSESSED: "not assessed",
}


def analyze_to_folder(
    source: Path,
    out: Path,
    options: AnalysisOptions,
    *,
    documents: DocumentOptions = NO_DOCUMENTS,
    beside: Mapping[str, bytes] | None = None,
    hand_on: Callable[[Sequence[Document]], None] | None = None,
) -> StudyFindings:
    """Analyze ``source``; write findings.json, report.html, documents, and the files ``beside``.

    ``hand_on`` is called with the documents once they are written.

    Raises:
        DiscernError: As ``analyze`` and ``build_documents`` do; then nothing is written.
    """
    check_folder(out)
    analysis = analyze(source, options)
    findings = analysis.findings
    page = render_page(findings, analysis.study)
    contents = {FINDINGS: findings.to_json().encode(), REPORT: page.encode()}
    made, manifest = _documents(analysis, out, documents)
    contents |= {one.name: one.content for one in made} | manifest
    write_files(out, contents | dict(beside or {}))
    for kind in kinds_without_document(documents, made):
        _note(f"no {kind} was written: {_NOTHING_IN_IT[kind]}")
    if hand_on is not None:
        hand_on(made)
    return findings


def _documents(
    analysis: Analysis, out: Path, options: DocumentOptions
) -> tuple[list[Document], dict[str, bytes]]:
    """Return the documents and the manifest file that lists them."""
    if not options.kinds:
        return [], {}
    stamp = stamp_for(analysis.findings, out)
    reported = Reported(analysis.findings, analysis.study, analysis.tissues)
    documents = build_documents(reported, options, stamp)
    return documents, {MANIFEST: manifest_json(stamp, documents).encode()}


def show(findings: StudyFindings, out: Path) -> None:
    """Print the discs, the warnings and where the report is."""
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("level", "Pfirrmann", "probability", "possible", "herniation", "HIZ"):
        table.add_column(title)
    for disc in findings.discs:
        table.add_row(*_cells(disc))
    console.print(table)
    for warning in findings.warnings:
        _note(warning.text)
    console.print(Text(f"report: {out / REPORT}"), soft_wrap=True)
    console.print(Text("Research use only, not a medical device.", style="dim"))


def _note(text: str) -> None:
    Console().print(Text(f"note: {text}", style="yellow"), soft_wrap=True)


def _cells(disc: DiscFinding) -> list[Text]:
    grade = disc.pfirrmann
    grades = _grade(grade) if grade else ["-", "-", "-"]
    return [Text(str(disc.level)), *map(Text, grades), _lesion(disc.herniation), _lesion(disc.hiz)]


def _grade(finding: PfirrmannFinding) -> list[str]:
    """Return grade, its probability, and the grades that cannot be ruled out."""
    kept = [int(grade) for grade in finding.conformal_set or ()]
    possible = f"{kept[0]}-{kept[-1]}" if len(kept) > 1 else "".join(map(str, kept)) or "-"
    told = f"{int(finding.grade)}{'?' if finding.abstain else ''}"
    return [told, f"{max(finding.probabilities):.2f}", possible]


def _lesion(finding: LesionFinding) -> Text:
    words = _WORDS[finding.status]
    return Text(f"{words} (experimental)" if finding.experimental else words)
