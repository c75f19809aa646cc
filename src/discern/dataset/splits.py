"""Patients divided into training, validation and test: seeded, stratified, written to disk."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from discern.dataset.duplicates import find_copies, fingerprint
from discern.dataset.patients import PATIENTS_FILE, read_patients
from discern.dataset.samples import read_image
from discern.dataset.sources import Dataset, image_files
from discern.dataset.strata import one_of_each_few, stratified_order
from discern.errors import DatasetError

SCHEMA = "discern.split/1"
PAPER_FRACTIONS = (0.7, 0.2, 0.1)
PARTS = ("train", "validation", "test")
MOST_VALUES = 12
"""Of a column that names groups of patients; more are a measurement or a name."""


@dataclass(frozen=True, slots=True)
class Split:
    """Patients of each part, and the digest of the data set they come from."""

    data_digest: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The patients by name of the part."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def to_json(self) -> str:
        """Return the ``discern.split/1`` text."""
        document = {
            "schema": SCHEMA,
            "data_digest": self.data_digest,
            **self.parts,
        }
        return json.dumps(document, indent=1) + "\n"


def split_patients(
    dataset: Dataset, seed: int, fractions: tuple[float, float, float] = PAPER_FRACTIONS
) -> Split:
    """Split by patient into ``fractions`` of train, validation and test.

    Along the stratified order each part takes its share, largest deficit first.

    Raises:
        DatasetError: The fractions do not add up to one, or the patients are too few for them.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:  # noqa: PLR2004 - rounding only
        raise DatasetError(f"fractions {fractions} must not be negative and add up to 1")
    ordered = stratified_order(dataset, np.random.default_rng(seed))
    parts: tuple[list[str], ...] = ([], [], [])
    for count, patient in enumerate(ordered, start=1):
        deficit = [share * count - len(part) for share, part in zip(fractions, parts, strict=True)]
        parts[int(np.argmax(deficit))].append(patient)
    for name, share, part in zip(PARTS, fractions, parts, strict=True):
        if share and not part:
            raise _too_few(
                dataset,
                f"the {name} part would be empty; add patients, use --folds, "
                "or give that part no share with --fractions",
            )
    train, validation, test = (tuple(sorted(part)) for part in parts)
    return Split(dataset.digest, train, validation, test)


def external_splits(
    dataset: Dataset, column: str, seed: int, validation: float = 0.1
) -> dict[str, Split]:
    """Return one split per value of ``column`` of ``patients.csv``: its patients are the test part.

    The patients of all other values are trained on, but for the share ``validation`` of them,
    stratified as folds are. Patients without a value are in no part. ``manufacturer`` means the
    vendor, whatever its companies are called.

    Raises:
        DatasetError: There is no such column, or it holds fewer than two values or too many.
    """
    records = read_patients(dataset.folder)
    said = {p: r.text_of(column) for p in dataset.patients if (r := records.get(p))}
    values = sorted({value for value in said.values() if value})
    if not 2 <= len(values) <= MOST_VALUES:  # noqa: PLR2004 - the others are trained on
        found = f"{len(values)} values" if values else "no value or is no column"
        raise DatasetError(
            f"{dataset.name}: {column!r} has {found} in {PATIENTS_FILE}; an external test needs a "
            f"column with 2 to {MOST_VALUES} values, manufacturer for example"
        )
    rng = np.random.default_rng(seed)
    ordered = [patient for patient in stratified_order(dataset, rng) if said.get(patient)]
    splits = {}
    for value in values:
        rest = [patient for patient in ordered if said[patient] != value]
        splits[value] = _without(dataset, ordered, rest, one_of_each_few(rest, validation, rng))
    return splits


def fold_splits(dataset: Dataset, seed: int, folds: int, validation: float = 0.1) -> list[Split]:
    """Return one split per fold: each patient is in the test part of exactly one.

    Along the stratified order, each ``folds`` neighbours go to different folds, at random.
    ``validation`` is the share of the remaining patients kept for choosing and calibrating: one at
    random of each few neighbours.

    Raises:
        DatasetError: There are fewer patients than folds, or fewer than two folds.
    """
    rng = np.random.default_rng(seed)
    ordered = stratified_order(dataset, rng)
    if not 2 <= folds <= len(ordered):  # noqa: PLR2004 - one fold leaves nothing to train on
        raise _too_few(dataset, f"{folds} folds: choose 2 to {len(ordered)}, or add patients")
    blocks = range(0, len(ordered), folds)
    fold_of = np.concatenate([rng.permutation(folds) for _ in blocks])[: len(ordered)]
    splits = []
    for fold in range(folds):
        rest = [patient for patient, own in zip(ordered, fold_of, strict=True) if own != fold]
        splits.append(_without(dataset, ordered, rest, one_of_each_few(rest, validation, rng)))
    return splits


def file_stem(value: str) -> str:
    """Return a value of a table as a part of a file name.

    >>> file_stem("Philips"), file_stem("1.5"), file_stem("GE / other")
    ('philips', '1.5', 'ge-other')
    """
    return re.sub(r"[^a-z0-9.]+", "-", value.lower()).strip("-.") or "other"


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
        parts = {name: _names(document[name]) for name in PARTS}
        split = Split(document["data_digest"], **parts)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path.name}: not a {SCHEMA} file ({error})") from error
    _verify_patients(split, dataset)
    return split


def read_fold_splits(folder: Path, dataset: Dataset) -> tuple[Split, ...]:
    """Read the split files in ``folder``, one per fold, by name.

    Raises:
        DatasetError: One of them is no split of ``dataset``, or their test parts are not a
            division of its patients.
    """
    splits = tuple(read_split(path, dataset) for path in sorted(folder.glob("*.json")))
    tested = sorted(patient for split in splits for patient in split.test)
    if tested != list(dataset.patients):
        raise DatasetError(
            f"{folder.name}: every patient must be in the test part of exactly one of its "
            f"{len(splits)} split files; make them with discern dataset split --folds"
        )
    return splits


def verify_split(split: Split, dataset: Dataset) -> None:
    """Make sure that nothing of one part is seen in another, images included.

    Raises:
        DatasetError: A patient is in two parts, two parts hold copies of one image (a patient
            under two names), or the split is of other data.
    """
    _verify_patients(split, dataset)
    files = image_files(dataset.folder)
    part_of = {patient: name for name, part in split.parts.items() for patient in part}
    truths = [truth for truth in dataset.truths if truth.patient in part_of]
    prints = {truth.image: fingerprint(read_image(files[truth.image])) for truth in truths}
    copies = find_copies(files, prints, {one.image: part_of[one.patient] for one in truths})
    if copies:
        first, second = copies[0].first, copies[0].second
        raise DatasetError(
            f"the split leaks: images {first} and {second} of different parts are near-duplicates "
            f"(pairs like this: {len(copies)}); if one patient is there under two names, rename "
            "the files; all pairs are listed by: discern dataset check"
        )


def _verify_patients(split: Split, dataset: Dataset) -> None:
    if split.data_digest != dataset.digest:
        raise DatasetError(
            f"the split was made for other data (digest {split.data_digest[:12]}, "
            f"{dataset.name} has {dataset.digest[:12]}); make a new one: discern dataset split"
        )
    for a, b in combinations(split.parts.values(), 2):
        both = sorted(set(a) & set(b))
        if both:
            raise DatasetError(
                f"the split leaks: patient {both[0]} is in two parts; make a new one: "
                "discern dataset split"
            )
    unknown = {*split.train, *split.validation, *split.test} - set(dataset.patients)
    if unknown:
        raise DatasetError(f"the split names patients that {dataset.name} lacks: {min(unknown)}")


def _names(value: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("parts are lists of patient names")
    return tuple(value)


def _without(
    dataset: Dataset, ordered: Sequence[str], rest: Sequence[str], validation: set[str]
) -> Split:
    """Return the split that trains on ``rest`` and tests on the other patients of ``ordered``."""
    return Split(
        dataset.digest,
        train=tuple(sorted(set(rest) - validation)),
        validation=tuple(sorted(validation)),
        test=tuple(sorted(set(ordered) - set(rest))),
    )


def _too_few(dataset: Dataset, wanted: str) -> DatasetError:
    return DatasetError(f"{dataset.name}: too few patients ({len(dataset.patients)}): {wanted}")
