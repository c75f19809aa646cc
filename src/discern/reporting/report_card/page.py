"""``report-card.html``: model card and checklists on one page that loads nothing else."""

import re
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from discern.evaluation.table_formats import table_html
from discern.page_policy import content_policy
from discern.reporting.report_card.answers import Answers, status_of
from discern.reporting.report_card.checklist import Checklist
from discern.reporting.report_card.documents import DISCLAIMER, count_text, counts_of
from discern.reporting.report_card.evidence import Evidence
from discern.reporting.report_card.model_card import (
    RESEARCH_USE,
    card_sections,
    card_title,
    lines_of,
)

_PLACEHOLDER = re.compile(r"\[WRITE: [^\]]*\]")


def report_page(
    evidence: Evidence, answers: Answers, checklists: tuple[Checklist, ...], to_write: int
) -> str:
    """Return the HTML; ``to_write`` counts the texts that a person still has to write."""
    style = (files(__package__) / "templates" / "report-card.css").read_text(encoding="utf-8")
    text = (
        _environment()
        .get_template("report-card.html.j2")
        .render(
            policy=content_policy(style),
            style=Markup(style),  # noqa: S704 - our own file, not data
            title=card_title(evidence),
            research_use=RESEARCH_USE,
            disclaimer=DISCLAIMER,
            to_write=to_write,
            sections=[
                (
                    section.title,
                    lines_of(section, answers),
                    [Markup(table_html(table)) for table in section.tables],  # noqa: S704 - escaped there
                )
                for section in card_sections(evidence)
            ],
            checklists=[
                (
                    one,
                    count_text(counts_of(one, answers)),
                    {item.number: status_of(item, answers) for item in one.items},
                )
                for one in checklists
            ],
            answers=answers,
        )
    )
    return text.rstrip("\n") + "\n"


def _marked(text: str) -> Markup:
    """Return ``text`` escaped, its placeholders marked."""
    parts, marks = _PLACEHOLDER.split(text), _PLACEHOLDER.findall(text)
    shown = escape(parts[0])
    for mark, part in zip(marks, parts[1:], strict=True):
        shown += Markup("<mark>{}</mark>{}").format(mark, part)
    return shown


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("discern.reporting.report_card", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    return environment
