"""``patients.csv`` of a data set: who was examined, and on which scanner.

One row a patient; only ``patient`` is required. Read are ``sex`` (M or F), ``age_years``,
``weight_kg``, ``height_m``, ``manufacturer``, ``model``, ``field_strength_t``,
``pixel_spacing_mm`` (one number, or ``[row, column]``) and ``slice_thickness_mm``. An empty cell
means "not known". Every other column is kept as text.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from discern.dataset.vendors import vendor_of
from discern.errors import DatasetError

PATIENTS_FILE = "patients.csv"
_NOT_KNOWN = frozenset({"", "-", "?", "na", "n/a", "nan", "none", "unknown"})
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F"}
_OTHER_SEX = frozenset({"o", "other", "u"})  # DICOM's third code
_LARGEST = {"age_years": 120.0, "weight_kg": 400.0, "height_m": 2.6, "field_strength_t": 15.0}


class Sex(StrEnum):
    """As stated in the examination."""

    FEMALE = "F"
    MALE = "M"


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """What is known of one patient; None where the cell is empty or the column is absent.

    Attributes:
        patient: Name as in the image files.
        sex: Female or male; None also for DICOM's "other".
        age_years: At the examination.
        weight_kg: Body weight.
        height_m: Body height.
        manufacturer: Of the scanner, as written.
        vendor: The manufacturer under one name, however its companies are called.
        model: Of the scanner.
        field_strength_t: Tesla.
        pixel_spacing_mm: Between rows, between columns.
        slice_thickness_mm: Of a slice.
        extra: All other columns as text.
    """

    patient: str
    sex: Sex | None = None
    age_years: float | None = None
    weight_kg: float | None = None
    height_m: float | None = None
    manufacturer: str | None = None
    vendor: str | None = None
    model: str | None = None
    field_strength_t: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def bmi(self) -> float | None:
        """Body mass index in kg per square metre, where height and weight are known."""
        if self.weight_kg is None or self.height_m is None:
            return None
        return self.weight_kg / self.height_m**2

    def text_of(self, column: str) -> str | None:
        """Return what ``column`` says, as text; the vendor for ``manufacturer``.

        >>> PatientRecord("7", vendor="Philips", field_strength_t=3.0).text_of("manufacturer")
        'Philips'
        >>> PatientRecord("7", vendor="Philips", field_strength_t=3.0).text_of("field_strength_t")
        '3'
        """
        if column == "manufacturer":
            return self.vendor
        value = getattr(self, column) if column in _READ else self.extra.get(column)
        if isinstance(value, float):
            return f"{value:g}"
        return str(value) if value not in {None, ""} else None


_READ = frozenset(one.name for one in fields(PatientRecord)) - {"vendor", "extra"}


def read_patients(folder: Path) -> Mapping[str, PatientRecord]:
    """Return the rows of ``folder/patients.csv`` by patient; nothing where there is no such file.

    Raises:
        DatasetError: The file cannot be read, lacks the column ``patient``, names a patient twice
            or holds a value that cannot be; row and column are named.
    """
    path = folder / PATIENTS_FILE
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(
            f"{PATIENTS_FILE}: cannot be read ({error}); save it as UTF-8"
        ) from error
    records: dict[str, PatientRecord] = {}
    for number, row in enumerate(rows, start=2):  # the head is line 1
        record = _record(_Row(number, {k: (v or "").strip() for k, v in row.items() if k}))
        if record.patient in records:
            raise DatasetError(f"{PATIENTS_FILE}: two rows for patient {record.patient}; keep one")
        records[record.patient] = record
    return records


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file."""

    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str | None:
        cell = self.cells.get(column, "")
        return None if cell.lower() in _NOT_KNOWN else cell

    def number_of(self, column: str) -> float | None:
        cell = self.text(column)
        return None if cell is None else self._positive(column, cell)

    def spacing(self, column: str) -> tuple[float, float] | None:
        cell = self.text(column)
        if cell is None:
            return None
        values = [
            self._positive(column, part)
            for part in cell.strip("[]()").replace("\\", " ").replace(",", " ").split()
        ]
        if not 1 <= len(values) <= 2:  # noqa: PLR2004 - rows and columns
            raise self.wrong(column, cell, "one number, or [row, column]")
        return values[0], values[-1]

    def wrong(self, column: str, cell: str, wanted: str) -> DatasetError:
        return DatasetError(
            f"{PATIENTS_FILE} line {self.number}: {column} is {cell!r}; give {wanted}, "
            "or leave it empty"
        )

    def _positive(self, column: str, cell: str) -> float:
        largest = _LARGEST.get(column, math.inf)
        try:
            value = float(cell)
        except ValueError as error:
            raise self.wrong(column, cell, "a number") from error
        if not 0 < value < math.inf or value > largest:
            wanted = "a positive number" if largest == math.inf else f"a number up to {largest:g}"
            raise self.wrong(column, cell, wanted)
        return value


def _record(row: _Row) -> PatientRecord:
    patient = row.cells.get("patient", "")
    if not patient:
        raise DatasetError(
            f"{PATIENTS_FILE} line {row.number}: no patient; the file needs a column 'patient' "
            "with the name that the image files start with"
        )
    manufacturer = row.text("manufacturer")
    return PatientRecord(
        patient=patient,
        sex=_sex(row),
        age_years=row.number_of("age_years"),
        weight_kg=row.number_of("weight_kg"),
        height_m=row.number_of("height_m"),
        manufacturer=manufacturer,
        vendor=None if manufacturer is None else vendor_of(manufacturer),
        model=row.text("model"),
        field_strength_t=row.number_of("field_strength_t"),
        pixel_spacing_mm=row.spacing("pixel_spacing_mm"),
        slice_thickness_mm=row.number_of("slice_thickness_mm"),
        extra={name: cell for name, cell in row.cells.items() if name not in _READ},
    )


def _sex(row: _Row) -> Sex | None:
    cell = row.text("sex")
    if cell is None or cell.lower() in _OTHER_SEX:
        return None
    if cell.lower() not in _SEX:
        raise row.wrong("sex", cell, "M or F")
    return Sex(_SEX[cell.lower()])
