"""Percentile bootstrap over patients, and the figure it yields: a value with its interval.

Slices and discs of one patient resemble each other, so patients are drawn, not boxes. Every
statistic is a function of sums over patients; a resample is therefore a vector of how often each
patient was drawn, and all resamples are evaluated at once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.int64]
"""(1 + resamples, patients): how often each patient counts; row 0 is the sample itself."""

Values = NDArray[np.float64]
"""(1 + resamples,): one statistic over the rows of ``Draws``; NaN where it is undefined."""

_FEWEST_PATIENTS = 2
_CONFIDENCE_PERCENT = (2.5, 97.5)
_DECIMALS = 4
ONE_PATIENT = "an interval needs two patients"


@dataclass(frozen=True, slots=True)
class Figure:
    """A statistic with its 95 % interval; ``reason`` says why one of them is None."""

    value: float | None
    ci95: tuple[float, float] | None
    reason: str | None = None


def draw_patients(patients: int, resamples: int, generator: np.random.Generator) -> Draws:
    """Return how often each of ``patients`` is drawn in each resample, after a first row of ones.

    Fewer than two patients cannot be resampled: the first row is all there is.

    >>> draw_patients(3, 2, np.random.default_rng(1)).sum(axis=1)
    array([3, 3, 3])
    """
    sample = np.ones((1, patients), dtype=np.int64)
    if patients < _FEWEST_PATIENTS:
        return sample
    drawn = generator.multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    return np.concatenate([sample, drawn])


def figure(values: Values, absent: str) -> Figure:
    """Return the value of the sample and the 2.5 and 97.5 percentiles of its resamples.

    Resamples in which the statistic is undefined (a rare grade was not drawn) are left out.

    Args:
        values: The statistic of the sample, then of each resample.
        absent: The reason to give when the sample itself has no value.
    """
    if np.isnan(values[0]):
        return Figure(None, None, absent)
    resampled = values[1:][~np.isnan(values[1:])]
    if resampled.size == 0:
        return Figure(float(values[0]), None, ONE_PATIENT)
    low, high = np.percentile(resampled, _CONFIDENCE_PERCENT).tolist()
    return Figure(float(values[0]), (low, high))


def figure_json(figure: Figure) -> dict[str, Any]:
    """Return ``{value, ci95}`` to four decimals, and ``reason`` where one of them is null."""
    ends = figure.ci95
    document: dict[str, Any] = {
        "value": rounded(figure.value),
        "ci95": None if ends is None else [rounded(end) for end in ends],
    }
    return document if figure.reason is None else document | {"reason": figure.reason}


def rounded(value: float | None) -> float | None:
    """Return ``value`` to the four decimals of every file, without a negative zero."""
    return None if value is None else round(value, _DECIMALS) + 0.0
