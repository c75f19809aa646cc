"""Probabilities and sets of the grades, as tables."""

import numpy as np

from discern.calibration.discs import Column, Which
from discern.calibration.fit import NO_SUCH_DISC, GradeFit
from discern.calibration.grades import COVERAGE
from discern.calibration.measures import (
    BINS,
    Stated,
    brier,
    equal_bins,
    log_loss,
    mean_over,
)
from discern.evaluation.agreement import GRADES
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.performance_tables import BRACKETS
from discern.evaluation.table_formats import Cell, Table
from discern.spine import PfirrmannGrade

LEFT_OUT = "Leaving one fold out: what is shown of a patient was fitted on the other folds."
HIGH_INTERVAL = (
    "An interval of a calibration error lies high: resampling adds scatter, and an error cannot "
    "fall below zero."
)


def grade_tables(grades: GradeFit, draws: Draws) -> tuple[Table, ...]:
    """Return the tables of the grades."""
    return _probabilities(grades, draws), _coverage(grades, draws), _sizes(grades, draws)


def grade_errors(probabilities: Column, grades: GradeFit, draws: Draws) -> tuple[Figure, ...]:
    """Return calibration error, Brier score and log loss of (K, 5) probabilities."""
    patient, truth = grades.discs.patient, grades.discs.truth
    error = chosen_grades(probabilities, grades).error(draws)
    means = (mean_over(draws, patient, one(probabilities, truth)) for one in (brier, log_loss))
    return tuple(figure(values, NO_SUCH_DISC) for values in (error, *means))


def chosen_grades(probabilities: Column, grades: GradeFit) -> Stated:
    """Return what (K, 5) probabilities state of the grade that they choose."""
    confidence = probabilities.max(axis=1)
    is_true = probabilities.argmax(axis=1) == grades.discs.truth
    return Stated(grades.discs.patient, confidence, is_true, equal_bins(confidence, BINS))


def _probabilities(grades: GradeFit, draws: Draws) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = (
        ("Scores, normalised", *grade_errors(grades.before, grades, draws)),
        ("Calibrated", *grade_errors(grades.probabilities, grades, draws)),
    )
    return Table(
        name="grade-probabilities",
        title=f"Probabilities of the grades, {len(grades.discs.truth)} discs found",
        columns=("", "Calibration error", "Brier score", "Log loss"),
        rows=rows,
        notes=(
            BRACKETS,
            f"Temperature, all folds: {grades.temperature:.4f}. {LEFT_OUT}",
            f"Calibration error: of the probability of the chosen grade, in {BINS} bins of equally "
            f"many discs. {HIGH_INTERVAL} Brier score: summed over the five grades, 0 to 2.",
        ),
    )


def _coverage(grades: GradeFit, draws: Draws) -> Table:
    patient, truth = grades.discs.patient, grades.discs.truth
    size = grades.sets.sum(axis=1)

    def row(name: str, which: Which, least: str) -> tuple[Cell, ...]:
        columns = (grades.covered, size)
        means = [mean_over(draws, patient[which], one[which]) for one in columns]
        figures = [figure(values, NO_SUCH_DISC) for values in means]
        return name, *figures, least, int(which.sum())

    everything = np.ones(len(truth), dtype=np.bool_)
    rules = zip(PfirrmannGrade, grades.conformal.least_probability, strict=True)
    rows = [row(f"Grade {g.name}", truth == g - 1, f"{least:.4f}") for g, least in rules]
    return Table(
        name="grade-sets",
        title=f"Sets of grades that cannot be ruled out, made to hold {COVERAGE:.0%}",
        columns=("", "Sets that hold the grade", "Grades in a set", "Least probability", "n"),
        rows=(row("All", everything, ""), *rows),
        notes=(
            BRACKETS,
            f"{LEFT_OUT} Least probability: from which a grade is in the set, all folds.",
        ),
    )


def _sizes(grades: GradeFit, draws: Draws) -> Table:
    size = grades.sets.sum(axis=1)
    rows = [_size_row(f"{n} in the set", size == n, grades, draws) for n in range(1, GRADES + 1)]
    for limit in range(2, GRADES):
        rows.append(_size_row(f"Abstaining above {limit}: told", size <= limit, grades, draws))
        rows.append(_size_row(f"Abstaining above {limit}: not told", size > limit, grades, draws))
    return Table(
        name="grade-set-sizes",
        title="How many grades cannot be ruled out, and how often the chosen one is right",
        columns=("", "Share of discs", "Same grade", "Within one grade", "n"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            f"The weights abstain above {grades.conformal.widest}.",
        ),
    )


def _size_row(name: str, which: Which, grades: GradeFit, draws: Draws) -> tuple[Cell, ...]:
    patient = grades.discs.patient
    exact, near = grades.errors[which] == 0, grades.errors[which] <= 1
    return (
        name,
        figure(mean_over(draws, patient, which), NO_SUCH_DISC),
        *(figure(mean_over(draws, patient[which], one), NO_SUCH_DISC) for one in (exact, near)),
        int(which.sum()),
    )
