"""Lesion probabilities and operating points against scikit-learn and hand formulas."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_discs import drawn_lesions
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from discern.calibration.lesions import (
    fit_lesion,
    held_out_probabilities,
    probabilities,
    why_not,
)
from discern.calibration.points import (
    confirmation_score,
    held_out_thresholds,
    screening_score,
    thresholds,
)
from discern.evaluation.disc_answers import NO_BOX

DISCS = drawn_lesions(1)


def test_the_screening_threshold_is_the_highest_that_finds_nine_in_ten() -> None:
    least = screening_score(DISCS)

    false_rate, true_rate, limits = roc_curve(DISCS.positive, DISCS.score, drop_intermediate=False)
    best = limits[np.flatnonzero(true_rate >= 0.9)[0]]
    assert least == pytest.approx(best, abs=1e-4)
    assert (DISCS.score >= least)[DISCS.positive].mean() >= 0.9
    assert (DISCS.score >= least + 2e-4)[DISCS.positive].mean() < 0.9
    assert len(false_rate) == len(limits)


def test_where_too_few_have_a_box_screening_takes_all_that_have_one() -> None:
    silent = DISCS.positive & (DISCS.score < 0.3)
    few = replace(DISCS, score=np.where(silent, NO_BOX, DISCS.score))

    called = few.score >= screening_score(few)

    assert called[few.positive].mean() < 0.9
    assert (called == (few.score > NO_BOX))[few.positive].all()


def test_the_confirmation_threshold_is_the_lowest_that_spares_98_in_100() -> None:
    least = confirmation_score(DISCS)

    assert (DISCS.score < least)[~DISCS.positive].mean() >= 0.98
    assert (DISCS.score < least - 2e-4)[~DISCS.positive].mean() < 0.98


def test_exactly_98_of_100_are_spared() -> None:
    score = np.concatenate([np.arange(1, 101) / 1000, np.full(30, 0.5)])
    discs = replace(DISCS.chosen(np.arange(len(DISCS.score)) < 130), score=score)
    discs = replace(discs, positive=np.arange(130) >= 100)

    assert (score >= confirmation_score(discs))[:100].sum() == 2


def test_thresholds_of_a_patient_come_from_the_other_folds() -> None:
    limits = held_out_thresholds(DISCS, 0.25)

    for fold in range(4):
        expected = thresholds(DISCS.chosen(DISCS.fold != fold), 0.25)
        for name, limit in expected.items():
            assert set(limits[name][DISCS.fold == fold].tolist()) == {limit}


def test_the_curve_is_the_logistic_regression_of_both_logarithms() -> None:
    fitted = fit_lesion(DISCS, thresholds(DISCS, 0.25))

    boxed = DISCS.score > NO_BOX
    score = DISCS.score[boxed]
    parts = np.column_stack([np.log(score), -np.log(1 - score)])
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(parts, DISCS.positive[boxed])
    said = [fitted.probability(one) for one in score]
    assert said == pytest.approx(model.predict_proba(parts)[:, 1], abs=1e-6)
    # and it finds the odds that made the discs: logit p = 1.5 logit s - 1 where all have a box
    assert fitted.slope == pytest.approx(1.5, abs=0.3)
    assert fitted.upper_slope == pytest.approx(1.5, abs=0.5)


def test_a_score_beyond_all_that_were_counted_gets_the_probability_of_the_highest() -> None:
    fitted = fit_lesion(DISCS, thresholds(DISCS, 0.25))

    highest = float(DISCS.score.max())
    assert fitted.probability((1 + highest) / 2) == fitted.probability(highest)
    assert fitted.probability(0.9 * highest) < fitted.probability(highest) < 1


def test_a_disc_without_a_box_gets_the_share_of_such_discs_at_each_point() -> None:
    limits = thresholds(DISCS, 0.25)
    fitted = fit_lesion(DISCS, limits)

    for name, limit in limits.items():
        silent = DISCS.positive[DISCS.score < limit]
        expected = (silent.sum() + 0.5) / (len(silent) + 1)
        assert fitted.at(name).probability(None) == pytest.approx(expected)
    assert fitted.probability(None) == fitted.at("default").probability(None)
    assert fitted.at("another").probability(None) == fitted.probability(None)


def test_probabilities_leave_the_own_fold_out_and_are_true_on_average() -> None:
    held_out = held_out_probabilities(DISCS, 0.25, "screening")

    for fold in range(4):
        own, others = DISCS.chosen(DISCS.fold == fold), DISCS.chosen(DISCS.fold != fold)
        limits = thresholds(others, 0.25)
        limit = np.full(len(own.score), limits["screening"])
        expected = probabilities(own, fit_lesion(others, limits).at("screening"), limit)
        assert held_out[DISCS.fold == fold] == pytest.approx(expected)
    assert held_out.mean() == pytest.approx(DISCS.positive.mean(), abs=0.02)


def test_what_cannot_be_fitted_says_why() -> None:
    few = DISCS.chosen(np.cumsum(DISCS.positive) <= 19)
    assert "19 discs with it" in str(why_not(few))
    upside_down = replace(DISCS, score=np.where(DISCS.score > 0, 1 - DISCS.score, NO_BOX))
    assert "more likely" in str(why_not(upside_down))
    only_right = replace(DISCS, score=np.where(DISCS.positive, 0.5, NO_BOX))
    assert "one kind" in str(why_not(only_right))
    assert why_not(DISCS) is None
