"""From slices to one quantity, and from boxes alone."""

import numpy as np
import pytest

from discern.findings import QuantityName, QuantitySource
from discern.quantities.combine import combine
from discern.quantities.from_boxes import measure_boxes

HEIGHT, INDEX = QuantityName.DISC_HEIGHT, QuantityName.DISC_HEIGHT_INDEX


def test_the_mean_counts_only_the_slices_that_measured_it() -> None:
    slices = [{HEIGHT: 8.0, INDEX: 0.25}, {HEIGHT: 9.0}, {HEIGHT: 10.0}]
    found = combine(slices, QuantitySource.MASKS)
    assert (found[HEIGHT].value, found[HEIGHT].slices, found[HEIGHT].unit) == (9.0, 3, "mm")
    assert (found[INDEX].slices, found[INDEX].unit) == (1, "1")
    assert set(found) == {HEIGHT, INDEX}


def test_slices_that_disagree_widen_the_interval() -> None:
    alike = combine([{HEIGHT: 9.0}] * 3, QuantitySource.MASKS)[HEIGHT]
    apart = combine([{HEIGHT: one} for one in (7.0, 9.0, 11.0)], QuantitySource.MASKS)[HEIGHT]
    assert alike.uncertainty is not None
    expected = np.hypot(alike.uncertainty, 1.96 * 2 / np.sqrt(3))
    assert apart.uncertainty == pytest.approx(expected)


def test_boxes_are_less_certain_than_masks() -> None:
    of_masks = combine([{HEIGHT: 9.0}], QuantitySource.MASKS)[HEIGHT].uncertainty
    of_boxes = combine([{HEIGHT: 9.0}], QuantitySource.BOXES)[HEIGHT].uncertainty
    assert of_masks is not None
    assert of_boxes is not None
    assert of_boxes > 1.5 * of_masks


def test_nothing_measured_gives_nothing() -> None:
    assert combine([], QuantitySource.MASKS) == {}
    assert combine([{}, {}], QuantitySource.BOXES) == {}


def stack(height_px: float, lean_px: float = 0.0) -> np.ndarray[tuple[int, int], np.dtype]:
    """Four boxes 50 wide, 55 apart, each ``lean_px`` further to the right."""
    top = 20 + 55.0 * np.arange(4)
    left = 100 + lean_px * np.arange(4)
    return np.stack((left, top, left + 50, top + height_px), axis=1)


def test_the_inner_discs_of_a_column_of_boxes_are_measured() -> None:
    found = measure_boxes(stack(14.0), (0.7, 0.7))
    assert [HEIGHT in one for one in found] == [False, True, True, False]
    assert found[1][HEIGHT] == pytest.approx(6.7, abs=1.0)
    assert found[1][HEIGHT] < measure_boxes(stack(18.0), (0.7, 0.7))[1][HEIGHT]


def test_a_tilted_disc_is_lower_than_its_box() -> None:
    upright, tilted = (measure_boxes(stack(18.0, lean), None)[1][INDEX] for lean in (0.0, -12.0))
    assert tilted < upright


def test_without_spacing_or_neighbours_boxes_say_less() -> None:
    assert set(measure_boxes(stack(14.0), None)[1]) == {INDEX}
    assert measure_boxes(stack(14.0)[:2], (0.7, 0.7)) == [{}, {}]
    assert measure_boxes(stack(14.0, -40.0), (0.7, 0.7))[1] == {}
