"""Chains of discs with the shape of a real lumbar spine, whole and cut."""

import numpy as np
import pytest

from discern.inference.levels import (
    CERTAIN,
    Chain,
    assign_levels,
    lowest_level_probabilities,
    steps_between,
)
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import SelectedBox
from discern.spine import Label, Level

# posterior, head, width, height in mm of T12-L1 ... L5-S1: a usual lordosis, sacral disc steep
DISCS_MM = np.array(
    [
        [52.0, 180.0, 34.0, 9.0],
        [49.0, 146.0, 36.0, 9.5],
        [44.0, 111.0, 37.0, 10.0],
        [40.0, 75.0, 38.0, 11.0],
        [41.0, 38.0, 37.0, 14.0],
        [50.0, 4.0, 33.0, 23.0],
    ]
)


def tracks_of(discs_mm: np.ndarray) -> list[Track]:
    selected = SelectedBox(Label.PFIRRMANN_3, 0.9, (0, 0, 0.9, 0, 0, 0, 0), (0, 0, 1, 1))
    return [
        Track(
            tuple(
                PlacedBox(f"d{i}", index, selected, np.array([index * 4.0, *disc[:2]]), disc[2:])
                for index in (4, 5, 6)
            )
        )
        for i, disc in enumerate(discs_mm)
    ]


def test_a_whole_lumbar_spine_is_named_with_confidence() -> None:
    assignment = assign_levels(tracks_of(DISCS_MM), room_below=70.0)

    names = [str(level) for level in assignment.levels]
    assert names == ["T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]
    assert assignment.numbering.confidence >= CERTAIN
    assert not assignment.warnings


def test_a_spine_cut_below_l4_l5_is_declared_uncertain() -> None:
    assignment = assign_levels(tracks_of(DISCS_MM[:-1]), room_below=22.0)

    assert assignment.numbering.confidence < CERTAIN
    assert [w.code for w in assignment.warnings] == ["numbering_uncertain"]
    readings = {other.lowest_level for other in assignment.numbering.alternatives}
    assert readings | {assignment.levels[-1]} >= {Level.L4_L5, Level.L5_S1}


def test_no_image_below_the_lowest_disc_means_doubt_whatever_its_shape() -> None:
    assignment = assign_levels(tracks_of(DISCS_MM), room_below=2.0)

    assert assignment.numbering.confidence < CERTAIN


def test_a_missed_disc_is_counted_and_said() -> None:
    assignment = assign_levels(tracks_of(np.delete(DISCS_MM, 2, axis=0)), room_below=70.0)

    names = [str(level) for level in assignment.levels]
    assert names == ["T12-L1", "L1-L2", "L3-L4", "L4-L5", "L5-S1"]
    assert "disc_missing" in [warning.code for warning in assignment.warnings]


@pytest.mark.parametrize("lowest", [Level.L4_L5, Level.L6_S1, Level.S1_S2])
def test_the_user_can_override_the_lowest_level(lowest: Level) -> None:
    assignment = assign_levels(tracks_of(DISCS_MM), room_below=70.0, lowest_level=lowest)

    assert assignment.levels[-1] is lowest
    assert assignment.numbering.override == f"lowest level {lowest}"
    assert assignment.numbering.confidence == 1.0


def test_the_names_do_not_depend_on_size_or_place_of_the_patient() -> None:
    moved = DISCS_MM * 1.3 + (200.0, -900.0, 0.0, 0.0)

    assignment = assign_levels(tracks_of(moved), room_below=90.0)

    assert assignment.levels[-1] is Level.L5_S1
    assert assignment.numbering.confidence >= CERTAIN


def test_discs_above_t9_t10_get_no_name_and_a_warning() -> None:
    top = DISCS_MM[0]
    above = np.array([top + np.array([0.0, 30.0 * i, 0.0, 0.0]) for i in range(5, 0, -1)])

    assignment = assign_levels(tracks_of(np.vstack([above, DISCS_MM])), room_below=70.0)

    assert len(assignment.levels) == 9
    assert assignment.levels[0] is Level.T9_T10
    assert "disc_unnamed" in [warning.code for warning in assignment.warnings]


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_discs_are_never_certain(count: int) -> None:
    chain = Chain(DISCS_MM[-count:, :2], DISCS_MM[-count:, 2:], room_below=70.0)

    assert max(lowest_level_probabilities(chain).values()) < CERTAIN


def test_probabilities_sum_to_one() -> None:
    chain = Chain(DISCS_MM[:, :2], DISCS_MM[:, 2:], room_below=40.0)

    assert sum(lowest_level_probabilities(chain).values()) == pytest.approx(1.0)


def test_equal_steps_hide_no_disc() -> None:
    assert steps_between(DISCS_MM[:, :2]) == [1, 1, 1, 1, 1]


def test_no_tracks_no_names() -> None:
    assert assign_levels([], room_below=0.0).levels == ()
