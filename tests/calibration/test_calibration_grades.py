"""Temperature and conformal sets against known probabilities and hand formulas."""

import numpy as np
import pytest
from drawn_discs import drawn_grades

from discern.calibration.discs import grade_columns
from discern.calibration.grades import (
    COVERAGE,
    fit_conformal,
    fit_temperature,
    held_out_grades,
    negative_log_likelihood,
)
from discern.errors import DatasetError
from discern.evaluation.outcomes import MatchedDisc
from discern.postprocess import conformal_sets, grade_probabilities


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_that_made_the_scores_too_sure_is_found_again(temperature: float) -> None:
    discs, true = drawn_grades(1, temperature=temperature)

    found = fit_temperature(discs.scores, discs.truth)

    assert found == pytest.approx(temperature, rel=0.08)
    assert grade_probabilities(discs.scores, temperature) == pytest.approx(true, abs=1e-4)


def test_no_other_temperature_is_more_likely() -> None:
    discs, _ = drawn_grades(2, temperature=1.7)
    found = fit_temperature(discs.scores, discs.truth)

    def loss(temperature: float) -> float:
        return negative_log_likelihood(grade_probabilities(discs.scores, temperature), discs.truth)

    assert loss(found) <= min(map(loss, np.linspace(0.3, 4.5, 60))) + 1e-6


def test_without_discs_the_scores_stay_as_they_are() -> None:
    assert fit_temperature(np.zeros((0, 5)), np.zeros(0, dtype=np.intp)) == 1


def test_scores_without_classes_cannot_be_calibrated() -> None:
    with pytest.raises(DatasetError, match="class_scores"):
        grade_columns([MatchedDisc(0, 0, None)])


def test_the_least_probability_is_the_quantile_of_its_grade() -> None:
    probabilities = np.full((19, 5), 0.2)
    probabilities[:, 0] = np.arange(1, 20) / 100
    truth = np.zeros(19, dtype=np.intp)

    rule = fit_conformal(probabilities, truth, widest=3)

    # ceil(20 x 0.9) = 18th largest of .01 to .19; the other grades have too few discs to be
    # ruled out
    assert list(rule.least_probability) == pytest.approx([0.02, 0, 0, 0, 0])
    assert (rule.coverage, rule.widest, rule.measured) == (COVERAGE, 3, None)


def test_eight_discs_are_too_few_to_rule_a_grade_out() -> None:
    eight, nine = (
        fit_conformal(np.full((n, 5), 0.2), np.zeros(n, dtype=np.intp), 3) for n in (8, 9)
    )

    assert (eight.least_probability[0], nine.least_probability[0]) == (0, 0.2)


def test_each_grade_is_covered_on_new_patients_however_wrong_the_probabilities() -> None:
    discs, _ = drawn_grades(3, temperature=3.0, patients=1600)
    fitting, new = discs.chosen(discs.patient < 800), discs.chosen(discs.patient >= 800)
    rule = fit_conformal(fitting.scores, fitting.truth, widest=3)

    sets = conformal_sets(new.scores, rule)

    held = sets[np.arange(len(new.truth)), new.truth]
    for grade in range(5):
        own = held[new.truth == grade]
        spread = 3 * np.sqrt(0.9 * 0.1 * (1 / len(own) + 1 / (fitting.truth == grade).sum()))
        assert own.mean() > COVERAGE - spread
    assert held.mean() < 0.96  # and the sets are no wider than that takes


def test_what_is_shown_of_a_disc_was_fitted_on_the_other_folds() -> None:
    discs, _ = drawn_grades(5, temperature=2.0, patients=40)
    probabilities, sets = held_out_grades(discs, widest=3)

    for fold in range(4):
        own = discs.fold == fold
        others = discs.chosen(~own)
        temperature = fit_temperature(others.scores, others.truth)
        assert probabilities[own] == pytest.approx(
            grade_probabilities(discs.scores[own], temperature)
        )
        known = grade_probabilities(others.scores, temperature)
        rule = fit_conformal(known, others.truth, 3)
        assert np.array_equal(sets[own], conformal_sets(probabilities[own], rule))
