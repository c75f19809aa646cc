"""One fact of a report card and the file it was read from."""

from collections.abc import Callable
from dataclasses import dataclass

from discern.reporting.report_card.evidence import Evidence

PROGRAM = "Discern"


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement; ``source`` is a file, or ``PROGRAM`` where every run works like that."""

    text: str
    source: str


Facts = tuple[Fact, ...]
Finder = Callable[[Evidence], Facts]
"""Returns what the files say about one topic; nothing where they do not."""


def counted(number: int, noun: str) -> str:
    """Return the number with its noun.

    >>> counted(1, "patient"), counted(2, "patient")
    ('1 patient', '2 patients')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def yes_or_no(value: object) -> str:
    """Return whether ``value`` is true, in a word."""
    return "yes" if value else "no"
