"""How good probabilities and sets are, for the sample and for every resample of the patients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.calibration.discs import Column, Index, Which
from discern.evaluation.agreement import ratio
from discern.evaluation.bootstrap import Draws, Figure, Values, figure

BINS = 10


def mean_over(draws: Draws, patient: Index, values: Column | Which) -> Values:
    """Return (B,) the mean of (K,) values in every resample, NaN where it holds none."""
    counts = draws[:, patient]
    return ratio(counts @ values.astype(np.float64), counts.sum(axis=1))


def brier(probabilities: Column, truth: Index) -> Column:
    """Return (K,) the squared distance of (K, C) probabilities from the truth, summed over classes.

    >>> brier(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1]))
    array([0.5, 0. ])
    """
    right = np.eye(probabilities.shape[1])[truth]
    squared: Column = ((probabilities - right) ** 2).sum(axis=1)
    return squared


def log_loss(probabilities: Column, truth: Index) -> Column:
    """Return (K,) -log p of the true class."""
    losses: Column = -np.log(probabilities[np.arange(len(truth)), truth])
    return losses


def equal_bins(values: Column, bins: int) -> Index:
    """Return the bin (K,) of each value: ``bins`` bins of equally many values, lowest first.

    >>> equal_bins(np.array([0.9, 0.1, 0.5, 0.4]), 2)
    array([1, 0, 1, 0])
    """
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (rank * bins // max(len(values), 1)).astype(np.intp)


def calibration_error(draws: Draws, patient: Index, gap: Column, bins: NDArray[np.intp]) -> Values:
    """Return (B,) the expected calibration error: the mean over the bins of |confidence - share|.

    Each bin weighs as many items as it holds (Naeini et al. 2015). The bins are those of the
    sample.

    Args:
        draws: (B, P) how often each patient counts.
        patient: (K,) index of the patient of each item.
        gap: (K,) probability that was stated, less 1 where it came true.
        bins: (K,) bin of each item.
    """
    counts = draws[:, patient]
    error = np.zeros(len(draws))
    for one in np.unique(bins):
        inside = bins == one
        error += np.abs(counts[:, inside] @ gap[inside])
    return ratio(error, counts.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Stated:
    """K statements: whose they are (patient), their probability, whether they came true, bin."""

    patient: Index
    probability: Column
    is_true: Which
    bins: Index

    def error(self, draws: Draws) -> Values:
        """Return the expected calibration error of every resample."""
        gap = self.probability - self.is_true
        return calibration_error(draws, self.patient, gap, self.bins)

    def reliability(self, draws: Draws) -> tuple[list[float], list[Figure]]:
        """Return for each bin its mean probability, and the share of it that came true."""
        parts = [self.bins == one for one in np.unique(self.bins)]
        shares = [mean_over(draws, self.patient[one], self.is_true[one]) for one in parts]
        means = [float(self.probability[one].mean()) for one in parts]
        return means, [figure(values, "an empty bin") for values in shares]
