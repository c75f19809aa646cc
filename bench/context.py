"""Does anything beside the networks tell the grade: measurements, the level, the other discs?

Used by ``bench/ceiling.py``. A random forest is given the shares of what is shipped, out of fold,
and beside them what a reader also sees; it answers for the patients of each fold after learning
from those of the other folds. Measurements are those of ``discern.quantities`` on the masks
published beside the images.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from discern.annotations import GroundTruth
from discern.evaluation.agreement import GRADES, KappaWeight, kappa, within
from discern.evaluation.bootstrap import Draws, figure
from discern.evaluation.table_formats import Cell, Table
from discern.findings import QuantityName
from discern.quantities.measure import measure_slice
from discern.spine import GRADE_LABELS
from quantities import patients_of, spider_maps

TREES, LEAF = 300, 8
SHIPPED = "what is shipped"
Columns = NDArray[np.float64]
Index = NDArray[np.intp]


def measurements(folder: Path, truths: Sequence[GroundTruth]) -> Columns:
    """Return the quantities (discs, 6) of every truth disc, in its order; NaN where unmeasured."""
    patients = patients_of(folder)
    rows = []
    for truth in truths:
        boxes = [box.box_xyxy_px for box in truth.boxes if box.label in GRADE_LABELS]
        maps = spider_maps(folder, truth.image, patients[truth.patient])
        measured = measure_slice(maps, np.array(boxes, float).reshape(-1, 4))
        rows += [[found.get(name, np.nan) for name in QuantityName] for found in measured]
    return np.array(rows, float)


def disc_numbers(truths: Sequence[GroundTruth]) -> Index:
    """Return the number of every truth disc, 1 for L5-S1 and up."""
    boxes = [box for truth in truths for box in truth.boxes if box.label in GRADE_LABELS]
    return np.array([box.disc for box in boxes], dtype=np.intp)


def other_discs(shares: Columns, patient: Index, number: Index) -> Columns:
    """Return (discs, 4): expected grade of the disc above and below, mean and most of all others.

    NaN where there is none.
    """
    expected = shares @ np.arange(GRADES)
    found = np.full((len(number), 4), np.nan)
    for row in range(len(number)):
        others = (patient == patient[row]) & (number != number[row]) & np.isfinite(expected)
        for column, step in enumerate((1, -1)):
            beside = expected[others & (number == number[row] + step)]
            found[row, column] = beside[0] if len(beside) else np.nan
        if others.any():
            found[row, 2:] = expected[others].mean(), expected[others].max()
    return found


def out_of_fold(columns: Columns, truth: Index, fold: Index) -> Index:
    """Return the grade index of every disc by a forest that learned from the other folds."""
    answers = np.empty_like(truth)
    for own in np.unique(fold):
        forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=0)
        learner = make_pipeline(SimpleImputer(), forest)
        learner.fit(columns[fold != own], truth[fold != own])
        answers[fold == own] = learner.predict(columns[fold == own])
    return answers


def context_table(
    shares: Columns,
    beside: dict[str, Columns],
    truth: Index,
    patient: Index,
    fold: Index,
    draws: Draws,
) -> Table:
    """Return the agreement with the reader of forests that see ``shares`` and what is ``beside``.

    Discs that were not found are left out.
    """
    seen = np.isfinite(shares).all(axis=1)
    answers = {SHIPPED: shares[seen].argmax(axis=1)}
    sets = {"forest: its shares alone": [shares]}
    sets |= {f"forest: and {name}": [shares, columns] for name, columns in beside.items()}
    sets["forest: and all of these"] = [shares, *beside.values()]
    for name, columns in sets.items():
        answers[name] = out_of_fold(np.hstack(columns)[seen], truth[seen], fold[seen])
    drawn = {
        name: drawn_counts(draws, patient[seen], truth[seen], one) for name, one in answers.items()
    }
    rows: list[tuple[Cell, ...]] = []
    for name, counts in drawn.items():
        same = within(counts, 0)
        more = same - within(drawn[SHIPPED], 0)
        rows.append(
            (
                name,
                figure(same, "no disc"),
                figure(within(counts, 1), "no disc"),
                *(figure(kappa(counts, weight), "no disc") for weight in KappaWeight),
                "-" if name == SHIPPED else figure(more, "no disc"),
            )
        )
    return Table(
        name="context",
        title="What stands beside the shares of what is shipped, against the reader",
        columns=(
            "Answer",
            "Same grade",
            "Within one grade",
            "Kappa, linear",
            "Kappa, quadratic",
            "Same grade, more than what is shipped",
        ),
        rows=tuple(rows),
        notes=(
            f"{seen.sum()} discs that it found. Forest: {TREES} trees, {LEAF} discs in a leaf at "
            "least, taught by the patients of the other folds.",
            "Measurements: docs/quantities.md, on the masks published beside the images. Other "
            "discs: expected grades of the discs above and below, mean and largest of all others "
            "of the patient, by the same networks.",
        ),
    )


def drawn_counts(draws: Draws, patient: Index, one: Index, other: Index) -> NDArray[np.int64]:
    """Return (1 + resamples, 5, 5): how often two gave each pair of grades to the same discs."""
    counts = np.zeros((draws.shape[1], GRADES, GRADES), dtype=np.int64)
    np.add.at(counts, (patient, one, other), 1)
    drawn: NDArray[np.int64] = np.tensordot(draws, counts, axes=1)
    return drawn
