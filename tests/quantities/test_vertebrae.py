"""Heights of drawn vertebral bodies, measured from the discs above and below."""

import numpy as np
import pytest

from discern.quantities.slices import Array, TissueSlice
from discern.quantities.vertebrae import vertebral_heights
from discern.spine import Tissue

SPACING_MM = 0.7
HEIGHT_PX, WIDTH_PX = 300, 160
DISC_MM, DEPTH_MM = 9.0, 34.0


def column(heights_mm: list[tuple[float, float]]) -> tuple[TissueSlice, Array]:
    """Draw discs between bodies of given anterior and posterior height; return maps and boxes.

    Discs lie between straight plates; each body turns the rest of the column below it.
    """
    x = (np.arange(WIDTH_PX) + 0.5) * SPACING_MM
    y = (np.arange(HEIGHT_PX) + 0.5) * SPACING_MM
    along = np.clip((x - 40) / DEPTH_MM, 0, 1)
    inside = (x > 40) & (x < 40 + DEPTH_MM)
    tissues = np.full((HEIGHT_PX, WIDTH_PX), int(Tissue.BACKGROUND))
    tissues[(y[:, None] > 4) & (y[:, None] < 20) & inside] = Tissue.VERTEBRA
    border = np.full(WIDTH_PX, 20.0)
    boxes = []
    bodies = [*heights_mm, (16.0, 16.0)]
    for front_mm, back_mm in bodies:
        below = border + DISC_MM
        disc = (y[:, None] > border) & (y[:, None] < below) & inside
        rows, columns = np.nonzero(disc)
        boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        tissues[disc] = Tissue.DISC
        border = below + front_mm + along * (back_mm - front_mm)
        tissues[(y[:, None] > below) & (y[:, None] < border) & inside] = Tissue.VERTEBRA
    masks = np.stack([(tissues == one).astype(np.float32) for one in Tissue])
    image = np.ones((HEIGHT_PX, WIDTH_PX), np.float32)
    return TissueSlice(0, image, masks, (SPACING_MM, SPACING_MM)), np.array(boxes, float)


def test_heights_of_square_and_wedged_bodies() -> None:
    drawn = [(26.0, 26.0), (16.0, 24.0), (25.0, 25.0)]

    heights = vertebral_heights(*column(drawn))

    assert heights.shape == (3, 3)
    for found, (front_mm, back_mm) in zip(heights, drawn, strict=True):
        at = np.array([0.1, 0.5, 0.9])
        expected = front_mm + at * (back_mm - front_mm)
        assert found == pytest.approx(expected, abs=0.9)


def test_without_discs_there_is_nothing_to_measure() -> None:
    maps, boxes = column([(26.0, 26.0)])
    assert vertebral_heights(maps, np.zeros((0, 4))).shape == (0, 3)
    assert vertebral_heights(maps, boxes[:1]).shape == (0, 3)
    assert np.isnan(vertebral_heights(maps, boxes + 1000)).all()
