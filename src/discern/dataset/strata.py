"""An order of the patients of which any even share is fair: alike in grades and scanners.

The patients are put vendor by vendor (``manufacturer`` in ``patients.csv``, where the data set has
one), within a vendor by their median grade, ties at random. Grades rise in one vendor and fall in
the next, so that neighbours are alike everywhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from discern.dataset.patients import read_patients
from discern.dataset.sources import Dataset
from discern.errors import DatasetError


def stratified_order(dataset: Dataset, rng: np.random.Generator) -> list[str]:
    """Return all patients by vendor and median grade.

    Vendors come in order of name, patients of unknown vendor first.
    """
    grades: dict[str, list[int]] = {patient: [] for patient in dataset.patients}
    for truth in dataset.truths:
        grades[truth.patient] += [int(b.label.grade) for b in truth.boxes if b.label.grade]
    median = {patient: float(np.median(values or [0])) for patient, values in grades.items()}
    records = read_patients(dataset.folder)
    strata: dict[str, list[str]] = defaultdict(list)
    for patient in rng.permutation(dataset.patients).tolist():
        record = records.get(patient)
        strata[(record and record.vendor) or ""].append(patient)
    return [
        patient
        for number, vendor in enumerate(sorted(strata))
        for patient in sorted(strata[vendor], key=median.__getitem__, reverse=number % 2 == 1)
    ]


def one_of_each_few(ordered: Sequence[str], share: float, rng: np.random.Generator) -> set[str]:
    """Return about ``share`` of the patients, one at random of each few neighbours.

    At least one is returned where two are given, and never all.
    """
    few = max(2, round(1 / share))
    places = [start + int(rng.integers(few)) for start in range(0, len(ordered), few)]
    if len(ordered) < few:
        places = [int(rng.integers(len(ordered)))] if len(ordered) > 1 else []
    return {ordered[place] for place in places if place < len(ordered)}


def vendors_of(dataset: Dataset) -> Mapping[str, tuple[str, ...]]:
    """Return the patients of each vendor, patients without a vendor left out.

    Raises:
        DatasetError: ``patients.csv`` is missing, or names one vendor only.
    """
    records = read_patients(dataset.folder)
    vendors: dict[str, list[str]] = {}
    for patient in dataset.patients:
        vendor = records[patient].vendor if patient in records else None
        if vendor:
            vendors.setdefault(vendor, []).append(patient)
    if len(vendors) < 2:  # noqa: PLR2004 - one to train on, one to test on
        raise DatasetError(
            f"{dataset.name}: transfer needs patients.csv with a manufacturer for each patient, "
            f"and two manufacturers; found {', '.join(vendors) or 'none'}"
        )
    return {vendor: tuple(vendors[vendor]) for vendor in sorted(vendors)}
