"""Pixel statistics against what was put into the pixels."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from discern.imaging.pixels import Image
from discern.imaging.quality import (
    LARGEST_PIXEL_MM,
    SeriesSampling,
    SliceQuality,
    measure_slice,
    quality_warnings,
)

USUAL = SeriesSampling((448, 448), (0.62, 0.62), 4.4)
GOOD = SliceQuality(noise=0.01, detail=0.75, clipped=0.05)


def picture(size_px: int = 448) -> Image:
    """Return an image with edges at every scale, 0 to 1000."""
    rng = np.random.default_rng(7)
    image = np.zeros((size_px, size_px))
    for scale in (2, 4, 8, 16, 32):
        field = gaussian_filter(rng.standard_normal(image.shape), scale)
        image += (field / field.std() > 0.3) * 200.0
    return gaussian_filter(image, 0.7).astype(np.float32)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_noise_is_that_which_was_added(share: float) -> None:
    flat = gaussian_filter(picture(), 12)
    flat *= 1000 / flat.max()
    spread = np.subtract(*np.percentile(flat, (99.5, 0.5)))
    noisy = flat + np.random.default_rng(1).normal(0, share * spread, flat.shape)

    widened = np.subtract(*np.percentile(noisy, (99.5, 0.5)))  # the noise widens the range
    assert measure_slice(noisy.astype(np.float32)).noise == pytest.approx(
        share * spread / widened, rel=0.1
    )


def test_noise_and_detail_do_not_depend_on_units() -> None:
    noisy = picture() + np.random.default_rng(1).normal(0, 30, (448, 448)).astype(np.float32)
    once, scaled = measure_slice(noisy), measure_slice(3 * noisy + 500)
    assert scaled.noise == pytest.approx(once.noise, rel=1e-3)
    assert scaled.detail == pytest.approx(once.detail, rel=1e-3)


def test_detail_falls_with_every_step_of_blur() -> None:
    details = [measure_slice(gaussian_filter(picture(), sigma)).detail for sigma in (0.1, 1, 2, 4)]
    assert details == sorted(details, reverse=True)
    assert details[0] - details[2] > 0.1


def test_clipped_is_the_share_of_pixels_at_the_largest_value() -> None:
    image = np.random.default_rng(0).uniform(0, 1, (200, 200)).astype(np.float32)
    level = np.float32(np.quantile(image, 0.8))
    assert measure_slice(np.minimum(image, level)).clipped == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize("shape", [(100, 100), (3, 5), (1, 1)])
def test_constant_and_tiny_images_are_no_problem(shape: tuple[int, int]) -> None:
    assert measure_slice(np.full(shape, 7, np.float32)) == SliceQuality(0.0, 1.0, 0.0)


def codes(measured: SliceQuality | None, sampling: SeriesSampling = USUAL) -> list[str]:
    return [warning.code for warning in quality_warnings(measured, sampling)]


@pytest.mark.parametrize("sampling", [USUAL, SeriesSampling((320, 320))])
def test_a_usual_image_needs_no_word(sampling: SeriesSampling) -> None:
    assert codes(GOOD, sampling) == []
    assert codes(None, sampling) == []


@pytest.mark.parametrize(
    ("measured", "sampling", "code"),
    [
        (SliceQuality(0.08, 0.9, 0.0), USUAL, "noisy_image"),
        (SliceQuality(0.01, 0.3, 0.0), USUAL, "blurred_image"),
        (SliceQuality(0.01, 0.8, 0.3), USUAL, "clipped_image"),
        (GOOD, SeriesSampling((512, 512), (0.94, 0.94), 4.0), "wide_field_of_view"),
        (GOOD, SeriesSampling((200, 200), (LARGEST_PIXEL_MM + 0.1, 1.0)), "coarse_pixels"),
        (GOOD, SeriesSampling((160, 160)), "coarse_pixels"),
        (GOOD, SeriesSampling((448, 448), (0.6, 0.6), 9.0), "sparse_slices"),
    ],
)
def test_what_lies_beyond_is_told(
    measured: SliceQuality, sampling: SeriesSampling, code: str
) -> None:
    assert code in codes(measured, sampling)


def test_noise_hides_blur() -> None:
    assert codes(SliceQuality(0.08, 0.3, 0.0)) == ["noisy_image"]
