import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from discern.evaluation.agreement import Counts, KappaWeight, kappa
from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.significance import bootstrap_p, independent_p, null_variance


def grades_1_and_2(table: list[list[int]]) -> Counts:
    pairs: Counts = np.zeros((5, 5), dtype=np.int64)
    pairs[:2, :2] = table
    return pairs


def variance_in_loops(pairs: Counts, power: int) -> float:
    """Return the variance of Fleiss, Cohen and Everitt (1969), written out in sums."""
    n = pairs.sum()
    row = [pairs[i].sum() / n for i in range(5)]
    column = [pairs[:, j].sum() / n for j in range(5)]
    w = [[1 - abs(i - j) ** power / 4**power for j in range(5)] for i in range(5)]
    chance = sum(row[i] * column[j] * w[i][j] for i in range(5) for j in range(5))
    mean_row = [sum(column[j] * w[i][j] for j in range(5)) for i in range(5)]
    mean_column = [sum(row[i] * w[i][j] for i in range(5)) for j in range(5)]
    total = sum(
        row[i] * column[j] * (w[i][j] - (mean_row[i] + mean_column[j])) ** 2
        for i in range(5)
        for j in range(5)
    )
    return float((total - chance**2) / (n * (1 - chance) ** 2))


def test_two_grades_by_hand() -> None:
    """Po .90, pe .68, kappa .22 / .32, V = .1024 / (100 x .1024) = .01."""
    pairs = grades_1_and_2([[75, 5], [5, 15]])

    assert kappa(pairs, KappaWeight.LINEAR) == pytest.approx(0.6875)
    assert null_variance(pairs, KappaWeight.LINEAR) == pytest.approx(0.01)
    assert independent_p(pairs, KappaWeight.LINEAR) == pytest.approx(2 * norm.sf(6.875))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), power=st.sampled_from(list(KappaWeight)))
def test_the_variance_is_that_of_the_sums(seed: int, power: KappaWeight) -> None:
    pairs = np.random.default_rng(seed).integers(0, 9, (5, 5)) + np.eye(5, dtype=np.int64)

    assert null_variance(pairs, power) == pytest.approx(variance_in_loops(pairs, power))


@pytest.mark.parametrize("weight", list(KappaWeight))
def test_the_variance_is_that_of_readers_who_do_not_look(weight: KappaWeight) -> None:
    generator = np.random.default_rng(1)
    truth, answer = np.array([0.1, 0.2, 0.3, 0.2, 0.2]), np.array([0.2, 0.1, 0.4, 0.2, 0.1])
    chance = np.outer(truth, answer).ravel()
    samples = generator.multinomial(400, chance, size=20_000).reshape(-1, 5, 5)

    spread = kappa(samples, weight).var()

    expected = null_variance((4000 * np.outer(truth, answer)).round().astype(np.int64), weight)
    assert spread == pytest.approx(10 * expected, rel=0.05)


def test_an_undefined_kappa_has_no_p() -> None:
    one_grade = grades_1_and_2([[9, 0], [0, 0]])
    always_the_same_answer = grades_1_and_2([[5, 0], [5, 0]])

    assert independent_p(one_grade, KappaWeight.LINEAR) is None
    assert independent_p(always_the_same_answer, KappaWeight.LINEAR) is None
    assert independent_p(np.zeros((5, 5), dtype=np.int64), KappaWeight.LINEAR) is None


def test_the_bootstrap_p_is_a_value_in_units_of_its_spread() -> None:
    resamples = np.array([0.1, 0.2, 0.3, np.nan])  # deviation 0.1

    assert bootstrap_p(np.array([0.196, *resamples])) == pytest.approx(0.05, abs=1e-4)
    assert bootstrap_p(np.array([-0.196, *resamples])) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    "values", [[np.nan, 0.1, 0.2], [0.5], [0.5, 0.4], [0.5, 0.4, np.nan], [0.0, 0.0, 0.0]]
)
def test_without_value_or_spread_there_is_no_bootstrap_p(values: list[float]) -> None:
    assert bootstrap_p(np.array(values)) is None


def test_perfect_agreement_in_every_resample_leaves_no_doubt() -> None:
    assert bootstrap_p(np.array([1.0, 1.0, 1.0])) == 0


def test_copies_of_a_disc_impress_only_the_p_that_takes_them_for_independent() -> None:
    generator = np.random.default_rng(6)
    truth = generator.integers(0, 5, 40)
    answer = np.where(generator.random(40) < 0.3, truth, generator.integers(0, 5, 40))
    discs = np.zeros((40, 5, 5), dtype=np.int64)  # one disc of each patient
    discs[np.arange(40), truth, answer] = 1
    draws = draw_patients(40, 2000, np.random.default_rng(1))

    def both(copies: int) -> tuple[float, float]:
        full = np.tensordot(draws, copies * discs, axes=1)
        by_patient = bootstrap_p(kappa(full, KappaWeight.LINEAR))
        by_disc = independent_p(full[0], KappaWeight.LINEAR)
        assert by_patient is not None
        assert by_disc is not None
        return by_patient, by_disc

    (once, once_by_disc), (copied, copied_by_disc) = both(1), both(10)

    assert copied == pytest.approx(once)
    assert once_by_disc == pytest.approx(once, abs=0.05)
    assert once > 0.05
    assert copied_by_disc < 1e-4
