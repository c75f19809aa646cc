import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from discern.evaluation.paired_test import draw_swaps, holm, p_value

FIRST, SECOND = (np.random.default_rng(4).integers(low, 9, 12).astype(np.float64) for low in (0, 2))


def mean_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.mean(second) - np.mean(first))


def differences(permutations: int) -> NDArray[np.float64]:
    swaps = draw_swaps(len(FIRST), permutations, np.random.default_rng(1))
    moved = swaps @ (SECOND - FIRST)
    apart: NDArray[np.float64] = (SECOND.sum() - moved) - (FIRST.sum() + moved)
    return apart / len(FIRST)


def test_all_swaps_of_few_patients_agree_with_scipy() -> None:
    exact = stats.permutation_test(
        np.stack([FIRST, SECOND]), mean_difference, permutation_type="samples", n_resamples=2**12
    )

    ours = p_value(differences(2**12))

    assert ours == pytest.approx(exact.pvalue)
    assert ours is not None
    assert 0 < ours < 1


def test_random_swaps_come_near_all_of_them() -> None:
    assert p_value(differences(4000)) == pytest.approx(p_value(differences(2**12)), abs=0.03)


def test_few_patients_get_every_swap_once_and_many_get_random_ones() -> None:
    few = draw_swaps(4, 16, np.random.default_rng(0))
    many = draw_swaps(100, 16, np.random.default_rng(0))

    assert sorted(map(tuple, few.tolist())) == sorted(set(map(tuple, few.tolist())))
    assert few.shape == (16, 4)
    assert many.shape == (17, 100)
    assert not few[0].any()
    assert not many[0].any()
    assert 0.4 < many[1:].mean() < 0.6


def test_the_sample_itself_counts_so_that_p_is_never_zero() -> None:
    assert p_value(np.array([5.0, 1.0, -1.0, 0.0])) == 0.25


def test_undefined_swaps_are_left_out_and_an_undefined_sample_has_no_p() -> None:
    assert p_value(np.array([1.0, np.nan, 2.0, 0.0])) == pytest.approx(2 / 3)
    assert p_value(np.array([np.nan, 1.0])) is None


def test_holm_by_hand() -> None:
    # Holm 1979, four tests: .005 * 4, .011 * 3, .02 * 2, .04 * 1, made monotone
    assert holm([0.02, 0.005, 0.04, 0.011]) == pytest.approx([0.04, 0.02, 0.04, 0.033])
    assert holm([0.6, None, 0.9]) == pytest.approx([1.0, None, 1.0])
    assert holm([]) == []
