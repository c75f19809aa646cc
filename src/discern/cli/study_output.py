"""What ``analyze`` and ``demo`` share: findings and page into a folder, a summary on the screen."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from discern.findings import DiscFinding, LesionFinding, LesionStatus, StudyFindings
from discern.inference.analyze import AnalysisOptions, analyze
from discern.outputs import check_folder, write_files
from discern.reporting.page import render_page

REPORT, FINDINGS = "report.html", "findings.json"
_WORDS = {
    LesionStatus.PRESENT: "present",
    LesionStatus.ABSENT: "absent",
    LesionStatus.NOT_ASSESSED: "not assessed",
}


def analyze_to_folder(
    source: Path, out: Path, options: AnalysisOptions, also: Mapping[str, bytes] | None = None
) -> StudyFindings:
    """Analyze ``source`` and write findings.json, report.html and the files of ``also``."""
    check_folder(out)
    analysis = analyze(source, options)
    page = render_page(analysis.findings, analysis.study)
    contents = {FINDINGS: analysis.findings.to_json().encode(), REPORT: page.encode()}
    write_files(out, contents | dict(also or {}))
    return analysis.findings


def show(findings: StudyFindings, out: Path) -> None:
    """Print the discs, the warnings and where the report is."""
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("level", "Pfirrmann", "probability", "herniation", "HIZ"):
        table.add_column(title)
    for disc in findings.discs:
        table.add_row(*_cells(disc))
    console.print(table)
    for warning in findings.warnings:
        console.print(Text(f"note: {warning.text}", style="yellow"), soft_wrap=True)
    console.print(Text(f"report: {out / REPORT}"), soft_wrap=True)
    console.print(Text("Research use only, not a medical device.", style="dim"))


def _cells(disc: DiscFinding) -> list[Text]:
    grade = disc.pfirrmann
    grades = [str(int(grade.grade)), f"{max(grade.probabilities):.2f}"] if grade else ["-", "-"]
    return [Text(str(disc.level)), *map(Text, grades), _lesion(disc.herniation), _lesion(disc.hiz)]


def _lesion(finding: LesionFinding) -> Text:
    words = _WORDS[finding.status]
    return Text(f"{words} (experimental)" if finding.experimental else words)
