"""A paired permutation test whose unit is the patient, and Holm's correction for many tests."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.bootstrap import Values

Swaps = NDArray[np.int64]
"""(R, patients): 1 where the two answers of a patient change sides; row 0 is the sample itself."""

_SAME = 1e-12  # differences nearer than this are one value, summed in another order
_MANY_PATIENTS = 62  # beyond, the number of swaps does not fit an integer


def draw_swaps(patients: int, permutations: int, generator: np.random.Generator) -> Swaps:
    """Return ``permutations`` random swaps after a first row of none.

    Where there are no more than that, every possible swap is returned once and the test is exact.

    >>> draw_swaps(2, 10, np.random.default_rng(1)).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    if patients < _MANY_PATIENTS and 2**patients <= permutations:
        every = np.arange(2**patients)[:, None]
        return every >> np.arange(patients) & 1
    unswapped = np.zeros((1, patients), dtype=np.int64)
    return np.concatenate([unswapped, generator.integers(0, 2, (permutations, patients))])


def p_value(differences: Values) -> float | None:
    """Return the share of swaps whose difference is at least as large as that of the sample.

    The sample, row 0, is one of them, so the value is never 0. Swaps in which the statistic is
    undefined are left out; None where it is undefined in the sample.
    """
    if np.isnan(differences[0]):
        return None
    sizes = np.abs(differences[~np.isnan(differences)])
    return float(np.mean(sizes >= sizes[0] - _SAME))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values corrected for their number after Holm (1979), step down.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[i] = largest
    return corrected
