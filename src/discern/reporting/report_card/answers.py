"""Answers to every topic: what the files say, what a person adds, or a placeholder."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from discern.errors import UsageError
from discern.reporting.report_card.checklist import Checklist, Item
from discern.reporting.report_card.evidence import Evidence
from discern.reporting.report_card.facts import Fact, Facts
from discern.reporting.report_card.topics import TOPICS, Topic

ANSWERS_FILE = "answers.toml"


class Status(StrEnum):
    """How far an item is answered."""

    FILLED = "filled"
    PARTLY = "partly filled"
    TO_WRITE = "to be written"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one topic.

    Attributes:
        facts: From the files, then from a person.
        placeholder: What is still to be written; None where nothing is.
    """

    facts: Facts
    placeholder: str | None


Answers = Mapping[str, Answer]
"""By topic."""


def answer_topics(evidence: Evidence, written: Mapping[str, str]) -> Answers:
    """Return the answer to every topic.

    Args:
        evidence: What was read.
        written: Topic -> what a person wrote.
    """
    return {
        key: _answer(topic, evidence, written.get(key, "").strip()) for key, topic in TOPICS.items()
    }


def _answer(topic: Topic, evidence: Evidence, written: str) -> Answer:
    found = topic.find(evidence)
    if written:
        return Answer((*found, Fact(written, ANSWERS_FILE)), None)
    if found and not topic.needs_person:
        return Answer(found, None)
    otherwise = f" (or give {topic.give})" if topic.give and not found else ""
    return Answer(found, f"[WRITE: {topic.hint}{otherwise}]")


def status_of(item: Item, answers: Answers) -> Status:
    """Return how far ``item`` is answered."""
    own = [answers[key] for key in item.topics]
    if all(one.placeholder is None for one in own):
        return Status.FILLED
    return Status.PARTLY if any(one.facts for one in own) else Status.TO_WRITE


def read_answers(path: Path) -> Mapping[str, str]:
    """Read what a person wrote: topic -> text.

    Raises:
        UsageError: The file cannot be read, is not TOML, or names an unknown topic.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UsageError(f"{path.name}: not TOML ({error}); correct it") from error
    for key, text in document.items():
        if key not in TOPICS:
            close = get_close_matches(key, TOPICS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(TOPICS)}"
            raise UsageError(f"{path.name}: unknown item {key!r}; {meant}")
        if not isinstance(text, str):
            raise UsageError(f"{path.name}: {key} must be text in quotation marks")
    return document


def answers_template(answers: Answers, checklists: tuple[Checklist, ...]) -> str:
    """Return an ``answers.toml`` with every topic, empty, and what is asked above it."""
    lines = [
        "# What a person writes, by item; an empty text leaves the placeholder standing.",
        "# Longer texts go between three double quotation marks. Write it once: it goes to every",
        "# place named above it, after what the files say. This file is never overwritten.",
    ]
    for key, topic in TOPICS.items():
        lines += ["", f"# {'; '.join(_places(key, checklists))}"]
        said = "" if answers[key].placeholder else "Answered from the files; a remark is possible: "
        lines += [f"# {said}{topic.hint}", f'{key} = ""']
    return "\n".join(lines) + "\n"


def _places(key: str, checklists: tuple[Checklist, ...]) -> list[str]:
    found = []
    for one in checklists:
        numbers = [item.number for item in one.items if key in item.topics]
        found += [f"{one.name} {', '.join(numbers)}"] if numbers else []
    return found
