import base64
import io

import numpy as np
from PIL import Image as PillowImage

from discern.reporting.pictures import common_scale, data_uri, evenly_chosen, quantized, shrunk


def test_slices_of_a_series_share_one_scale() -> None:
    dim = np.linspace(0, 400, 6400, dtype=np.float32).reshape(80, 80)
    scale = common_scale([dim, dim * 2])
    assert scale.low == 0
    np.testing.assert_allclose(scale.high, np.percentile(dim * 2, 99.9))
    # Equal intensities in both slices become equal grey values.
    np.testing.assert_allclose(
        quantized(dim * 2, scale)[40, :20], quantized(dim, scale)[79, :20], atol=9
    )


def test_a_constant_series_has_a_valid_scale() -> None:
    flat = np.full((8, 8), 7, np.float32)
    scale = common_scale([flat])
    assert quantized(flat, scale).max() == 0
    assert scale.width > 0


def test_the_first_window_lies_inside_the_grey_values() -> None:
    rng = np.random.default_rng(3)
    scale = common_scale([rng.gamma(2.0, 100.0, (64, 64)).astype(np.float32)])
    assert 2 <= scale.width <= 255
    assert 1 <= scale.center <= 254


def test_the_picture_decodes_to_nearly_the_same_grey_values() -> None:
    x, y = np.mgrid[0:64, 0:64]
    grey = ((np.sin(x / 5) + np.cos(y / 7) + 2) * 60).astype(np.uint8)
    encoded = data_uri(grey).removeprefix("data:image/jpeg;base64,")
    decoded = np.asarray(PillowImage.open(io.BytesIO(base64.b64decode(encoded))))
    assert np.abs(decoded.astype(int) - grey).max() <= 9


def test_large_slices_shrink_in_proportion_and_keep_their_mean() -> None:
    image = np.random.default_rng(5).uniform(0, 100, (1024, 768)).astype(np.float32)
    small = shrunk(image)
    assert small.shape == (512, 384)
    np.testing.assert_allclose(small.mean(), image.mean(), rtol=1e-4)


def test_evenly_chosen_covers_both_ends() -> None:
    chosen = evenly_chosen(4000, 80, always=[17])
    assert chosen[0] == 0
    assert chosen[-1] == 3999
    assert 17 in chosen
    assert len(chosen) == 81
    assert max(np.diff([one for one in chosen if one != 17])) <= 52
