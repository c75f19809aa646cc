"""Checklists and model card as Markdown."""

from discern.evaluation.table_formats import Table, table_text
from discern.reporting.report_card.answers import Answer, Answers, Status, status_of
from discern.reporting.report_card.checklist import Checklist
from discern.reporting.report_card.evidence import Evidence
from discern.reporting.report_card.figures import BEGIN, END
from discern.reporting.report_card.model_card import (
    RESEARCH_USE,
    card_sections,
    card_title,
    lines_of,
)

WRITE = "[WRITE:"
DISCLAIMER = (
    "The items are put in our own words and show how far a run's files answer them. The published "
    "list is authoritative, its numbers included; read it and its explanation before submission."
)


def counts_of(checklist: Checklist, answers: Answers) -> dict[Status, int]:
    """Return how many items have each status."""
    found = [status_of(item, answers) for item in checklist.items]
    return {status: found.count(status) for status in Status}


def count_text(counts: dict[Status, int]) -> str:
    """Return the counts as words.

    >>> count_text({Status.FILLED: 12, Status.PARTLY: 0, Status.TO_WRITE: 30})
    '12 filled, 0 partly filled, 30 to be written'
    """
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def checklist_markdown(checklist: Checklist, answers: Answers) -> str:
    """Return the list with an answer or a placeholder under every item."""
    count = count_text(counts_of(checklist, answers))
    lines = [
        f"# {checklist.name}",
        "",
        f"{len(checklist.items)} entries: {count}. {DISCLAIMER}",
        "",
    ]
    lines += [f"- {reference}" for reference in checklist.references]
    for section in checklist.sections:
        lines += ["", f"## {section.title}"]
        for item in section.items:
            lines += ["", f"### {item.number}. {item.asks} ({status_of(item, answers)})", ""]
            lines += [line for key in item.topics for line in _bullets(answers[key])]
    return "\n".join(lines) + "\n"


def card_markdown(evidence: Evidence, answers: Answers) -> str:
    """Return ``MODEL_CARD.md``."""
    lines = [f"# {card_title(evidence)}", "", f"**{RESEARCH_USE}**"]
    for section in card_sections(evidence):
        said = [_bullet(line) for line in lines_of(section, answers)]
        lines += ["", f"## {section.title}", *([""] if said else []), *said]
        for table in section.tables:
            lines += ["", _table(table)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> str:
    title, _, body = table_text(table).partition("\n")
    if table.name == "figures":
        return f"{BEGIN}\n\n{body.strip()}\n\n{END}"
    return f"{title}:\n\n{body.strip()}"


def _bullets(answer: Answer) -> list[str]:
    lines = [_bullet(f"{fact.text} *({fact.source})*") for fact in answer.facts]
    return [*lines, _bullet(answer.placeholder)] if answer.placeholder else lines


def _bullet(text: str) -> str:
    """Return one entry of a list, a person's further lines and paragraphs within it."""
    return "- " + text.replace("\n", "\n  ")
