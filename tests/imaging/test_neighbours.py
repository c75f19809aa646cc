import numpy as np
import pytest

from discern.imaging.geometry import LEFT, POSTERIOR, SliceGeometry
from discern.imaging.neighbours import InStack, alone, in_stacks, neighbours


def at(
    height_mm: float, *, tilt_deg: float = 0.0, spacing_mm: float = 1.0, aside_mm: float = 0.0
) -> SliceGeometry:
    """Return an axial slice, tilted about the line from right to left."""
    tilt = np.deg2rad(tilt_deg)
    down_the_rows = (0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    place = (aside_mm, 0.0, height_mm)
    return SliceGeometry(place, LEFT, down_the_rows, (spacing_mm, spacing_mm))


def test_every_slice_has_those_on_either_side_and_the_outer_ones_themselves() -> None:
    upwards = [at(4.4 * index) for index in range(4)]

    assert neighbours(upwards) == [(0, 1), (0, 2), (1, 3), (2, 3)]
    assert neighbours(upwards[::-1]) == [(1, 0), (2, 0), (3, 1), (3, 2)]
    assert neighbours([]) == []


def test_thin_slices_are_taken_as_far_apart_as_usual_ones() -> None:
    assert neighbours([at(0.9 * index) for index in range(10)])[5] == (1, 9)


@pytest.mark.parametrize(
    "other",
    [
        at(12.0),
        at(4.0, tilt_deg=5.0),
        at(4.0, spacing_mm=0.8),
        at(4.0, aside_mm=6.0),
        at(0.0),
        None,
    ],
    ids=["far away", "tilted", "other pixels", "aside", "in the same place", "nowhere"],
)
def test_a_slice_that_is_no_neighbour_is_left_out(other: SliceGeometry | None) -> None:
    assert neighbours([at(0.0), other]) == [(0, 0), (1, 1)]


def test_a_slightly_turned_stack_has_neighbours_all_the_same() -> None:
    assert neighbours([at(0.0), at(4.0, tilt_deg=1.0, aside_mm=1.0)]) == [(0, 1), (0, 1)]


def test_blocks_along_the_discs_do_not_mix() -> None:
    lower = [at(4.0 * index, tilt_deg=-10.0) for index in range(3)]
    upper = [at(10.0 + 4.0 * index, tilt_deg=4.0) for index in range(3)]

    assert neighbours([*lower, *upper]) == [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]


def test_an_item_that_is_there_twice_is_changed_once() -> None:
    asked: list[str] = []

    def louder(word: str) -> str:
        asked.append(word)
        return word.upper()

    assert alone("a").map(louder) == ("A", "A", "A")
    assert InStack("b", "b", "c").map(louder) == ("B", "B", "C")
    assert asked == ["a", "b", "c"]
    assert in_stacks(["x", "y"], [at(0.0), at(3.0)]) == [("x", "x", "y"), ("x", "y", "y")]


def test_slices_without_a_place_come_alone() -> None:
    assert neighbours([None, None]) == [(0, 0), (1, 1)]


def test_sagittal_slices_have_neighbours_too() -> None:
    right_to_left = [
        SliceGeometry((5.0 * index, 0.0, 0.0), POSTERIOR, (0.0, 0.0, -1.0), (1.0, 1.0))
        for index in range(3)
    ]

    assert neighbours(right_to_left)[1] in {(0, 2), (2, 0)}
