import numpy as np
import pytest
from scipy import stats

from discern.evaluation.bootstrap import ONE_PATIENT, Figure, draw_patients, figure


def test_the_first_row_is_the_sample_and_every_row_draws_as_many_patients() -> None:
    draws = draw_patients(7, 50, np.random.default_rng(3))

    assert draws.shape == (51, 7)
    assert draws[0].tolist() == [1] * 7
    assert set(draws.sum(axis=1).tolist()) == {7}


def test_a_seed_fixes_the_draws() -> None:
    first, same, other = (draw_patients(9, 20, np.random.default_rng(s)) for s in (1, 1, 2))

    assert (first == same).all()
    assert (first != other).any()


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(5).normal(10, 2, 60)
    draws = draw_patients(60, 9000, np.random.default_rng(6))

    ours = figure(draws @ values / 60, "")
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9000, method="percentile", rng=np.random.default_rng(7)
    ).confidence_interval

    assert ours.value == pytest.approx(values.mean())
    assert ours.ci95 == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_resamples_without_a_value_are_left_out() -> None:
    values = np.array([0.5, *np.linspace(0, 1, 101), np.nan, np.nan])

    assert figure(values, "").ci95 == pytest.approx((0.025, 0.975))


def test_without_a_value_there_is_a_reason() -> None:
    assert figure(np.array([np.nan, 0.3]), "no disc") == Figure(None, None, "no disc")


@pytest.mark.parametrize("patients", [0, 1])
def test_one_patient_has_no_interval(patients: int) -> None:
    draws = draw_patients(patients, 100, np.random.default_rng(0))

    assert len(draws) == 1
    assert figure(np.array([0.7]), "") == Figure(0.7, None, ONE_PATIENT)
