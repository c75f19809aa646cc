"""Where the ceiling of the grades is: networks against the reader, and against each other.

Used by ``bench/results.py``; on its own:

    python bench/ceiling.py ../shared/data/spider-lumbar --results docs/results

Four networks - other architectures, sizes, losses, programs - read each disc out of fold. Where
they agree with each other and not with the reader, the image does not carry what the reader wrote,
or all of them err alike; both bound what another such network can reach with these labels. So do
contradicting neighbours: two discs that look the same to all of them, graded differently. Last,
whether anything beside the networks tells the grade (``bench/context.py``).
"""

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from context import context_table, disc_numbers, drawn_counts, measurements, other_discs
from discern.annotations import GroundTruth
from discern.calibration.discs import fold_of_patients
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import read_fold_splits
from discern.decisions import OperatingPoint
from discern.evaluation.agreement import GRADES, KappaWeight, kappa, within
from discern.evaluation.bootstrap import Values, draw_patients, figure
from discern.evaluation.outcomes import meet_discs
from discern.evaluation.predictions import Predictions, confident, read_predictions
from discern.evaluation.table_formats import Cell, Table
from discern.evaluation.tables import tables_markdown
from discern.inference.evaluate import Selection, selected_truths
from discern.outputs import write_files
from discern.postprocess import grade_probabilities
from discern.spine import GRADE_LABELS

READER = "reader"
SEED, RESAMPLES = 20250101, 2000
SYSTEMS = {
    "detector": "detector.json",
    "best-448": "best-448/predictions.json",
    "yolov5n": "peers/yolov5n.json",
    "yolo11s": "peers/yolo11s.json",
}
BEST = "best"
BEST_FILE = "predictions.json"
POOL = "pool of all"
Shares = NDArray[np.float64]  # (discs, 5), adding up to one
Answers = NDArray[np.int64]  # (discs,) grades 0-4, -1 where the disc was not found


def reader_grades(truths: Sequence[GroundTruth]) -> Answers:
    """Return the reader's grade of every disc, 0-4."""
    return np.array([grade for truth in truths for grade in _graded(truth)])


def _graded(truth: GroundTruth) -> list[int]:
    return [GRADE_LABELS.index(box.label) for box in truth.boxes if box.label.grade]


def shares(truths: Sequence[GroundTruth], predictions: Predictions) -> Shares:
    """Return how a system divides its score of every truth disc among the grades.

    In the order of the truth; NaN where the disc was not found.
    """
    found: list[Shares] = []
    for truth in truths:
        told = np.full((len(_graded(truth)), GRADES), np.nan)
        boxes = confident(predictions[truth.image], OperatingPoint(), truth.plane)
        met = meet_discs(truth, boxes)
        for disc, box in zip(met.chosen.tolist(), met.boxes, strict=True):
            if disc >= 0 and box.class_scores is not None:
                told[disc] = grade_probabilities(np.array(box.class_scores[:GRADES]), 1.0)
        found.append(told)
    return np.concatenate(found)


def answers(told: Shares) -> Answers:
    """Return the grade with the largest share of every disc."""
    missed = np.isnan(told[:, 0])
    return np.where(missed, -1, np.where(missed[:, None], 0, told).argmax(axis=1))


def patient_numbers(truths: Sequence[GroundTruth]) -> tuple[NDArray[np.intp], int]:
    """Return the number of the patient of every disc, and how many patients there are."""
    patients = sorted({truth.patient for truth in truths})
    numbers = [patients.index(truth.patient) for truth in truths for _ in _graded(truth)]
    return np.array(numbers), len(patients)


def agreement_table(truths: Sequence[GroundTruth], told: Mapping[str, Shares]) -> Table:
    """Return the agreement of every system with the reader, then of every two systems."""
    grades = {READER: reader_grades(truths)} | {name: answers(one) for name, one in told.items()}
    by_all = np.all([one >= 0 for one in grades.values()], axis=0)
    patients, count = patient_numbers(truths)
    draws = draw_patients(count, RESAMPLES, np.random.default_rng(SEED))
    pooled = np.exp(np.mean([np.log(one) for one in told.values()], axis=0))
    judged = grades | {POOL: answers(pooled)}
    pairs = [*combinations(grades, 2), (READER, POOL)]
    rows: list[tuple[Cell, ...]] = []
    for one, other in pairs:
        pair = (judged[one][by_all], judged[other][by_all])
        drawn = drawn_counts(draws, patients[by_all], *pair)
        figures = (
            *(within(drawn, apart) for apart in (0, 1)),
            *(kappa(drawn, weight) for weight in KappaWeight),
        )
        rows.append((f"{one} - {other}", *(figure(values, "no disc") for values in figures)))
    columns = ("Pair", "Same grade", "Within one grade", "Kappa, linear", "Kappa, quadratic")
    unanimous = np.all([grades[n][by_all] == grades["detector"][by_all] for n in told], axis=0)
    right = grades["detector"][by_all] == grades[READER][by_all]
    return Table(
        name="ceiling",
        title=f"{by_all.sum()} discs of {count} patients that every system found",
        columns=columns,
        rows=tuple(rows),
        notes=(
            f"All {len(told)} systems give one and the same grade to {unanimous.sum()} discs; "
            f"there the reader gives that grade to {(right & unanimous).sum()} of them "
            f"({right[unanimous].mean():.3f}), elsewhere `detector` is right on "
            f"{right[~unanimous].mean():.3f}.",
            f"{POOL}: the geometric mean of what all systems say, an ensemble. A single network "
            "taught by it can hardly gain what it does not.",
            "Readers among themselves: kappa about .6 between, .8 within (Niemeyer 2021).",
            f"In brackets: 95 % interval, {RESAMPLES} resamples of the patients, seed {SEED}.",
        ),
    )


def neighbour_table(truths: Sequence[GroundTruth], told: Mapping[str, Shares]) -> Table:
    """Return how often the reader gave one grade to two discs that look the same.

    To each disc belongs the one of another patient to which the same shares were given, as nearly
    as there is one (Hellinger distance), by a system or by all of them.
    """
    grades = reader_grades(truths)
    patients, count = patient_numbers(truths)
    draws = draw_patients(count, RESAMPLES, np.random.default_rng(SEED))
    looks = dict(told) | {"all of these": np.hstack([told[name] for name in told])}
    rows: list[tuple[Cell, ...]] = []
    for name, look in looks.items():
        known = np.isfinite(look).all(axis=1)
        graded, patient = grades[known], patients[known]
        drawn = drawn_counts(draws, patient, graded, graded[nearest(look[known], patient)])
        same = within(drawn, 0)
        rows.append(
            (
                name,
                int(known.sum()),
                figure(same, "no disc"),
                figure(within(drawn, 1), "no disc"),
                figure(kappa(drawn, KappaWeight.QUADRATIC), "no disc"),
                figure(most_agreement(same), "no disc"),
            )
        )
    return Table(
        name="neighbours",
        title="Contradicting neighbours: the disc of another patient that looks most alike",
        columns=(
            "Alike to",
            "Discs",
            "Reader gave both the same grade",
            "Within one grade",
            "Kappa, quadratic",
            "So at most the same grade as the reader",
        ),
        rows=tuple(rows),
        notes=(
            "Alike: the nearest shares of the five grades, Hellinger distance.",
            "At most: the bound of Cover and Hart (IEEE Trans Inf Theory 13:21, 1967) on what "
            "anyone can do who knows these shares alone, were the neighbour exactly alike. It is "
            "a bound from above: no way to reach it is known.",
        ),
    )


def nearest(look: Shares, patients: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the index of the nearest row of another patient for every row of shares."""
    roots = np.sqrt(look)
    distance = np.square(roots[:, None] - roots[None]).sum(axis=2)
    distance[patients[:, None] == patients[None]] = np.inf
    neighbours: NDArray[np.intp] = distance.argmin(axis=1)
    return neighbours


def most_agreement(same: Values) -> Values:
    """Return 1 - the least error that nearest neighbours of one class in ``same`` allow.

    Error e of the nearest neighbour and least error b of c classes: e <= b (2 - b c / (c - 1)).
    """
    share = (GRADES - 1) / GRADES
    inner = np.maximum(1 - (1 - same) / share, 0)
    return 1 - share * (1 - np.sqrt(inner))


def ceiling_files(
    dataset: Dataset, truths: Sequence[GroundTruth], results: Path
) -> dict[str, bytes]:
    """Return ``ceiling.md`` from the predictions and splits in ``results``."""
    images = {truth.image for truth in truths}
    systems = {}
    for name, file in (SYSTEMS | {BEST: BEST_FILE}).items():
        known = read_predictions(results / file)
        systems[name] = {image: boxes for image, boxes in known.items() if image in images}
    told = {name: shares(truths, predictions) for name, predictions in systems.items()}
    best = told.pop(BEST)
    patients, count = patient_numbers(truths)
    names = sorted({truth.patient for truth in truths})
    folds = fold_of_patients(
        names, [split.test for split in read_fold_splits(results / "splits", dataset)]
    )
    number = disc_numbers(truths)
    beside = {
        "the level": number[:, None].astype(float),
        "measurements": measurements(dataset.folder, truths),
        "the other discs": other_discs(best, patients, number),
    }
    draws = draw_patients(count, RESAMPLES, np.random.default_rng(SEED))
    tables = [
        agreement_table(truths, told),
        neighbour_table(truths, told),
        context_table(best, beside, reader_grades(truths), patients, folds[patients], draws),
    ]
    about = "Out of fold, T2 middle slices, T12-L1 to L5-S1. The reader is SPIDER's."
    return {"ceiling.md": tables_markdown("Where the ceiling is", about, tables).encode()}


def main() -> None:
    """Write ``ceiling.md``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    chosen = Selection(images="*_t2_mid", discs=(1, 6))
    dataset = read_dataset(given.dataset)
    truths = selected_truths(dataset, chosen)
    write_files(given.results, ceiling_files(dataset, truths, given.results))


if __name__ == "__main__":
    main()
