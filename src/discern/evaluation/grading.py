"""Every figure of Pfirrmann grading, from the outcomes of the slices or of the discs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

from discern.evaluation import agreement
from discern.evaluation.agreement import BACKGROUND, GRADES, Counts, KappaWeight
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.discrimination import RocCurve, auc
from discern.evaluation.grade_tally import GradeTally
from discern.evaluation.significance import bootstrap_p, independent_p
from discern.spine import PfirrmannGrade

NO_DISCS = "no graded disc in the truth"
NO_MATCH = "no disc of the truth was matched"
NO_IMAGES = "no sagittal image is annotated for grades"
NO_CLASS_SCORES = "a matched box carries no class scores"
ONE_CLASS = "the matched discs are all of this grade, or none is"
NO_SPREAD = "kappa is undefined: truth and answer are one and the same grade throughout"


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
    ``kappa_..._p`` is the two-sided p for kappa = 0 by resampled patients, the one to quote;
    ``kappa_..._p_independent`` takes every disc for independent (see ``significance``).
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
    kappa_linear_p: float | None
    kappa_quadratic_p: float | None
    kappa_linear_p_independent: float | None
    kappa_quadratic_p_independent: float | None
    exact_all: Figure
    within_one_all: Figure
    balanced_accuracy: Figure
    roc: Mapping[PfirrmannGrade, RocCurve]


def pfirrmann_metrics(tally: GradeTally, draws: Draws) -> PfirrmannMetrics:
    """Return every figure of slice-wise grading, with intervals over the resampled patients."""
    full = np.tensordot(draws, tally.confusion, axes=1)  # (B, 6, 6)
    pairs = agreement.paired(full)
    false_alarms = full[:, BACKGROUND, :GRADES].sum(axis=1)
    linear, quadratic = (agreement.kappa(pairs, weight) for weight in KappaWeight)
    no_kappa = NO_SPREAD if pairs[0].any() else NO_MATCH
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
        kappa_linear=figure(linear, no_kappa),
        kappa_quadratic=figure(quadratic, no_kappa),
        kappa_linear_p=bootstrap_p(linear),
        kappa_quadratic_p=bootstrap_p(quadratic),
        kappa_linear_p_independent=independent_p(pairs[0], KappaWeight.LINEAR),
        kappa_quadratic_p_independent=independent_p(pairs[0], KappaWeight.QUADRATIC),
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
