"""Probabilities of lesions and the operating points, as tables."""

from collections.abc import Iterator

import numpy as np

from discern.calibration.discs import Column
from discern.calibration.fit import NO_SUCH_DISC, Calibration, LesionFit
from discern.calibration.grade_tables import HIGH_INTERVAL, LEFT_OUT
from discern.calibration.lesions import held_out_probabilities
from discern.calibration.measures import Stated, equal_bins, mean_over
from discern.calibration.points import AIMS, DEFAULT
from discern.evaluation.bootstrap import Draws, figure
from discern.evaluation.disc_answers import NO_BOX
from discern.evaluation.performance_tables import BRACKETS
from discern.evaluation.published import row_name
from discern.evaluation.table_formats import Cell, Table

LESION_BINS = 5
_ONE_SLICE = (
    "The score of a disc is its best on the slices of the data set. A whole study has more slices "
    "of each disc, so in use sensitivity is higher and specificity lower than here."
)


def lesion_tables(calibration: Calibration) -> tuple[Table, ...]:
    """Return the tables of the lesions that were fitted; none without any."""
    if not calibration.lesions:
        return ()
    return _lesion_probabilities(calibration), _points(calibration)


def _lesion_probabilities(calibration: Calibration) -> Table:
    draws = calibration.draws
    rows = [
        (f"{row_name(row)}, {name}", *errors)
        for row, fit in calibration.lesions.items()
        for name, errors in _lesion_errors(fit, calibration.options.default.min_score(*row), draws)
    ]
    constants = "; ".join(
        f"{row_name(row)}: slopes {one.slope:.4f} and {one.upper_slope:.4f}, "
        f"intercept {one.intercept:.4f}, "
        + ", ".join(
            f"{one.at(name).probability(None):.4f} without a box at {name}" for name in fit.points
        )
        for row, fit in calibration.lesions.items()
        for one in (fit.calibration,)
    )
    return Table(
        name="lesion-probabilities",
        title="Probability of a lesion, disc by disc",
        columns=("", "Brier score", "Calibration error"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            f"All folds: {constants}. {LEFT_OUT}",
            f"Calibration error: in {LESION_BINS} bins of equally many discs with a box, and one "
            f"of those without. {HIGH_INTERVAL}",
            _ONE_SLICE,
        ),
    )


def _lesion_errors(
    fit: LesionFit, default: float, draws: Draws
) -> Iterator[tuple[str, list[Cell]]]:
    discs = fit.discs
    for name, point in fit.points.items():
        probability = held_out_probabilities(discs, default, name)
        yield f"at {name}", _binary_errors(probability, fit, point.score, draws)
    prevalence = np.full(len(discs.score), discs.positive.mean())
    raw = np.where(discs.score > NO_BOX, discs.score, 0.0)
    limit = fit.points[DEFAULT].score
    yield "detector score, 0 without a box", _binary_errors(raw, fit, limit, draws)
    yield "prevalence for all", [_binary_errors(prevalence, fit, limit, draws)[0], "-"]


def _binary_errors(probability: Column, fit: LesionFit, limit: float, draws: Draws) -> list[Cell]:
    discs = fit.discs
    squared = mean_over(draws, discs.patient, (probability - discs.positive) ** 2)
    error = stated_lesions(probability, fit, limit).error(draws)
    return [figure(values, NO_SUCH_DISC) for values in (squared, error)]


def stated_lesions(probability: Column, fit: LesionFit, limit: float) -> Stated:
    """Return what probabilities (K,) state: ``LESION_BINS`` bins of discs with a box, then one."""
    boxed = fit.discs.score >= limit
    bins = np.full(len(probability), LESION_BINS, dtype=np.intp)
    bins[boxed] = equal_bins(probability[boxed], LESION_BINS)
    return Stated(fit.discs.patient, probability, fit.discs.positive, bins)


def _points(calibration: Calibration) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{row_name(row)}, {name}",
            AIMS[name],
            f"{point.score:.4f}",
            *(point.sensitivity, point.specificity, point.precision, point.on_bulging),
        )
        for row, fit in calibration.lesions.items()
        for name, point in fit.points.items()
    ]
    counts = "; ".join(
        f"{row_name(row)}: {int(fit.discs.positive.sum())} of {len(fit.discs.positive)} discs, "
        f"{int((fit.discs.positive & (fit.discs.score > NO_BOX)).sum())} of them with a box"
        for row, fit in calibration.lesions.items()
    )
    return Table(
        name="operating-points",
        title="Operating points",
        columns=(
            *("", "Aim", "Score from", "Sensitivity", "Specificity", "Precision here"),
            "False alarms on bulging discs",
        ),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            f"{counts}. Leaving one fold out: the threshold at which a patient is judged was "
            "chosen on the other folds; the one given here was chosen on all.",
            _ONE_SLICE,
            *(
                f"{row_name(row)}: not fitted, {reason}."
                for row, reason in calibration.left_out.items()
            ),
        ),
    )
