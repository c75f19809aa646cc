"""Every figure of Pfirrmann grading, slice by slice, from the outcomes of the images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from discern.evaluation import agreement
from discern.evaluation.agreement import BACKGROUND, GRADES, Counts, KappaWeight
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.discrimination import RocCurve, auc
from discern.evaluation.outcomes import GradeOutcome
from discern.spine import PfirrmannGrade

NO_DISCS = "no graded disc in the truth"
NO_MATCH = "no disc of the truth was matched"
NO_IMAGES = "no sagittal image is annotated for grades"
NO_CLASS_SCORES = "a matched box carries no class scores"
ONE_CLASS = "the matched discs are all of this grade, or none is"
NO_SPREAD = "kappa is undefined: truth and answer are one and the same grade throughout"


@dataclass(frozen=True, slots=True)
class GradeTally:
    """All outcomes, by patient.

    Attributes:
        confusion: (P, 6, 6) full confusion matrix of each patient.
        images: (P,) sagittal images annotated for grades.
        patient: (K,) index of the patient of each matched disc.
        truth: (K,) its true grade, as index 0-4.
        probabilities: (K, 5) its class scores for the grades, normalised to sum 1; None where any
            matched box came without.
    """

    confusion: Counts
    images: Counts
    patient: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class GradeMetrics:
    """One Pfirrmann grade; ``support`` counts the truth discs."""

    precision: Figure
    recall: Figure
    f1: Figure
    auc: Figure
    support: int


@dataclass(frozen=True, slots=True)
class PfirrmannMetrics:
    """Grading over all slices.

    ``exact``, ``within_one``, both kappas and ``balanced_accuracy`` are over matched discs; the
    two ``_all`` count a missed disc as wrong. Macro means run over the grades in the truth.
    ``confusion`` has truth in rows, answer in columns, background last. ``roc`` is for drawing.
    """

    per_grade: Mapping[PfirrmannGrade, GradeMetrics]
    macro_precision: Figure
    macro_recall: Figure
    macro_f1: Figure
    confusion: tuple[tuple[int, ...], ...]
    disc_recall: Figure
    false_per_image: Figure
    exact: Figure
    within_one: Figure
    kappa_linear: Figure
    kappa_quadratic: Figure
    exact_all: Figure
    within_one_all: Figure
    balanced_accuracy: Figure
    roc: Mapping[PfirrmannGrade, RocCurve]


def tally_grades(outcomes: Sequence[tuple[int, GradeOutcome]], patients: int) -> GradeTally:
    """Sum the outcomes of graded images, each with the index of its patient."""
    confusion = np.zeros((patients, GRADES + 1, GRADES + 1), dtype=np.int64)
    for patient, outcome in outcomes:
        confusion[patient] += outcome.confusion()
    matched = [(patient, disc) for patient, outcome in outcomes for disc in outcome.matched]
    return GradeTally(
        confusion=confusion,
        images=np.bincount([p for p, _ in outcomes], minlength=patients).astype(np.int64),
        patient=np.array([patient for patient, _ in matched], dtype=np.intp),
        truth=np.array([disc.truth for _, disc in matched], dtype=np.intp),
        probabilities=_probabilities([disc.class_scores for _, disc in matched]),
    )


def pfirrmann_metrics(tally: GradeTally, draws: Draws) -> PfirrmannMetrics:
    """Return every figure of slice-wise grading, with intervals over the resampled patients."""
    full = np.tensordot(draws, tally.confusion, axes=1)  # (B, 6, 6)
    pairs = agreement.paired(full)
    false_alarms = full[:, BACKGROUND, :GRADES].sum(axis=1)
    macro = {
        name: figure(agreement.mean_over_grades(statistic(full), full), NO_DISCS)
        for name, statistic in _PER_GRADE.items()
    }
    return PfirrmannMetrics(
        per_grade=_per_grade(tally, full, draws),
        macro_precision=macro["precision"],
        macro_recall=macro["recall"],
        macro_f1=macro["f1"],
        confusion=tuple(map(tuple, full[0].tolist())),
        disc_recall=figure(agreement.disc_recall(full), NO_DISCS),
        false_per_image=figure(agreement.ratio(false_alarms, draws @ tally.images), NO_IMAGES),
        exact=figure(agreement.within(pairs, 0), NO_MATCH),
        within_one=figure(agreement.within(pairs, 1), NO_MATCH),
        kappa_linear=_kappa(pairs, KappaWeight.LINEAR),
        kappa_quadratic=_kappa(pairs, KappaWeight.QUADRATIC),
        exact_all=figure(agreement.within(full, 0), NO_DISCS),
        within_one_all=figure(agreement.within(full, 1), NO_DISCS),
        balanced_accuracy=figure(agreement.balanced_accuracy(pairs), NO_MATCH),
        roc=_roc_curves(tally),
    )


_PER_GRADE = {
    "precision": agreement.grade_precision,
    "recall": agreement.grade_recall,
    "f1": agreement.grade_f1,
}


def _kappa(pairs: Counts, weight: KappaWeight) -> Figure:
    return figure(agreement.kappa(pairs, weight), NO_SPREAD if pairs[0].any() else NO_MATCH)


def _probabilities(
    class_scores: Sequence[tuple[float, ...] | None],
) -> NDArray[np.float64] | None:
    given = [scores[:GRADES] for scores in class_scores if scores is not None]
    if len(given) < len(class_scores):
        return None
    scores = np.array(given, dtype=np.float64).reshape(-1, GRADES)
    shares = agreement.ratio(scores, scores.sum(axis=1, keepdims=True))
    return np.nan_to_num(shares, nan=1 / GRADES)


def _per_grade(
    tally: GradeTally, full: Counts, draws: Draws
) -> Mapping[PfirrmannGrade, GradeMetrics]:
    counts = agreement.support(full)[0]
    precision, recall, f1 = (statistic(full) for statistic in _PER_GRADE.values())
    areas = _areas(tally, draws)
    metrics = {}
    for grade in PfirrmannGrade:
        i = grade - 1
        absent = None if counts[i] else f"no disc of grade {grade} in the truth"
        silent = absent or f"no box of grade {grade} was predicted"
        metrics[grade] = GradeMetrics(
            precision=figure(precision[:, i] if counts[i] else precision[:, i] * np.nan, silent),
            recall=figure(recall[:, i], absent or ""),
            f1=figure(f1[:, i], absent or ""),
            auc=areas[i] if counts[i] else Figure(None, None, absent),
            support=int(counts[i]),
        )
    return metrics


def _areas(tally: GradeTally, draws: Draws) -> list[Figure]:
    if tally.probabilities is None:
        return [Figure(None, None, NO_CLASS_SCORES)] * GRADES
    return [
        figure(auc(draws, tally.patient, tally.truth == i, tally.probabilities[:, i]), ONE_CLASS)
        for i in range(GRADES)
    ]


def _roc_curves(tally: GradeTally) -> Mapping[PfirrmannGrade, RocCurve]:
    """Return one-vs-rest curves of the grades that have an AUC."""
    if tally.probabilities is None:
        return {}
    curves = {}
    for grade in PfirrmannGrade:
        positive = tally.truth == grade - 1
        if positive.any() and not positive.all():
            false_rate, true_rate, _ = roc_curve(positive, tally.probabilities[:, grade - 1])
            curves[grade] = RocCurve(tuple(false_rate.tolist()), tuple(true_rate.tolist()))
    return curves
