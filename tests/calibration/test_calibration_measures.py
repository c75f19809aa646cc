"""Calibration error, Brier score and log loss against independent references."""

import numpy as np
import pytest
from drawn_discs import drawn_grades
from sklearn.metrics import brier_score_loss, log_loss

from discern.calibration.measures import Stated, brier, equal_bins, mean_over
from discern.calibration.measures import log_loss as own_log_loss
from discern.evaluation.bootstrap import draw_patients, figure

DISCS, TRUE = drawn_grades(7, temperature=2.0)
DRAWS = draw_patients(300, 200, np.random.default_rng(0))


def test_brier_score_and_log_loss_are_those_of_scikit_learn() -> None:
    one_against_rest = [
        brier_score_loss(DISCS.truth == grade, DISCS.scores[:, grade]) for grade in range(5)
    ]
    assert brier(DISCS.scores, DISCS.truth).mean() == pytest.approx(sum(one_against_rest))
    expected = log_loss(DISCS.truth, DISCS.scores, labels=range(5))
    assert own_log_loss(DISCS.scores, DISCS.truth).mean() == pytest.approx(expected)


def test_the_mean_of_a_resample_counts_its_patients_as_often_as_drawn() -> None:
    values = mean_over(DRAWS, DISCS.patient, DISCS.truth.astype(float))

    assert values[0] == pytest.approx(DISCS.truth.mean())
    chosen = np.repeat(DISCS.truth, DRAWS[7][DISCS.patient])
    assert values[7] == pytest.approx(chosen.mean())


def stated(confidence: np.ndarray, is_true: np.ndarray) -> Stated:
    return Stated(DISCS.patient, confidence, is_true, equal_bins(confidence, 10))


def test_the_error_of_true_probabilities_is_small_and_that_of_sharp_ones_is_not() -> None:
    chosen = TRUE.argmax(axis=1) == DISCS.truth
    calm, sharp = (
        figure(stated(p.max(axis=1), chosen).error(DRAWS), "") for p in (TRUE, DISCS.scores)
    )

    assert calm.value is not None
    assert sharp.value is not None
    assert sharp.ci95 is not None
    assert calm.value < 0.03
    assert sharp.ci95[0] > calm.value


def test_the_error_is_the_mean_over_the_bins() -> None:
    confidence, is_true = DISCS.scores.max(axis=1), DISCS.scores.argmax(axis=1) == DISCS.truth
    one = stated(confidence, is_true)

    order = np.argsort(confidence, kind="stable")
    by_hand = [
        abs(confidence[part].mean() - is_true[part].mean()) for part in np.array_split(order, 10)
    ]  # 1,800 discs: ten bins of 180
    assert one.error(DRAWS)[0] == pytest.approx(np.mean(by_hand))
    means, shares = one.reliability(DRAWS)
    assert [
        abs(mean - (share.value or 0)) for mean, share in zip(means, shares, strict=True)
    ] == pytest.approx(by_hand)


def test_bins_hold_equally_many_and_rise() -> None:
    values = np.random.default_rng(1).random(1003)

    bins = equal_bins(values, 10)

    assert sorted(np.bincount(bins).tolist()) == [100] * 7 + [101] * 3
    assert (np.diff(bins[np.argsort(values)]) >= 0).all()
