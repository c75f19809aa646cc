import numpy as np
import pytest

from discern.imaging.disc_crop import CropRules, crop_placement, disc_crop

RULES = CropRules(rows=32, columns=48, disc_widths=1.5)


def _slice_with_disc(
    box: tuple[int, int, int, int], shape: tuple[int, int] = (90, 120)
) -> np.ndarray:
    image = np.full(shape, 0.2, np.float32)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = 0.8
    return image


@pytest.mark.parametrize("box", [(40, 40, 72, 50), (20, 30, 84, 50)])
def test_a_disc_is_as_large_in_its_crop_whatever_its_size_in_the_image(
    box: tuple[int, int, int, int],
) -> None:
    crop = disc_crop(_slice_with_disc(box), crop_placement(box, RULES), RULES)

    columns = np.flatnonzero(crop[16] > 0.5)
    rows = np.flatnonzero(crop[:, 24] > 0.5)
    assert crop.shape == (32, 48)
    assert (columns[0], columns[-1]) == (8, 39)  # 32 of 48 columns: 1.5 disc widths
    assert (rows[0], rows[-1]) == (11, 20)  # 10 rows, in the middle


def test_a_crop_has_square_pixels_where_the_slice_has_none() -> None:
    box = (40, 40, 72, 45)  # rows twice as far apart as columns: 5 rows are as high as 10

    crop = disc_crop(_slice_with_disc(box), crop_placement(box, RULES, (2.0, 1.0)), RULES)

    assert np.count_nonzero(crop[:, 24] > 0.5) == 10


def test_beyond_the_image_is_black() -> None:
    box = (0, 0, 32, 10)

    crop = disc_crop(np.ones((40, 40), np.float32), crop_placement(box, RULES), RULES)

    assert (crop[:10] == 0).all()
    assert (crop[:, :7] == 0).all()
    assert (crop[12:, 9:] == 1).all()
