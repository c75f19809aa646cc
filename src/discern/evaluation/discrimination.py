"""Area under the ROC curve for resampled patients, from one table of pairwise comparisons."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import Statistic, ratio
from discern.evaluation.bootstrap import Draws


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
