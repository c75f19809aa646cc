"""Herniation and high-intensity zone disc by disc: a disc is positive when one slice is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import Statistic, f1, ratio
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.disc_answers import DiscAnswers, LesionTruth
from discern.evaluation.discrimination import auc, average_precision
from discern.spine import Label

NO_BULGING = "no disc is known to bulge without the lesion"


@dataclass(frozen=True, slots=True)
class DiscLesionMetrics:
    """One lesion in one plane, disc by disc.

    Attributes:
        precision: Share of the discs called positive that are.
        recall: Share of the positive discs that were called so (sensitivity).
        f1: Their harmonic mean.
        specificity: Share of the negative discs that were not called positive.
        roc_auc: Area under the ROC curve of the best score on each disc.
        average_precision: Area under the precision-recall curve (steps, as scikit-learn); to be
            read against ``support / discs``, what a reader without any skill gets.
        ppv_at: Stated prevalence -> precision to expect there, by Bayes from recall and
            specificity. The first key is the prevalence of the data set itself.
        false_alarm_on_bulging: Share of the bulging discs without the lesion that were called
            positive (paper, Figure 7A).
        support: Positive discs.
        discs: Judged discs.
        bulging: Judged discs that bulge and do not show the lesion.
        unread: Discs left out because the table of discs does not mention them.
        truth: What ``support`` was counted from.
    """

    precision: Figure
    recall: Figure
    f1: Figure
    specificity: Figure
    roc_auc: Figure
    average_precision: Figure
    ppv_at: Mapping[float, Figure]
    false_alarm_on_bulging: Figure
    support: int
    discs: int
    bulging: int
    unread: int
    truth: LesionTruth


def disc_lesion_metrics(
    answers: DiscAnswers,
    label: Label,
    draws: Draws,
    *,
    min_score: float,
    prevalences: Sequence[float],
) -> DiscLesionMetrics:
    """Return every figure of one lesion, with intervals over the resampled patients.

    Args:
        answers: Every judged disc.
        label: The lesion, for the reasons given where a figure is missing.
        draws: (B, P) how often each patient counts.
        min_score: A disc is called positive from this score on.
        prevalences: Where the positive predictive value is wanted, beside the data set's own.
    """
    table = _table(answers)
    absent = answers.absent or f"no disc with {label} in the truth"
    one_class = absent if not table.positive.any() else f"every disc shows {label}"
    called = table.score >= min_score
    hits = _count(table, called & table.positive, draws)
    false_alarms = _count(table, called & ~table.positive, draws)
    misses = _count(table, ~called & table.positive, draws)
    spared = _count(table, ~called & ~table.positive, draws)
    recall, specificity = ratio(hits, hits + misses), ratio(spared, spared + false_alarms)
    precision = np.where(table.positive.any(), ratio(hits, hits + false_alarms), np.nan)
    silent = f"no disc was called {label}" if table.positive.any() else absent
    own = [table.positive.mean()] if table.positive.any() else []
    return DiscLesionMetrics(
        precision=figure(precision, silent),
        recall=figure(recall, absent),
        f1=figure(f1(hits, false_alarms, misses), absent),
        specificity=figure(specificity, answers.absent or one_class),
        roc_auc=figure(auc(draws, table.patient, table.positive, table.score), one_class),
        average_precision=figure(
            average_precision(draws, table.patient, table.positive, table.score), absent
        ),
        ppv_at={
            float(prevalence): figure(_ppv(recall, specificity, prevalence), silent)
            for prevalence in (*own, *prevalences)
        },
        false_alarm_on_bulging=figure(
            ratio(
                _count(table, called & table.bulging, draws), _count(table, table.bulging, draws)
            ),
            answers.absent or NO_BULGING,
        ),
        support=int(table.positive.sum()),
        discs=len(table.positive),
        bulging=int(table.bulging.sum()),
        unread=answers.unread,
        truth=answers.truth,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """The answers as columns (K,); ``bulging`` is true of bulging discs without the lesion."""

    patient: NDArray[np.intp]
    positive: NDArray[np.bool_]
    bulging: NDArray[np.bool_]
    score: NDArray[np.float64]


def _table(answers: DiscAnswers) -> _Table:
    discs = answers.discs
    return _Table(
        patient=np.array([disc.patient for disc in discs], dtype=np.intp),
        positive=np.array([disc.is_positive for disc in discs], dtype=np.bool_),
        bulging=np.array(
            [bool(disc.bulges) and not disc.is_positive for disc in discs], dtype=np.bool_
        ),
        score=np.array([disc.score for disc in discs], dtype=np.float64),
    )


def _count(table: _Table, which: NDArray[np.bool_], draws: Draws) -> NDArray[np.int64]:
    """Return (B,) how many of the chosen discs each resample holds."""
    counts: NDArray[np.int64] = draws @ np.bincount(
        table.patient[which], minlength=draws.shape[1]
    ).astype(np.int64)
    return counts


def _ppv(recall: Statistic, specificity: Statistic, prevalence: float) -> Statistic:
    """Return p Se / (p Se + (1 - p)(1 - Sp)), NaN where nothing would be called positive."""
    right = prevalence * recall
    return ratio(right, right + (1 - prevalence) * (1 - specificity))
