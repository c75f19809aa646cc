"""Is weighted kappa above chance? Two p-values for the hypothesis that kappa is zero.

The discs of one patient resemble each other, so the first, by the spread of kappa over resampled
patients, is the one to quote. The other takes every disc for independent, as most papers do; it is
there for comparison with them and is usually too small.
"""

import math

import numpy as np
from scipy.stats import norm

from discern.evaluation.agreement import Counts, KappaWeight, kappa, kappa_weights
from discern.evaluation.bootstrap import Values


def bootstrap_p(values: Values) -> float | None:
    """Return the two-sided p of value / (standard deviation of its resamples) (Wald, normal).

    Args:
        values: A statistic that is zero under the hypothesis, of the sample and then of each
            resample; undefined resamples (NaN) are left out.

    Returns:
        None where the value is undefined or there are fewer than two resamples.
    """
    resampled = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or len(resampled) < 2:  # noqa: PLR2004 - a spread needs two
        return None
    return _two_sided(float(values[0]), float(resampled.std(ddof=1)))


def independent_p(pairs: Counts, weight: KappaWeight) -> float | None:
    """Return the two-sided p of weighted kappa of (5, 5) pairs, every disc independent.

    kappa / sqrt(V) is compared with the normal distribution; V is the variance under the
    hypothesis (Fleiss, Cohen and Everitt 1969, equation 9).
    """
    value = float(kappa(pairs, weight))
    if math.isnan(value):
        return None
    return _two_sided(value, math.sqrt(max(0.0, null_variance(pairs, weight))))


def null_variance(pairs: Counts, weight: KappaWeight) -> float:
    """Return the variance of weighted kappa of (5, 5) pairs when both sides are independent.

    With p and q the shares of the grades on either side, w agreement weights (1 on the diagonal,
    0 in the far corners), u_i = sum_j q_j w_ij, v_j = sum_i p_i w_ij and e = sum_ij p_i q_j w_ij:
    V = (sum_ij p_i q_j (w_ij - u_i - v_j)^2 - e^2) / (n (1 - e)^2).
    """
    discs = int(pairs.sum())
    p, q = pairs.sum(axis=1) / discs, pairs.sum(axis=0) / discs
    distance = kappa_weights(weight).astype(np.float64)
    agreement = 1 - distance / distance.max()
    spread = agreement - (agreement @ q)[:, None] - (p @ agreement)[None, :]
    chance = p @ agreement @ q
    return float((p @ spread**2 @ q - chance**2) / (discs * (1 - chance) ** 2))


def _two_sided(value: float, deviation: float) -> float | None:
    if deviation == 0:
        return None if value == 0 else 0.0
    return float(2 * norm.sf(abs(value) / deviation))
