"""Areas under the ROC and the precision-recall curve, for the sample and for resampled patients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import Statistic, ratio
from discern.evaluation.bootstrap import Draws

_ROWS_AT_ONCE = 256  # bounds the (rows, items) running sums


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Points of an ROC curve, from (0, 0) to (1, 1)."""

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


def auc(
    draws: Draws,
    patient: NDArray[np.intp],
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
) -> Statistic:
    """Return the area under the ROC curve of every resample, NaN where one class is empty.

    The area is the share of (positive, negative) pairs in which the positive scores higher, ties
    counting half. With C[p, q] the sum over the pairs of a positive of patient p and a negative of
    patient q, a resample that draws patients n times has the area n C n / (n P)(n N), where P and
    N are the positives and negatives of each patient.

    Args:
        draws: (B, P) how often each patient counts.
        patient: (K,) index of the patient of each item.
        positive: (K,) class of each item.
        score: (K,) score of each item.
    """
    patients = draws.shape[1]
    concordance = _concordance(patients, patient, positive, score)
    pairs_won = ((draws @ concordance) * draws).sum(axis=1)
    positives = draws @ np.bincount(patient[positive], minlength=patients)
    negatives = draws @ np.bincount(patient[~positive], minlength=patients)
    return ratio(pairs_won, positives * negatives)


def _concordance(
    patients: int,
    patient: NDArray[np.intp],
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return C (P, P), built one row at a time so that memory stays small."""
    table = np.zeros((patients, patients))
    negative_score, negative_patient = score[~positive], patient[~positive]
    for row in range(patients):
        mine = score[positive & (patient == row)][:, None]
        won = (mine > negative_score).sum(axis=0) + 0.5 * (mine == negative_score).sum(axis=0)
        table[row] = np.bincount(negative_patient, weights=won, minlength=patients)
    return table


def average_precision(
    draws: Draws,
    patient: NDArray[np.intp],
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
) -> Statistic:
    """Return the area under the precision-recall curve of every resample, NaN without positives.

    The sum over falling thresholds of (recall gained) x (precision there), items of one score
    entering together, as scikit-learn has it; the arguments are those of :func:`auc`.
    """
    order = np.argsort(-score, kind="stable")
    patient, positive = patient[order], positive[order]
    is_last = np.diff(score[order], append=-np.inf) != 0
    parts = [draws[i : i + _ROWS_AT_ONCE] for i in range(0, len(draws), _ROWS_AT_ONCE)]
    return np.concatenate([_step_area(part[:, patient], positive, is_last) for part in parts])


def _step_area(
    weight: NDArray[np.int64], positive: NDArray[np.bool_], is_last: NDArray[np.bool_]
) -> Statistic:
    """Return (B,) areas from the (B, K) number of times each item counts, best score first."""
    hits = np.cumsum(weight * positive, axis=1)[:, is_last]
    answered = np.cumsum(weight, axis=1)[:, is_last]
    gained = np.diff(hits, axis=1, prepend=0)
    precision = np.nan_to_num(ratio(hits, answered))
    return ratio((gained * precision).sum(axis=1), (weight * positive).sum(axis=1))
