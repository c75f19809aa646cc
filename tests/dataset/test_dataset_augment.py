import numpy as np
import pytest
from scipy import ndimage

from discern.dataset.augment import (
    Intensity,
    IntensityRange,
    apply_intensity,
    sample_online_intensity,
    sample_paper_intensity,
)

RAMP = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)


def test_no_change_is_no_change() -> None:
    np.testing.assert_array_equal(apply_intensity(RAMP, Intensity()), RAMP)


@pytest.mark.parametrize("seed", range(30))
def test_changes_are_replayable_and_stay_in_range(seed: int) -> None:
    change = sample_online_intensity(np.random.default_rng(seed))
    assert change == sample_online_intensity(np.random.default_rng(seed))
    once = apply_intensity(RAMP, change)
    np.testing.assert_array_equal(once, apply_intensity(RAMP, change))
    assert once.dtype == np.float32
    assert once.min() >= 0
    assert once.max() <= 1
    rank = np.corrcoef(ndimage.gaussian_filter(once, 3).ravel(), RAMP.ravel())[0, 1]
    assert rank > 0.9  # dark stays dark: the signal is what is graded


def test_window_and_gamma_follow_their_formulas() -> None:
    changed = apply_intensity(RAMP, Intensity(window=(0.1, 0.9), gamma=1.2))
    expected = np.clip((RAMP - 0.1) / 0.8, 0, 1) ** 1.2
    np.testing.assert_allclose(changed, expected, atol=1e-6)


def test_noise_has_the_stated_deviation_and_rician_noise_lifts_the_dark() -> None:
    flat = np.full((256, 256), 0.5, np.float32)
    gaussian = apply_intensity(flat, Intensity(noise=0.04, seed=1))
    assert gaussian.std() == pytest.approx(0.04, rel=0.05)
    assert gaussian.mean() == pytest.approx(0.5, abs=0.001)
    black = np.zeros((256, 256), np.float32)
    rician = apply_intensity(black, Intensity(noise=0.04, rician=True, seed=1))
    assert rician.mean() == pytest.approx(0.04 * np.sqrt(np.pi / 2), rel=0.05)  # Rayleigh


def test_grain_keeps_the_deviation_and_makes_neighbours_alike() -> None:
    flat = np.full((256, 256), 0.5, np.float32)
    fine, coarse = (
        apply_intensity(flat, Intensity(noise=0.04, grain_px=grain, seed=1)) for grain in (0.0, 1.0)
    )
    assert coarse.std() == pytest.approx(fine.std(), rel=0.05)
    assert _alike(coarse) > 0.6
    assert _alike(fine) < 0.1


def _alike(image: np.ndarray) -> float:
    return float(np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1])


def test_what_is_drawn_from_bounds_what_is_drawn() -> None:
    noisy = IntensityRange(black=(-0.1, -0.05), blurred=1.0, noisy=1.0, noise=0.06, grain_px=1.0)
    drawn = [sample_online_intensity(np.random.default_rng(seed), noisy) for seed in range(50)]
    assert all(-0.1 <= one.window[0] <= -0.05 for one in drawn)
    assert all(0 < one.noise <= 0.06 and one.blur_px > 0 for one in drawn)
    assert max(one.noise for one in drawn) > 0.04
    assert len({one.grain_px for one in drawn}) == len(drawn)


def test_requantization_makes_steps_or_breaks_them_up() -> None:
    assert len(np.unique(apply_intensity(RAMP, Intensity(grey_steps=100)))) == 100
    stepped = (np.rint(RAMP * 255) / 255).astype(np.float32)
    filled = apply_intensity(stepped, Intensity(grey_steps=0))
    assert len(np.unique(filled)) > 3000
    np.testing.assert_allclose(filled, stepped, atol=0.5 / 255 + 1e-6)


def test_blur_smooths_and_bias_brightens_one_side() -> None:
    checks = np.indices((64, 64)).sum(axis=0).astype(np.float32) % 2
    assert apply_intensity(checks, Intensity(blur_px=1.0)).std() < 0.1
    grey = np.full((64, 64), 0.4, np.float32)
    biased = apply_intensity(grey, Intensity(bias=(0.3, 0, 0, 0, 0)))
    np.testing.assert_allclose(biased[:, -1], 0.4 * np.exp(0.3), rtol=1e-5)
    np.testing.assert_allclose(biased[:, 0], 0.4 * np.exp(-0.3), rtol=1e-5)


def test_the_papers_change_is_noise_and_gamma() -> None:
    changes = [sample_paper_intensity(np.random.default_rng(seed)) for seed in range(50)]
    assert all(0.8 <= change.gamma <= 1.2 and change.noise > 0 for change in changes)
    assert all(change == Intensity(gamma=change.gamma, noise=change.noise, seed=change.seed)
               for change in changes)  # fmt: skip
