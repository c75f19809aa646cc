"""From scores to statements: thresholds, probabilities of lesions, sets of grades.

All of it travels in the weights file and needs no training library.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from discern.findings import LesionThreshold, MeasuredShare, threshold_from
from discern.spine import GRADE_LABELS, Label, Plane


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Thresholds of the detector score, by what they decide.

    Attributes:
        name: "default", "screening" or "confirmation" for example.
        grade_score: Of a disc with its grade.
        herniation_score: Of a herniation, in planes without a threshold of their own.
        hiz_score: Of a high-intensity zone, likewise.
        lesions: Thresholds of single planes, with what they were measured to be worth.
    """

    name: str = "default"
    grade_score: float = 0.25
    herniation_score: float = 0.25
    hiz_score: float = 0.25
    lesions: tuple[LesionThreshold, ...] = ()

    def min_score(self, label: Label, plane: Plane) -> float:
        """Return the score that ``label`` must reach in ``plane``."""
        return self.threshold(label, plane).score

    def threshold(self, label: Label, plane: Plane) -> LesionThreshold:
        """Return the threshold of ``label`` in ``plane`` with what it was measured to be worth.

        >>> OperatingPoint(hiz_score=0.4).threshold(Label.HIZ, Plane.AXIAL).score
        0.4
        """
        for one in self.lesions:
            if (one.label, one.plane) == (label, plane):
                return one
        scores = {Label.HERNIATION: self.herniation_score, Label.HIZ: self.hiz_score}
        return LesionThreshold(label, plane, scores.get(label, self.grade_score))


_TINY = 1e-6


def log_odds_parts(probability: float) -> tuple[float, float]:
    """Return ln p and -ln(1 - p), kept finite; their sum is the log odds.

    >>> sum(log_odds_parts(0.5))
    0.0
    """
    clipped = min(max(probability, _TINY), 1 - _TINY)
    return math.log(clipped), -math.log(1 - clipped)


def logit(probability: float) -> float:
    """Return the log odds of a probability, kept finite.

    >>> logit(0.5)
    0.0
    """
    return sum(log_odds_parts(probability))


def sigmoid(log_odds: float) -> float:
    """Return the probability of log odds: undoes ``logit``."""
    return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class AbsentAt:
    """Probability of a lesion on a disc without a box at the operating point of that name."""

    point: str
    probability: float


@dataclass(frozen=True, slots=True)
class LesionCalibration:
    """From the best score of a lesion on a disc to the probability that the disc shows it.

    logit p = ``slope`` ln(score) - ``upper_slope`` ln(1 - score) + ``intercept``: beta calibration
    (Kull, Silva Filho, Flach, Electron J Stat 11:5052, 2017), fitted by ``discern calibrate`` on
    patients not trained on. With equal slopes it is Platt scaling of the logit.

    Attributes:
        label: The lesion.
        plane: The plane of the slices.
        slope: Tells low scores apart.
        upper_slope: Tells high scores apart.
        intercept: Added.
        prevalence: Share of discs with the lesion in the data it was fitted on.
        absent: Probability of a disc without a box, at the operating point in use.
        absent_at: The same at every operating point: which discs have no box depends on its
            threshold.
        highest: The highest score that it was fitted on. A higher one gets the same probability:
            what lies beyond was never counted.
    """

    label: Label
    plane: Plane
    slope: float
    upper_slope: float
    intercept: float
    prevalence: float
    absent: float
    absent_at: tuple[AbsentAt, ...] = ()
    highest: float = 1.0

    def at(self, point: str) -> "LesionCalibration":
        """Return the calibration as it is at an operating point."""
        own = {one.point: one.probability for one in self.absent_at}
        return replace(self, absent=own.get(point, self.absent))

    def probability(self, score: float | None) -> float:
        """Return the probability of the lesion; ``score`` is None for a disc without a box.

        >>> doubtful = LesionCalibration(
        ...     Label.HERNIATION, Plane.SAGITTAL, 1.0, 1.0, -1.0, 0.05, absent=0.02
        ... )
        >>> round(doubtful.probability(0.5), 3), doubtful.probability(None)
        (0.269, 0.02)
        >>> replace(doubtful, highest=0.5).probability(0.9) == doubtful.probability(0.5)
        True
        """
        if score is None:
            return self.absent
        low, high = log_odds_parts(min(score, self.highest))
        return sigmoid(self.slope * low + self.upper_slope * high + self.intercept)


@dataclass(frozen=True, slots=True)
class ConformalGrades:
    """Which grades of a disc cannot be ruled out, by their probabilities.

    A grade belongs to the set when its probability reaches the least one of that grade; so does
    every grade between two of the set, and the most probable one. The least probabilities are
    quantiles, one for each grade, such that the set of a disc of any grade holds that grade with
    probability ``coverage`` (class-conditional conformal prediction: Vovk, Lindsay, Nouretdinov,
    Gammerman, "Mondrian confidence machine", 2003; score of Sadinle, Lei, Wasserman, JASA
    114:223, 2019).

    Attributes:
        least_probability: One for each of grades 1 to 5.
        widest: The most grades of a set that still tells a grade; with more the model abstains.
        coverage: Aimed at.
        measured: Coverage reached on patients whose fold was left out; None where not measured.
    """

    least_probability: tuple[float, ...]
    widest: int
    coverage: float = 0.9
    measured: MeasuredShare | None = None


def point_from(item: dict[str, Any]) -> OperatingPoint:
    """Read an operating point as weights write it."""
    lesions = tuple(map(threshold_from, item.get("lesions", ())))
    return OperatingPoint(**{**item, "lesions": lesions})


def calibration_from(item: dict[str, Any]) -> LesionCalibration:
    """Read a calibration, as older weights write it too."""
    enums = {"label": Label(item["label"]), "plane": Plane(item["plane"])}
    if "floor" in item:
        return _older_calibration(**{**item, **enums})
    absent_at = tuple(AbsentAt(**one) for one in item["absent_at"])
    return LesionCalibration(**{**item, **enums, "absent_at": absent_at})


def _older_calibration(
    label: Label, plane: Plane, slope: float, intercept: float, prevalence: float, floor: float
) -> LesionCalibration:
    """Return what weights without ``absent`` say: equal slopes, a score for discs without a box."""
    fitted = LesionCalibration(label, plane, slope, slope, intercept, prevalence, 0.0)
    return replace(fitted, absent=fitted.probability(floor))


def conformal_from(item: dict[str, Any]) -> ConformalGrades:
    """Read the sets of grades."""
    least = tuple(map(float, item["least_probability"]))
    if len(least) != len(GRADE_LABELS):
        raise ValueError(f"conformal: {len(least)} least probabilities for 5 grades")
    measured = None if item["measured"] is None else MeasuredShare(**item["measured"])
    return ConformalGrades(**{**item, "least_probability": least, "measured": measured})
