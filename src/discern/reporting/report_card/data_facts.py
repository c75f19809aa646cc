"""What the summary of the data says: scanners, patients, annotations, patient flow."""

from discern.reporting.report_card.evidence import (
    ANNOTATIONS,
    DEMOGRAPHICS,
    FLOW,
    PROTOCOL,
    Evidence,
)
from discern.reporting.report_card.facts import Fact, Facts

_NOT_KNOWN = "-"
_SCANNER = "Scanner"


def scanners(evidence: Evidence) -> Facts:
    """Return the devices that made the images."""
    return _rows(evidence, PROTOCOL, only=(_SCANNER, "Field strength (T)"))


def acquisition(evidence: Evidence) -> Facts:
    """Return the scanning parameters that are known."""
    return _rows(evidence, PROTOCOL)


def demographics(evidence: Evidence) -> Facts:
    """Return age, sex and scanners of each group of patients."""
    return _rows(evidence, DEMOGRAPHICS)


def annotations(evidence: Evidence) -> Facts:
    """Return the annotations of each class in each group."""
    return _rows(evidence, ANNOTATIONS)


def flow(evidence: Evidence) -> Facts:
    """Return where the flow diagram lies."""
    if evidence.summary is None or not evidence.summary.has_flow:
        return ()
    return (Fact("Flow diagram: see the file.", f"{evidence.summary.name}/{FLOW}"),)


def _rows(evidence: Evidence, table: str, only: tuple[str, ...] = ()) -> Facts:
    if evidence.summary is None:
        return ()
    head, *rows = evidence.summary.tables[table]
    said = [
        f"{row[0]}: {_cells(head, row)}"
        for row in rows
        if (not only or row[0] in only) and any(cell != _NOT_KNOWN for cell in row[1:])
    ]
    if not said:
        return ()
    return (Fact("; ".join(said) + ".", f"{evidence.summary.name}/{table}"),)


def _cells(head: tuple[str, ...], row: tuple[str, ...]) -> str:
    cells = [f"{cell} ({group})" for group, cell in zip(head[1:], row[1:], strict=True)]
    return row[1] if len(cells) == 1 else ", ".join(cells)
