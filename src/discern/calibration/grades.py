"""Temperature of the grade probabilities, and the sets of grades that cannot be ruled out."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from discern.calibration.discs import Column, GradedDiscs, Index, by_fold
from discern.decisions import ConformalGrades
from discern.evaluation.agreement import GRADES
from discern.postprocess import conformal_sets, grade_probabilities

COVERAGE = 0.9
WIDEST_SET = 3
"""A wider set rules out one grade at most. Readers differ by one grade as a rule, so a grade and
its two neighbours still say something."""
_COLDEST, _HOTTEST = 0.2, 5.0


def fit_temperature(scores: Column, truth: Index) -> float:
    """Return the T that makes the true grades (K,) most likely, given the scores (K, 5).

    It minimises the mean negative log likelihood (Guo et al. 2017) within 0.2..5; without discs
    it is 1.
    """
    if not len(truth):
        return 1.0
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(grade_probabilities(scores, np.exp(log_t)), truth),
        bounds=(np.log(_COLDEST), np.log(_HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def negative_log_likelihood(probabilities: Column, truth: Index) -> float:
    """Return the mean of -log p of the true grades."""
    return float(-np.log(probabilities[np.arange(len(truth)), truth]).mean())


def fit_conformal(probabilities: Column, truth: Index, widest: int) -> ConformalGrades:
    """Return the rule whose sets hold the true grade with ``COVERAGE``, grade by grade.

    For the n discs of a grade, the least probability is the k-th largest probability of that
    grade among them, k = ceil((n + 1) coverage): split conformal prediction within the class. With
    fewer discs than that takes, the grade is never ruled out.

    Args:
        probabilities: (K, 5) of the grades.
        truth: (K,) grade index.
        widest: The most grades of a set that still tells a grade.
    """
    own = [probabilities[truth == grade, grade] for grade in range(GRADES)]
    return ConformalGrades(tuple(map(_least, own)), widest, COVERAGE)


def _least(own: Column) -> float:
    rank = int(np.ceil((len(own) + 1) * COVERAGE))
    return float(np.sort(own)[::-1][rank - 1]) if rank <= len(own) else 0.0


def held_out_grades(discs: GradedDiscs, widest: int) -> tuple[Column, NDArray[np.bool_]]:
    """Return probabilities (K, 5) and sets (K, 5) of every disc by the fit to the other folds."""
    probabilities = np.full(discs.scores.shape, np.nan)
    sets = np.zeros(discs.scores.shape, dtype=np.bool_)
    for own in by_fold(discs.fold).values():
        others = discs.chosen(~own)
        temperature = fit_temperature(others.scores, others.truth)
        known = grade_probabilities(others.scores, temperature)
        rule = fit_conformal(known, others.truth, widest)
        probabilities[own] = grade_probabilities(discs.scores[own], temperature)
        sets[own] = conformal_sets(probabilities[own], rule)
    return probabilities, sets
