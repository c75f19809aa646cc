"""``discs.csv``: what a reader said of each disc on the whole examination.

Columns ``patient``, ``ivd_label`` (the ``group_id`` of the disc's boxes) and ``herniation`` (0 or
1); ``bulging`` and ``hiz`` (0 or 1) where the reader looked for them. An empty cell is unknown;
other columns are not read.
"""

import csv
from pathlib import Path

from discern.errors import DatasetError
from discern.evaluation.disc_records import DiscRecord, DiscRecords

_NEEDED = ("patient", "ivd_label", "herniation")
_ANSWERS = {"": None, "0": False, "1": True}


def read_disc_records(table: Path) -> DiscRecords:
    """Return the records by patient and disc, none where there is no such file.

    Raises:
        DatasetError: A column is missing, a value is neither 0 nor 1, or a disc has two rows.
    """
    if not table.is_file():
        return {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table.name}: cannot be read as CSV ({error})") from error
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(
            f"{table.name}: no column {missing[0]!r}; needs patient, ivd_label, herniation (0 or 1)"
        )
    records: dict[tuple[str, int], DiscRecord] = {}
    for line, row in enumerate(rows, start=2):
        try:
            disc = row["patient"].strip(), int(row["ivd_label"])
            record = _record(row)
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{table.name}, line {line}: {error}") from error
        if disc in records:
            raise DatasetError(
                f"{table.name}, line {line}: patient {disc[0]} has a second row for disc {disc[1]}"
            )
        records[disc] = record
    return records


def _record(row: dict[str, str]) -> DiscRecord:
    return DiscRecord(
        herniation=_answer(row, "herniation"),
        hiz=_answer(row, "hiz"),
        bulging=_answer(row, "bulging"),
    )


def _answer(row: dict[str, str], column: str) -> bool | None:
    cell = (row.get(column) or "").strip()
    if cell not in _ANSWERS:
        raise ValueError(f"{column} is {cell!r}; write 0 or 1, or leave it empty")
    return _ANSWERS[cell]
