"""From the best score of a lesion on a disc to the probability that the disc shows it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from discern.calibration.discs import Column, LesionDiscs, by_fold
from discern.calibration.points import DEFAULT, thresholds
from discern.decisions import AbsentAt, LesionCalibration, log_odds_parts
from discern.evaluation.disc_answers import NO_BOX

FEWEST = 20
"""Discs with and without the lesion, below which nothing is fitted."""
_ITERATIONS = 1000


def why_not(discs: LesionDiscs) -> str | None:
    """Return why the lesion cannot be calibrated on these discs, None where it can."""
    positive, negative = int(discs.positive.sum()), int((~discs.positive).sum())
    if min(positive, negative) < FEWEST:
        return f"{positive} discs with it and {negative} without, {FEWEST} of both are needed"
    boxed = discs.score > NO_BOX
    for own in by_fold(discs.fold).values():
        rest = discs.chosen(~own & boxed)
        if rest.positive.all() or not rest.positive.any():
            return "boxes lie on discs of one kind only, with the lesion or without"
        if not any(_curve(rest)[:2]):
            return "a higher score does not make the lesion more likely"
    return None


def fit_lesion(discs: LesionDiscs, limits: Mapping[str, float]) -> LesionCalibration:
    """Return the most likely constants.

    The curve comes from every disc with a box, however weak, so that a score means the same at
    every operating point. A disc without a box that reaches the threshold of a point gets the
    share of such discs that show the lesion, and never more than a box at the threshold.

    Args:
        discs: As many as ``why_not`` asks for.
        limits: Threshold of each operating point by its name.
    """
    slope, upper_slope, intercept = _curve(discs.chosen(discs.score > NO_BOX))
    fitted = LesionCalibration(
        label=discs.label,
        plane=discs.plane,
        slope=slope,
        upper_slope=upper_slope,
        intercept=intercept,
        prevalence=float(discs.positive.mean()),
        absent=0.0,
        highest=float(discs.score.max()),
    )
    absent = {
        name: min(_share_without_box(discs, limit), fitted.probability(limit))
        for name, limit in limits.items()
    }
    absent_at = tuple(AbsentAt(name, probability) for name, probability in absent.items())
    return replace(fitted, absent=absent[DEFAULT], absent_at=absent_at)


Curve = tuple[float, float, float]
"""Slope, upper slope and intercept."""


def _curve(boxed: LesionDiscs) -> Curve:
    """Return the most likely curve; a slope that would fall is 0 (Kull et al. 2017)."""
    parts = np.array([log_odds_parts(score) for score in boxed.score.tolist()])  # (K, 2)
    used = [0, 1]
    while used:
        model = LogisticRegression(C=np.inf, max_iter=_ITERATIONS)
        line = model.fit(parts[:, used], boxed.positive)
        slopes = dict(zip(used, line.coef_[0].tolist(), strict=True))
        lowest = min(used, key=slopes.__getitem__)
        if slopes[lowest] > 0:
            return slopes.get(0, 0.0), slopes.get(1, 0.0), float(line.intercept_[0])
        used.remove(lowest)
    return 0.0, 0.0, 0.0


def _share_without_box(discs: LesionDiscs, limit: float) -> float:
    """Return the share of positive discs among those below ``limit`` (Jeffreys' estimate)."""
    silent = discs.positive[discs.score < limit]
    return (float(silent.sum()) + 0.5) / (len(silent) + 1)


def probabilities(discs: LesionDiscs, calibration: LesionCalibration, limit: Column) -> Column:
    """Return the probability (K,) of every disc; below ``limit`` (K,) it has no box."""
    seen = zip(discs.score.tolist(), limit.tolist(), strict=True)
    return np.array(
        [calibration.probability(score if score >= least else None) for score, least in seen]
    )


def held_out_probabilities(discs: LesionDiscs, default: float, name: str) -> Column:
    """Return the probability (K,) of every disc at an operating point, by the other folds' fit."""
    result = np.full(len(discs.score), np.nan)
    for own in by_fold(discs.fold).values():
        others = discs.chosen(~own)
        limits = thresholds(others, default)
        calibration = fit_lesion(others, limits).at(name)
        limit = np.full(int(own.sum()), limits[name])
        result[own] = probabilities(discs.chosen(own), calibration, limit)
    return result
