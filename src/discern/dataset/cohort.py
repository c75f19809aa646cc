"""Groups of patients as the columns of a paper's tables: the parts of a split, or everybody."""

from collections.abc import Mapping
from dataclasses import dataclass

from discern.annotations import GroundTruth
from discern.dataset.patients import PatientRecord, read_patients
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split
from discern.spine import GRADE_LABELS, Plane

PART_TITLES = {"train": "Training set", "validation": "Validation set", "test": "Test set"}
"""The paper's words for the parts of a split."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some patients of one data set.

    Attributes:
        title: As in the head of a table, without the number of patients.
        patients: Their names.
        truths: Their annotated images.
        records: What ``patients.csv`` says of those it has.
    """

    title: str
    patients: tuple[str, ...]
    truths: tuple[GroundTruth, ...]
    records: tuple[PatientRecord, ...]

    @property
    def head(self) -> str:
        """Title with the number of patients."""
        return f"{self.title} (n = {len(self.patients)})"

    @property
    def discs(self) -> int | None:
        """Different graded discs; None where a graded box does not say which disc it is."""
        graded = [
            (truth.patient, box.disc)
            for truth in self.truths
            for box in truth.boxes
            if box.label in GRADE_LABELS
        ]
        return None if any(disc is None for _, disc in graded) else len(set(graded))

    def images(self, plane: Plane) -> int:
        """Return the number of annotated images of ``plane``."""
        return sum(truth.plane is plane for truth in self.truths)


def everybody(dataset: Dataset, title: str) -> Group:
    """Return all patients of ``dataset``."""
    return _group(dataset, read_patients(dataset.folder), title, dataset.patients)


def groups_of(dataset: Dataset, split: Split | None) -> list[Group]:
    """Return the parts of ``split`` that have patients; without a split, everybody."""
    if split is None:
        return [everybody(dataset, "All patients")]
    records = read_patients(dataset.folder)
    return [
        _group(dataset, records, PART_TITLES[name], patients)
        for name, patients in split.parts.items()
        if patients
    ]


def not_used(dataset: Dataset, split: Split) -> list[Group]:
    """Return the patients that are in no part of ``split``, where there are any."""
    used = {patient for part in split.parts.values() for patient in part}
    patients = tuple(patient for patient in dataset.patients if patient not in used)
    title = "In no part of the split"
    return [_group(dataset, read_patients(dataset.folder), title, patients)] if patients else []


def _group(
    dataset: Dataset,
    records: Mapping[str, PatientRecord],
    title: str,
    patients: tuple[str, ...],
) -> Group:
    known = tuple(records[patient] for patient in patients if patient in records)
    return Group(title, patients, dataset.of_patients(patients), known)
