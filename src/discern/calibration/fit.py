"""Everything that is fitted on out-of-fold predictions, measured leaving one fold out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from discern.calibration.discs import (
    Column,
    GradedDiscs,
    Index,
    LesionDiscs,
    Which,
    fold_of_patients,
    graded_discs,
    lesion_discs,
)
from discern.calibration.grades import (
    WIDEST_SET,
    fit_conformal,
    fit_temperature,
    held_out_grades,
)
from discern.calibration.lesions import fit_lesion, why_not
from discern.calibration.measures import mean_over
from discern.calibration.points import held_out_calls, thresholds
from discern.decisions import ConformalGrades, LesionCalibration, OperatingPoint
from discern.evaluation.bootstrap import Draws, Figure, draw_patients, figure
from discern.evaluation.disc_answers import name_discs
from discern.evaluation.material import Material
from discern.evaluation.published import LESION_PLANES, LesionPlane
from discern.postprocess import grade_probabilities

NO_SUCH_DISC = "there is no such disc"


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """How to fit and to measure.

    Attributes:
        widest_set: The most grades of a set that still tells a grade.
        resamples: Bootstrap resamples of the patients.
        seed: Of the bootstrap.
        default: The operating point in use, whose thresholds were fixed beforehand.
    """

    widest_set: int = WIDEST_SET
    resamples: int = 2000
    seed: int = 20250101
    default: OperatingPoint = field(default_factory=OperatingPoint)


@dataclass(frozen=True, slots=True)
class GradeFit:
    """What was fitted for the grades, and what leaving one fold out says of it.

    Attributes:
        discs: The discs that were found.
        temperature: Of the grade probabilities.
        conformal: Rule of the sets.
        before: (K, 5) scores, normalised.
        probabilities: (K, 5) by the fit to the other folds.
        sets: (K, 5) by the fit to the other folds.
        coverage: Share of the sets that hold the true grade.
    """

    discs: GradedDiscs
    temperature: float
    conformal: ConformalGrades
    before: Column
    probabilities: Column
    sets: Which
    coverage: Figure

    @property
    def covered(self) -> Which:
        """Which (K,) sets hold the true grade."""
        held: Which = self.sets[np.arange(len(self.discs.truth)), self.discs.truth]
        return held

    @property
    def errors(self) -> Index:
        """(K,) grades between answer and truth; the answer has the highest score."""
        apart: Index = np.abs(self.before.argmax(axis=1) - self.discs.truth)
        return apart


@dataclass(frozen=True, slots=True)
class CalledDiscs:
    """A lesion at one operating point, measured with thresholds that the other folds chose.

    Attributes:
        score: The threshold that all folds choose.
        sensitivity: Share of the positive discs that are called.
        specificity: Share of the negative discs that are not.
        precision: Share of the called discs that are positive.
        on_bulging: Share of the bulging discs without the lesion that are called.
    """

    score: float
    sensitivity: Figure
    specificity: Figure
    precision: Figure
    on_bulging: Figure


@dataclass(frozen=True, slots=True)
class LesionFit:
    """What was fitted for one lesion in one plane, and what it is worth by operating point."""

    discs: LesionDiscs
    calibration: LesionCalibration
    points: Mapping[str, CalledDiscs]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that was fitted.

    Attributes:
        options: How.
        patients: How many.
        folds: How many.
        draws: Resamples of the patients.
        grades: None where no graded disc was found.
        lesions: By lesion and plane.
        left_out: Lesions and planes with truth that cannot be fitted, and why.
    """

    options: CalibrationOptions
    patients: int
    folds: int
    draws: Draws
    grades: GradeFit | None
    lesions: Mapping[LesionPlane, LesionFit]
    left_out: Mapping[LesionPlane, str]


def calibrate(
    material: Material, tested: Sequence[Sequence[str]], options: CalibrationOptions
) -> Calibration:
    """Fit temperature, sets, lesion probabilities and operating points on all folds.

    Args:
        material: Truth and, for each patient, predictions of a network that has not seen them.
        tested: The patients of each fold; every patient is in one.
        options: How to fit and to measure.

    Raises:
        DatasetError: The predictions carry no class scores.
    """
    names = sorted({truth.patient for truth in material.truths})
    folds = fold_of_patients(names, tested)
    draws = draw_patients(len(names), options.resamples, np.random.default_rng(options.seed))
    images = material.images
    graded = graded_discs(images, folds, options.default)
    named = name_discs(images)
    judged = {row: lesion_discs(named, folds, material.records, row) for row in LESION_PLANES}
    reasons = {row: why_not(discs) for row, discs in judged.items() if discs.positive.any()}
    return Calibration(
        options=options,
        patients=len(names),
        folds=len(np.unique(folds)),
        draws=draws,
        grades=_fit_grades(graded, options, draws) if len(graded.truth) else None,
        lesions={
            row: _fit_lesion(judged[row], options.default.min_score(*row), draws)
            for row, reason in reasons.items()
            if reason is None
        },
        left_out={row: reason for row, reason in reasons.items() if reason is not None},
    )


def _fit_grades(discs: GradedDiscs, options: CalibrationOptions, draws: Draws) -> GradeFit:
    temperature = fit_temperature(discs.scores, discs.truth)
    known = grade_probabilities(discs.scores, temperature)
    probabilities, sets = held_out_grades(discs, options.widest_set)
    covered = sets[np.arange(len(discs.truth)), discs.truth]
    return GradeFit(
        discs=discs,
        temperature=temperature,
        conformal=fit_conformal(known, discs.truth, options.widest_set),
        before=grade_probabilities(discs.scores, 1.0),
        probabilities=probabilities,
        sets=sets,
        coverage=figure(mean_over(draws, discs.patient, covered), NO_SUCH_DISC),
    )


def _fit_lesion(discs: LesionDiscs, default: float, draws: Draws) -> LesionFit:
    limits = thresholds(discs, default)
    calls = held_out_calls(discs, default)
    return LesionFit(
        discs=discs,
        calibration=fit_lesion(discs, limits),
        points={
            name: _called(discs, limits[name], called, draws) for name, called in calls.items()
        },
    )


def _called(discs: LesionDiscs, score: float, called: Which, draws: Draws) -> CalledDiscs:
    def share(of: Which, values: Which) -> Figure:
        return figure(mean_over(draws, discs.patient[of], values[of]), NO_SUCH_DISC)

    return CalledDiscs(
        score=score,
        sensitivity=share(discs.positive, called),
        specificity=share(~discs.positive, ~called),
        precision=share(called, discs.positive),
        on_bulging=share(discs.bulging, called),
    )
