"""From which score a lesion is told: sensitivity first, or specificity first.

A threshold is chosen on discs; what it is worth is measured on others (``held_out_calls``).
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from discern.calibration.discs import Column, LesionDiscs, Which, by_fold
from discern.evaluation.disc_answers import NO_BOX

DEFAULT, SCREENING, CONFIRMATION = "default", "screening", "confirmation"
SENSITIVITY, SPECIFICITY = 0.90, 0.98
"""What screening and confirmation aim at."""
_STEPS = 10_000  # a threshold has four decimals
_SLACK = 1e-9  # so that 0.98 of 100 discs are 98

AIMS = MappingProxyType(
    {
        DEFAULT: "fixed beforehand",
        SCREENING: f"sensitivity of {SENSITIVITY:g}, or the most that the boxes allow",
        CONFIRMATION: f"specificity of {SPECIFICITY:g}",
    }
)


def thresholds(discs: LesionDiscs, default: float) -> Mapping[str, float]:
    """Return the thresholds by the name of their operating point; ``default`` is given."""
    return {
        DEFAULT: default,
        SCREENING: screening_score(discs),
        CONFIRMATION: confirmation_score(discs),
    }


def screening_score(discs: LesionDiscs) -> float:
    """Return the highest threshold that finds ``SENSITIVITY`` of the positive discs.

    Where too few of them have a box at all, it is the highest that finds those which have one.
    """
    found = np.sort(discs.score[discs.positive & (discs.score > NO_BOX)])[::-1]
    wanted = int(np.ceil(SENSITIVITY * discs.positive.sum() - _SLACK))
    lowest = found[min(wanted, len(found)) - 1]
    return float(np.floor(lowest * _STEPS) / _STEPS)


def confirmation_score(discs: LesionDiscs) -> float:
    """Return the lowest threshold that spares ``SPECIFICITY`` of the negative discs."""
    negative = np.sort(discs.score[~discs.positive])[::-1]
    bearable = int(np.floor((1 - SPECIFICITY) * len(negative) + _SLACK))
    highest_spared = max(float(negative[bearable]), 0.0)
    return float((np.floor(highest_spared * _STEPS) + 1) / _STEPS)


def held_out_calls(discs: LesionDiscs, default: float) -> Mapping[str, Which]:
    """Return which (K,) discs each operating point calls, its threshold chosen on other folds."""
    limits = held_out_thresholds(discs, default)
    return {name: discs.score >= limit for name, limit in limits.items()}


def held_out_thresholds(discs: LesionDiscs, default: float) -> Mapping[str, Column]:
    """Return (K,) the threshold for each disc, chosen on the folds that it is not in."""
    limits = {name: np.full(len(discs.score), np.nan) for name in AIMS}
    for own in by_fold(discs.fold).values():
        for name, limit in thresholds(discs.chosen(~own), default).items():
            limits[name][own] = limit
    return limits
