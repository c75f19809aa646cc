"""Statistics of confusion matrices: truth in rows, answer in columns, any number in front.

A *full* matrix (..., 6, 6) has grades 1 to 5 and then background: its last column counts missed
discs, its last row false alarms. A *paired* matrix (..., 5, 5) holds matched discs only. Every
function works on the last two axes, so the same code serves the sample and its resamples; the
result is NaN where a statistic is undefined.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from discern.spine import PfirrmannGrade

GRADES = len(PfirrmannGrade)
BACKGROUND = GRADES

Counts = NDArray[np.int64]
Statistic = NDArray[np.float64]

_GRADE = np.arange(GRADES)
_APART = np.abs(_GRADE[:, None] - _GRADE[None, :])  # (5, 5) grades


class KappaWeight(IntEnum):
    """Power of the distance in grades that a disagreement weighs in Cohen's kappa."""

    LINEAR = 1
    QUADRATIC = 2


def ratio(part: Counts | Statistic, whole: Counts | Statistic) -> Statistic:
    """Return ``part / whole``, NaN where ``whole`` is zero.

    >>> ratio(np.array([1, 0]), np.array([4, 0]))
    array([0.25,  nan])
    """
    part, whole = np.broadcast_arrays(part, whole)
    result = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def f1(hits: Counts, false_alarms: Counts, misses: Counts) -> Statistic:
    """Return 2 TP / (2 TP + FP + FN), NaN where the truth holds nothing.

    It equals the harmonic mean of precision and recall (paper 2.6) and is 0, not undefined, where
    something is there and nothing was hit.
    """
    score = ratio(2 * hits, 2 * hits + false_alarms + misses)
    return np.where(hits + misses > 0, score, np.nan)


def paired(full: Counts) -> Counts:
    """Return the (..., 5, 5) matrix of matched discs."""
    return full[..., :GRADES, :GRADES]


def support(full: Counts) -> Counts:
    """Return the (..., 5) number of truth discs of each grade."""
    counts: Counts = full[..., :GRADES, :].sum(axis=-1)
    return counts


def grade_precision(full: Counts) -> Statistic:
    """Return (..., 5) TP / (TP + FP), false alarms on the background among the FP."""
    return ratio(_diagonal(full), full[..., :, :GRADES].sum(axis=-2))


def grade_recall(full: Counts) -> Statistic:
    """Return (..., 5) TP / (TP + FN), missed discs among the FN."""
    return ratio(_diagonal(full), support(full))


def grade_f1(full: Counts) -> Statistic:
    """Return the (..., 5) F1 scores."""
    hits = _diagonal(full)
    answered = full[..., :, :GRADES].sum(axis=-2)
    return f1(hits, answered - hits, support(full) - hits)


def mean_over_grades(per_grade: Statistic, full: Counts) -> Statistic:
    """Return the mean over the grades that the truth holds; an undefined one among them counts 0.

    Without truth there is no mean (NaN).
    """
    present = support(full) > 0
    total = np.where(present, np.nan_to_num(per_grade), 0).sum(axis=-1)
    return ratio(total, present.sum(axis=-1))


def disc_recall(full: Counts) -> Statistic:
    """Return the share of truth discs that were matched, whatever their grade."""
    return ratio(paired(full).sum(axis=(-2, -1)), support(full).sum(axis=-1))


def within(counts: Counts, grades_apart: int) -> Statistic:
    """Return the share of discs graded at most ``grades_apart`` from the truth.

    Of a paired matrix the share of matched discs; of a full one the share of all truth discs, a
    missed disc being wrong.
    """
    is_close = np.less_equal(_APART, grades_apart)  # (5, 5)
    close = (paired(counts) * is_close).sum(axis=(-2, -1))
    return ratio(close, support(counts).sum(axis=-1))


def kappa_weights(weight: KappaWeight) -> Counts:
    """Return the (5, 5) weights |i - j| ** weight of a disagreement."""
    weights: Counts = _APART**weight
    return weights


def kappa(pairs: Counts, weight: KappaWeight) -> Statistic:
    """Return Cohen's weighted kappa of (..., 5, 5) pairs, always over grades 1 to 5.

    1 - sum(w O) / sum(w E) with w = |i - j| ** weight and E the product of the margins. Undefined
    where both sides say one and the same grade throughout.
    """
    weights = kappa_weights(weight)
    rows, columns = pairs.sum(axis=-1), pairs.sum(axis=-2)
    expected = rows[..., :, None] * columns[..., None, :]
    observed = (weights * pairs).sum(axis=(-2, -1)) * pairs.sum(axis=(-2, -1))
    return 1 - ratio(observed, (weights * expected).sum(axis=(-2, -1)))


def balanced_accuracy(pairs: Counts) -> Statistic:
    """Return the mean recall over the grades present among (..., 5, 5) matched discs."""
    return mean_over_grades(ratio(_diagonal(pairs), pairs.sum(axis=-1)), pairs)


def _diagonal(counts: Counts) -> Counts:
    diagonal: Counts = np.diagonal(counts, axis1=-2, axis2=-1)[..., :GRADES]
    return diagonal
