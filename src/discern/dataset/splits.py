"""Patients divided into training, validation and test: seeded, stratified, written to disk."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from discern.dataset.sources import Dataset
from discern.errors import DatasetError

SCHEMA = "discern.split/1"
PAPER_FRACTIONS = (0.7, 0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Split:
    """Patients of each part, and the digest of the data set they come from."""

    data_digest: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def to_json(self) -> str:
        """Return the ``discern.split/1`` text."""
        document = {
            "schema": SCHEMA,
            "data_digest": self.data_digest,
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        return json.dumps(document, indent=1) + "\n"


def split_patients(
    dataset: Dataset, seed: int, fractions: tuple[float, float, float] = PAPER_FRACTIONS
) -> Split:
    """Split by patient into ``fractions`` of train, validation and test.

    Patients are ordered by their median grade, ties in random order. Each part then takes its
    share evenly along that order (largest deficit first), so that all parts see like grades.

    Raises:
        DatasetError: The fractions do not add up to one.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:  # noqa: PLR2004 - rounding only
        raise DatasetError(f"fractions {fractions} must be positive and add up to 1")
    ordered = _by_median_grade(dataset, np.random.default_rng(seed))
    parts: tuple[list[str], ...] = ([], [], [])
    for count, patient in enumerate(ordered, start=1):
        deficit = [share * count - len(part) for share, part in zip(fractions, parts, strict=True)]
        parts[int(np.argmax(deficit))].append(patient)
    train, validation, test = (tuple(sorted(part)) for part in parts)
    return Split(dataset.digest, train, validation, test)


def fold_splits(dataset: Dataset, seed: int, folds: int, validation: float = 0.1) -> list[Split]:
    """Return one split per fold: each patient is in the test part of exactly one.

    ``validation`` is the share of the remaining patients kept for choosing and calibrating.
    """
    ordered = _by_median_grade(dataset, np.random.default_rng(seed))
    if not 2 <= folds <= len(ordered):  # noqa: PLR2004 - one fold leaves nothing to train on
        raise DatasetError(f"{folds} folds: choose 2 to {len(ordered)}, the number of patients")
    every = max(2, round(1 / validation))
    splits = []
    for fold in range(folds):
        rest = [patient for i, patient in enumerate(ordered) if i % folds != fold]
        splits.append(
            Split(
                dataset.digest,
                train=tuple(sorted(p for i, p in enumerate(rest) if i % every)),
                validation=tuple(sorted(rest[::every])),
                test=tuple(sorted(ordered[fold::folds])),
            )
        )
    return splits


def write_split(split: Split, path: Path) -> None:
    """Write ``split`` as JSON."""
    path.write_text(split.to_json(), encoding="utf-8")


def read_split(path: Path, dataset: Dataset) -> Split:
    """Read a split and verify that it belongs to ``dataset``.

    Raises:
        DatasetError: Not a split, or one that leaks or is of other data.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema is {document['schema']!r}")  # noqa: TRY301 - same remedy
        parts = {name: _names(document[name]) for name in ("train", "validation", "test")}
        split = Split(document["data_digest"], **parts)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path.name}: not a {SCHEMA} file ({error})") from error
    verify_split(split, dataset)
    return split


def verify_split(split: Split, dataset: Dataset) -> None:
    """Raise ``DatasetError`` where a patient is in two parts or the data are others."""
    if split.data_digest != dataset.digest:
        raise DatasetError(
            f"the split was made for other data (digest {split.data_digest[:12]}, "
            f"{dataset.name} has {dataset.digest[:12]}); make a new one: discern dataset split"
        )
    for a, b in combinations((split.train, split.validation, split.test), 2):
        both = sorted(set(a) & set(b))
        if both:
            raise DatasetError(f"the split leaks: patient {both[0]} is in two parts")
    unknown = {*split.train, *split.validation, *split.test} - set(dataset.patients)
    if unknown:
        raise DatasetError(f"the split names patients that {dataset.name} lacks: {min(unknown)}")


def _names(value: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("parts are lists of patient names")
    return tuple(value)


def _by_median_grade(dataset: Dataset, rng: np.random.Generator) -> list[str]:
    grades: dict[str, list[int]] = {patient: [] for patient in dataset.patients}
    for truth in dataset.truths:
        grades[truth.patient] += [int(b.label.grade) for b in truth.boxes if b.label.grade]
    shuffled = [str(patient) for patient in rng.permutation(dataset.patients)]
    return sorted(shuffled, key=lambda patient: float(np.median(grades[patient] or [0])))
