"""``exclusions.csv`` of a data set: who was assessed and left out, and why.

Columns: ``patient`` (the name that the person's files would have had; may be empty), ``reason``
(in words; equal words are counted together) and optionally ``count``: how many people the row
stands for where they are not listed one by one, 1 where empty.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from discern.errors import DatasetError

EXCLUSIONS_FILE = "exclusions.csv"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One reason, and how many people were left out for it."""

    reason: str
    people: int


def read_exclusions(folder: Path, included: Iterable[str]) -> tuple[Exclusion, ...] | None:
    """Return the reasons in order of the file; None where the folder has no such file.

    Args:
        folder: The data set.
        included: Its patients, none of whom may be excluded.

    Raises:
        DatasetError: The file cannot be read, lacks a column, names a patient twice or one whose
            images are there; the line is named.
    """
    path = folder / EXCLUSIONS_FILE
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, ValueError, csv.Error) as error:
        raise _wrong(f"cannot be read ({error}); save it as UTF-8") from error
    there, seen = frozenset(included), set[str]()
    people: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):  # the head is line 1
        patient, reason = ((row.get(name) or "").strip() for name in ("patient", "reason"))
        if not reason:
            raise _wrong(f"line {line}: no reason; needs the columns patient and reason")
        if patient in there:
            raise _wrong(f"line {line}: patient {patient} has images here; remove one or the other")
        if patient and patient in seen:
            raise _wrong(f"line {line}: a second row for patient {patient}; keep one reason")
        seen.add(patient)
        people[reason] = people.get(reason, 0) + _count((row.get("count") or "").strip(), line)
    return tuple(Exclusion(reason, count) for reason, count in people.items())


def _count(cell: str, line: int) -> int:
    if not cell:
        return 1
    if not (cell.isascii() and cell.isdigit() and int(cell) > 0):
        raise _wrong(f"line {line}: count is {cell!r}; give a whole number from 1, or leave it out")
    return int(cell)


def _wrong(what: str) -> DatasetError:
    return DatasetError(f"{EXCLUSIONS_FILE}: {what}")
