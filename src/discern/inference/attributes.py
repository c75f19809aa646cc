"""What ``patients.csv`` knows of each patient, as the words by which subgroups are formed."""

from pathlib import Path

from discern.dataset.patients import PatientRecord, Sex, read_patients
from discern.evaluation.subgroup_parts import Attributes

_SEX = {Sex.FEMALE: "female", Sex.MALE: "male"}
_AGES = ((40.0, "0 to 39"), (60.0, "40 to 59"), (float("inf"), "60 and over"))
_POST_OPERATIVE = "post_operative"
_YES_NO = {"1": "yes", "yes": "yes", "true": "yes", "0": "no", "no": "no", "false": "no"}


def patient_attributes(folder: Path) -> Attributes:
    """Return vendor, field strength, sex, age group and surgery of the patients of a data set.

    Raises:
        DatasetError: ``patients.csv`` is there and cannot be used.
    """
    return {name: attributes_of(record) for name, record in read_patients(folder).items()}


def attributes_of(record: PatientRecord) -> dict[str, str]:
    """Return what is known of one patient.

    >>> attributes_of(PatientRecord("7", sex=Sex.FEMALE, age_years=61, field_strength_t=1.5))
    {'field_strength': '1.5 T', 'sex': 'female', 'age': '60 and over'}
    """
    strength, age = record.field_strength_t, record.age_years
    stated = {
        "vendor": record.vendor,
        "field_strength": None if strength is None else f"{strength:g} T",
        "sex": None if record.sex is None else _SEX[record.sex],
        "age": None if age is None else next(name for end, name in _AGES if age < end),
        _POST_OPERATIVE: _YES_NO.get(record.extra.get(_POST_OPERATIVE, "").lower()),
    }
    return {name: value for name, value in stated.items() if value is not None}
