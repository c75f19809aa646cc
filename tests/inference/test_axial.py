import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from axial_spines import LEVELS, KnownSpine, axial_series, expected, known_spine, slice_at

from discern.imaging.study import Slice
from discern.inference.axial import place_slices
from discern.inference.axial_spine import PlacedDisc, placed_discs
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import SelectedBox
from discern.spine import Label, Level, Vertebra

SPINE = known_spine()
UP = np.array([0.0, 0.0, 1.0])
STEP_MM = 3.8
NEAR_MM = 0.8  # a smooth curve through the discs is not the formula: nearer is not asked


def straight(spine: KnownSpine) -> list[Slice]:
    """One block through discs 2 to 6, all slices parallel to the table."""
    middle = (spine.disc(2) + spine.disc(6)) / 2
    heights = np.arange(-80, 80, STEP_MM)
    return [slice_at(middle + UP * h, UP, i) for i, h in enumerate(heights)]


def by_disc(spine: KnownSpine) -> list[Slice]:
    """Five slices along each of the four lower discs, each block in the disc's own tilt."""
    found: list[Slice] = []
    for disc in (6, 5, 4, 3):
        up = -spine.down(disc)
        for offset in (-2, -1, 0, 1, 2):
            found.append(slice_at(spine.disc(disc) + offset * STEP_MM * up, up, len(found)))
    return found


def tilted(spine: KnownSpine) -> list[Slice]:
    """One block leaning forwards by 18 and sideways by 10 degrees."""
    normal = np.array([np.sin(np.radians(10)), -np.sin(np.radians(18)), 1.0])
    normal /= np.linalg.norm(normal)
    heights = np.arange(-70, 70, STEP_MM)
    return [slice_at(spine.disc(4) + normal * h, normal, i) for i, h in enumerate(heights)]


def turned(_: KnownSpine) -> list[Slice]:
    """The straight block turned in its plane: rows do not run from right to left."""
    return [
        slice_at(np.array([0.0, -20.0, h]), UP, i, turn_deg=37.0)
        for i, h in enumerate(np.arange(-90, 90, STEP_MM))
    ]


def shuffled(spine: KnownSpine) -> list[Slice]:
    """Blocks by disc in the order of a scanner that jumps between them."""
    slices = by_disc(spine)
    order = np.random.default_rng(1).permutation(len(slices))
    return [slices[i] for i in order]


Stack = Callable[[KnownSpine], list[Slice]]
STACKS: tuple[Stack, ...] = (straight, by_disc, tilted, turned, shuffled)


def names(discs: Sequence[PlacedDisc], slices: Sequence[Slice]) -> list[Level | Vertebra | None]:
    placed = place_slices(discs, axial_series(slices)).named
    return [one.level or one.vertebra for one in placed]


@pytest.mark.parametrize("stack", STACKS)
def test_every_slice_is_named_as_a_search_along_the_curve_names_it(stack: Stack) -> None:
    slices = stack(SPINE)
    found = names(SPINE.placed(), slices)
    asked = [expected(SPINE, one, STEP_MM) for one in slices]

    clear = [i for i, (_, margin) in enumerate(asked) if margin > NEAR_MM]

    assert len(clear) > 0.6 * len(slices)
    assert [found[i] for i in clear] == [asked[i][0] for i in clear]
    assert {LEVELS[4], LEVELS[5]} <= set(found)


def test_the_crossing_lies_on_the_curve() -> None:
    placed = place_slices(SPINE.placed(), axial_series(straight(SPINE)))

    for one in placed.slices:
        assert one.midline_lps_mm is not None
        nearest = np.linalg.norm(SPINE.points - np.array(one.midline_lps_mm), axis=1).min()
        assert nearest < 1.0


def test_slices_keep_their_order_and_identity() -> None:
    slices = shuffled(SPINE)

    placed = place_slices(SPINE.placed(), axial_series(slices)).named

    assert [one.sop_instance_uid for one in placed] == [one.sop_instance_uid for one in slices]
    assert [one.slice_index for one in placed] == [one.index for one in slices]


def test_a_thick_slab_that_holds_a_collapsed_disc_belongs_to_it() -> None:
    discs = [replace(one, height_mm=3.0) for one in SPINE.placed()]
    up = -SPINE.down(5)
    slices = [slice_at(SPINE.disc(5) + offset * up, up, i) for i, offset in enumerate((-6, 2, 10))]

    assert names(discs, slices) == [Vertebra.L5, Level.L4_L5, Vertebra.L4]


def test_beyond_the_named_spine_nothing_is_said() -> None:
    slices = [slice_at(SPINE.disc(6) - UP * h, UP, i) for i, h in enumerate((16.0, 60.0))]

    assert names(SPINE.placed(), slices) == [Vertebra.S1, None]


def test_a_slice_whose_matrix_misses_the_spine_has_no_name() -> None:
    aside = np.array([120.0, 0.0, 0.0])
    slices = [slice_at(SPINE.disc(5) + aside, UP, 0), slice_at(SPINE.disc(5), UP, 1)]

    assert names(SPINE.placed(), slices) == [None, Level.L4_L5]


def test_above_a_disc_that_was_missed_the_vertebrae_keep_their_names() -> None:
    found = SPINE.placed([2, 3, 5, 6])  # L3-L4 was missed
    halfway = (SPINE.disc(3) + SPINE.disc(4)) / 2, (SPINE.disc(4) + SPINE.disc(5)) / 2
    places = (*halfway, SPINE.disc(4))

    named = names(found, [slice_at(place, UP, i) for i, place in enumerate(places)])

    assert named == [Vertebra.L3, Vertebra.L4, None]


def test_a_gap_that_does_not_fit_the_number_of_missed_discs_is_not_guessed() -> None:
    found = SPINE.placed([1, 2, 3, 5, 6])
    wrong = [replace(one, level=Level.T11_T12) if i == 0 else one for i, one in enumerate(found)]

    named = names(wrong, [slice_at((SPINE.disc(1) + SPINE.disc(2)) / 2, UP, 0)])

    assert named == [None]


def test_six_lumbar_vertebrae_have_their_own_names() -> None:
    six = (Level.L4_L5, Level.L5_L6, Level.L6_S1)
    discs = [
        replace(one, level=level) for one, level in zip(SPINE.placed([4, 5, 6]), six, strict=True)
    ]
    places = (SPINE.disc(5), (SPINE.disc(5) + SPINE.disc(6)) / 2)

    named = names(discs, [slice_at(place, UP, i) for i, place in enumerate(places)])

    assert named == [Level.L5_L6, Vertebra.L6]


def test_one_disc_alone_names_its_slices_and_its_neighbours() -> None:
    slices = [slice_at(SPINE.disc(5) + UP * h, UP, i) for i, h in enumerate((-15, 0, 15, 50))]

    named = names(SPINE.placed([5]), slices)

    assert named == [Vertebra.L5, Level.L4_L5, Vertebra.L4, None]


def test_without_discs_nothing_is_named_and_nothing_is_said() -> None:
    placed = place_slices([], axial_series(straight(SPINE)))

    assert {(one.level, one.vertebra) for one in placed.named} == {(None, None)}
    assert not placed.warnings


def test_slices_without_geometry_are_not_named_and_that_is_said() -> None:
    slices = [replace(one, geometry=None) for one in straight(SPINE)]

    placed = place_slices(SPINE.placed(), axial_series(slices))

    assert {(one.level, one.vertebra) for one in placed.named} == {(None, None)}
    assert [warning.code for warning in placed.warnings] == ["axial_without_geometry"]


def test_an_axial_series_of_another_place_is_not_named_and_that_is_said() -> None:
    slices = [slice_at(SPINE.disc(0) + UP * (200 + 4 * i), UP, i) for i in range(5)]

    placed = place_slices(SPINE.placed(), axial_series(slices))

    assert {(one.level, one.vertebra) for one in placed.named} == {(None, None)}
    assert [warning.code for warning in placed.warnings] == ["axial_elsewhere"]


def test_the_midline_comes_from_all_slices_of_a_disc() -> None:
    scores = (0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0)
    selected = SelectedBox(Label.PFIRRMANN_3, 0.6, scores, (0.0, 0.0, 1.0, 1.0))
    boxes = tuple(
        PlacedBox(f"d{i}", i, selected, np.array([5.0 * i, 20.0, 80.0]), np.array([36.0, 11.0]))
        for i in range(10)  # the middle lies between slices 4 and 5, at 22.5 mm
    )

    (disc,) = placed_discs([(Track(boxes), Level.L4_L5)])

    assert disc.center_lps_mm == pytest.approx((22.5, 20.0, 80.0))
    assert 8.0 < disc.height_mm < 11.0


def test_sixty_slices_take_a_moment() -> None:
    slices = [
        slice_at(np.array([0, -20, h]), UP, i) for i, h in enumerate(np.linspace(-90, 90, 60))
    ]
    series, discs = axial_series(slices), SPINE.placed()
    took = []
    for _ in range(7):
        start = time.process_time()
        place_slices(discs, series)
        took.append(time.process_time() - start)

    assert min(took) < 0.05  # about 5 ms; the bound leaves room for a busy machine
