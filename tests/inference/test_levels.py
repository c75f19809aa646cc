"""Names of the discs of a usual spine, of cut ones, and of those that mislead."""

from collections.abc import Sequence

import numpy as np
import pytest
from spines import DISCS_MM, REMNANT_MM, SACRUM_BELOW, chain

from discern.findings import StudyWarning
from discern.inference.counting import Naming
from discern.inference.level_warnings import CERTAIN, SacrumView, sacrum_view
from discern.inference.levels import LevelAssignment, assign_levels
from discern.inference.numbering import Part, Reading, WeighedReading
from discern.spine import Level

USUAL = ["T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]


def names(assignment: LevelAssignment) -> list[str]:
    return [str(level) for level in assignment.levels]


def codes(warnings: Sequence[StudyWarning]) -> set[str]:
    return {warning.code for warning in warnings}


@pytest.mark.parametrize("bone", [None, SACRUM_BELOW])
def test_a_whole_lumbar_spine_is_named_with_confidence(bone: list[float] | None) -> None:
    assignment = assign_levels(chain(bone=bone))

    assert names(assignment) == USUAL
    assert assignment.numbering.confidence >= CERTAIN
    assert min(assignment.confidences) >= CERTAIN
    assert not assignment.warnings


def test_a_missed_lumbosacral_disc_shows_as_a_body_below_the_lowest() -> None:
    seen = chain(DISCS_MM[:-1], 105.0, [0.98] * 6, bone_further=0.02)

    assignment = assign_levels(seen)

    assert names(assignment) == USUAL[:-1]
    assert "sacrum_not_found" not in codes(assignment.warnings)


@pytest.mark.parametrize("room", [0.0, 10.0, 22.0])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_cut_field_of_view_is_never_certain_and_said(lost: int, room: float) -> None:
    assignment = assign_levels(chain(DISCS_MM[: len(DISCS_MM) - lost], room))

    assert assignment.numbering.confidence < CERTAIN
    assert codes(assignment.warnings) >= {"numbering_uncertain", "field_of_view_cut"}
    readings = {other.lowest_level for other in assignment.numbering.alternatives}
    assert len(readings | {assignment.levels[-1]}) >= 2


def test_a_body_where_the_sacrum_should_be_is_said() -> None:
    assignment = assign_levels(chain(room_below=40.0, bone=[0.9, *SACRUM_BELOW[1:]]))

    assert assignment.numbering.confidence < CERTAIN


def test_a_remnant_in_the_sacrum_is_s1_s2_and_shifts_no_name() -> None:
    discs = np.vstack([DISCS_MM, REMNANT_MM])

    assignment = assign_levels(chain(discs, 45.0, [0.02, 0.03, *SACRUM_BELOW[1:]]))

    assert names(assignment) == [*USUAL, "S1-S2"]


def test_a_well_formed_disc_below_l5_s1_is_told_as_transitional() -> None:
    wide = REMNANT_MM * (1, 1, 1.35, 1)
    discs = np.vstack([DISCS_MM, wide])

    assignment = assign_levels(chain(discs, 45.0, [0.02, 0.95, *SACRUM_BELOW[1:]]))

    assert assignment.numbering.confidence < CERTAIN
    assert "transitional_anatomy" in codes(assignment.warnings)


def test_a_lowest_disc_much_shorter_than_the_next_is_told_as_transitional() -> None:
    short = DISCS_MM.copy()
    short[-1, 2] = 0.6 * short[-2, 2]

    assignment = assign_levels(chain(short, bone=SACRUM_BELOW))

    assert assignment.numbering.confidence < CERTAIN
    assert "transitional_anatomy" in codes(assignment.warnings)


@pytest.mark.parametrize("above", np.linspace(0.1, 0.9, 9).tolist())
@pytest.mark.parametrize("length", [0.55, 0.6, 0.66])
def test_a_short_lowest_disc_gets_the_likelier_of_its_names(length: float, above: float) -> None:
    remnant = REMNANT_MM.copy()
    remnant[0, 2] = length * DISCS_MM[-1, 2]
    discs = np.vstack([DISCS_MM, remnant])

    assignment = assign_levels(chain(discs, 45.0, [0.02, above, *SACRUM_BELOW[1:]]))

    others = [other.confidence for other in assignment.numbering.alternatives]
    assert assignment.numbering.confidence >= max(others, default=0.0)


def test_a_box_far_down_the_sacrum_gets_no_name_and_shifts_none() -> None:
    discs = np.vstack([DISCS_MM, [[95.0, -75.0, 20.0, 14.0]]])

    assignment = assign_levels(chain(discs, 20.0, [0.02, 0.02, *SACRUM_BELOW[1:]]))

    assert assignment.levels[-1] is None
    assert names(assignment)[:-1] == USUAL
    assert "below_the_spine" in codes(assignment.warnings)


@pytest.mark.parametrize(
    ("below_mm", "bone", "view"),
    [
        (35.0, [np.nan, 0.02, 0.99], SacrumView.SEEN),
        (35.0, [np.nan, 0.98, 0.99], SacrumView.NOT_FOUND),
        (35.0, [np.nan, np.nan, 0.99], SacrumView.NOT_FOUND),
        (15.0, [np.nan, 0.02, 0.99], SacrumView.CUT),
    ],
)
def test_a_box_below_the_spine_is_no_sacrum(
    below_mm: float, bone: list[float], view: SacrumView
) -> None:
    stray = [[60.0, DISCS_MM[-1, 1] - below_mm, 20.0, 14.0]]
    seen = chain(np.vstack([DISCS_MM, stray]), 0.0, bone)
    parts = (Part.LUMBOSACRAL, Part.FIRST_ABOVE, Part.SECOND_ABOVE, Part.HIGHER)
    chosen = WeighedReading(Reading(Level.L5_S1, 1, parts, 1.0), 1.0)

    assert sacrum_view(seen, chosen) is view


def test_a_missed_disc_is_counted_and_named() -> None:
    assignment = assign_levels(chain(np.delete(DISCS_MM, 2, axis=0)))

    assert names(assignment) == ["T12-L1", "L1-L2", "L3-L4", "L4-L5", "L5-S1"]
    missing = [w.text for w in assignment.warnings if w.code == "disc_missing"]
    assert missing
    assert "L2-L3" in missing[0]


def test_a_doubtful_gap_makes_the_names_above_it_less_sure_than_those_below() -> None:
    stretched = DISCS_MM.copy()
    stretched[:3, 1] += 17.0  # one and a half steps between L2-L3 and L3-L4

    assignment = assign_levels(chain(stretched))

    assert max(assignment.confidences[:3]) < 0.95 < min(assignment.confidences[3:])


def test_the_names_do_not_depend_on_size_or_place_of_the_patient() -> None:
    moved = DISCS_MM * 1.3 + (200.0, -900.0, 0.0, 0.0)

    assignment = assign_levels(chain(moved, room_below=91.0))

    assert names(assignment) == USUAL
    assert assignment.numbering.confidence >= CERTAIN


def test_discs_above_t9_t10_get_no_name_and_a_warning() -> None:
    top = DISCS_MM[0]
    above = np.array([top + np.array([0.0, 30.0 * i, 0.0, 0.0]) for i in range(5, 0, -1)])

    assignment = assign_levels(chain(np.vstack([above, DISCS_MM])))

    assert assignment.levels[:2] == (None, None)
    assert assignment.levels[2] is Level.T9_T10
    assert "disc_unnamed" in codes(assignment.warnings)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_discs_are_never_certain(count: int) -> None:
    assert assign_levels(chain(DISCS_MM[-count:])).numbering.confidence < CERTAIN


def test_no_discs_no_names() -> None:
    assert assign_levels(chain(DISCS_MM[:0])).levels == ()


@pytest.mark.parametrize("lowest", [Level.L4_L5, Level.L6_S1, Level.S1_S2])
def test_the_user_can_say_what_the_lowest_disc_is(lowest: Level) -> None:
    assignment = assign_levels(chain(), Naming(0, lowest, f"lowest level {lowest}"))

    assert assignment.levels[-1] is lowest
    assert assignment.numbering.override == f"lowest level {lowest}"
    assert assignment.numbering.confidence >= CERTAIN
    assert not assignment.numbering.alternatives


def test_the_user_can_say_what_any_disc_is() -> None:
    assignment = assign_levels(chain(), Naming(2, Level.L4_L5, "anchor"))

    assert names(assignment) == ["L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1", "S1-S2"]


def test_discs_below_the_last_name_get_none() -> None:
    assignment = assign_levels(chain(), Naming(2, Level.S1_S2, "anchor"))

    assert assignment.levels[-2:] == (None, None)
    assert "below_the_spine" in codes(assignment.warnings)
