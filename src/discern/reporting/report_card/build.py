"""``discern report-card``: read a run's files and a person's answers, write card and checklists."""

from dataclasses import dataclass
from pathlib import Path

from discern.outputs import check_folder, write_files
from discern.reporting.report_card.answers import (
    ANSWERS_FILE,
    Answers,
    answer_topics,
    answers_template,
    read_answers,
)
from discern.reporting.report_card.claim import CLAIM
from discern.reporting.report_card.documents import (
    card_markdown,
    checklist_markdown,
    count_text,
    counts_of,
)
from discern.reporting.report_card.model_card import card_sections, topics_of
from discern.reporting.report_card.page import report_page
from discern.reporting.report_card.reading import Places, read_evidence
from discern.reporting.report_card.stard_ai import STARD_AI

CHECKLISTS = (STARD_AI, CLAIM)
CARD, PAGE = "MODEL_CARD.md", "report-card.html"


@dataclass(frozen=True, slots=True)
class ReportCard:
    """What was written.

    Attributes:
        to_write: Topics that a person still has to write, by key.
        text: The counts, a line for each checklist.
    """

    to_write: tuple[str, ...]
    text: str


def build_report_card(places: Places, out: Path, answers_file: Path | None = None) -> ReportCard:
    """Write the model card, both checklists and the page to ``out``.

    Args:
        places: The run's files.
        out: Made if absent; an ``answers.toml`` in it is read, and written only where absent.
        answers_file: What a person wrote, instead of the ``answers.toml`` in ``out``.

    Raises:
        UsageError: No weights and no manifest, files of different runs, or unusable answers.
        WeightsError: The weights cannot be read.
        DatasetError: A file is not what it was given as.
        OutputError: ``out`` cannot be written.
    """
    check_folder(out)
    own = out / ANSWERS_FILE
    written = read_answers(answers_file or own) if answers_file or own.exists() else {}
    evidence = read_evidence(places)
    answers = answer_topics(evidence, written)
    to_write = _to_write(answers, topics_of(card_sections(evidence)))
    contents = {
        CARD: card_markdown(evidence, answers),
        **{f"{one.file}.md": checklist_markdown(one, answers) for one in CHECKLISTS},
        PAGE: report_page(evidence, answers, CHECKLISTS, len(to_write)),
    }
    if answers_file is None and not own.exists():
        contents[ANSWERS_FILE] = answers_template(answers, CHECKLISTS)
    write_files(out, {name: text.encode() for name, text in contents.items()})
    counts = [f"{one.name}: {count_text(counts_of(one, answers))}" for one in CHECKLISTS]
    return ReportCard(to_write, "\n".join(counts))


def _to_write(answers: Answers, of_card: tuple[str, ...]) -> tuple[str, ...]:
    asked = {key for one in CHECKLISTS for item in one.items for key in item.topics}
    return tuple(
        key
        for key, answer in answers.items()
        if answer.placeholder and (key in asked or key in of_card)
    )
