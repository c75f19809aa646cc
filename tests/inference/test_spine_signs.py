"""Signs along a spine, from drawn numbers and drawn tissue."""

from dataclasses import replace

import numpy as np
import pytest

from discern.inference.fitness import is_t2
from discern.inference.sign_warnings import sign_warnings
from discern.inference.spine_signs import (
    NO_SIGNS,
    FluidContrast,
    SpineSigns,
    canal_beside,
    fluid_contrast,
    height_lost,
)
from discern.inference.voids import DARK, THICK, Void, corridor_of, unevenness, void_of
from discern.quantities.slices import TissueSlice
from discern.spine import Level, Tissue

LEVELS = (Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)
MARROW, DISC, FLUID = 400.0, 200.0, 900.0
GAP_PX, SPACING_MM = 60, 0.6
USUAL = SpineSigns(np.ones(4), np.array([0.1, 0.12, 0.2]), Void(), 1.3)


def column(*, marrow: float = MARROW, fluid: float = FLUID) -> TissueSlice:
    """Draw four discs, the bodies between them and a canal, head to foot."""
    tissues = np.zeros((300, 200), np.uint8)
    tissues[20:280, 60:110] = Tissue.VERTEBRA
    for top in range(40, 280, GAP_PX):
        tissues[top : top + 16, 60:110] = Tissue.DISC
    tissues[10:290, 118:140] = Tissue.CANAL
    image = np.select(
        [tissues == Tissue.VERTEBRA, tissues == Tissue.DISC, tissues == Tissue.CANAL],
        [marrow, DISC, fluid],
        60.0,
    )
    masks = np.stack([(tissues == one).astype(np.float32) for one in Tissue])
    return TissueSlice(0, image.astype(np.float32), masks, (SPACING_MM, SPACING_MM))


BOXES = np.array([[60, top, 110, top + 16] for top in range(40, 280, GAP_PX)], float)


def codes(signs: SpineSigns, levels: tuple[Level | None, ...] = LEVELS) -> dict[str, str]:
    return {one.code: one.text for one in sign_warnings(signs, levels)}


def test_contrast_is_what_was_drawn() -> None:
    seen = fluid_contrast([column()])
    assert seen is not None
    assert seen.to_marrow == pytest.approx(FLUID / MARROW)
    assert seen.to_disc == pytest.approx(FLUID / DISC)
    assert is_t2(seen)


def test_dark_fluid_is_no_t2_and_fat_suppression_is() -> None:
    dark = fluid_contrast([column(fluid=150.0)])
    suppressed = fluid_contrast([column(marrow=90.0)])
    assert dark is not None
    assert suppressed is not None
    assert not is_t2(dark)
    assert is_t2(suppressed)


@pytest.mark.parametrize(
    ("seen", "t2"),
    [
        (FluidContrast(1.16, 3.3, 0.25), True),  # bright marrow, old patient
        (FluidContrast(2.2, 1.9, 0.33), True),  # young discs
        (FluidContrast(1.19, 2.09, 0.3), False),
        (FluidContrast(1.3, 1.2, 0.3), False),  # proton density
        (FluidContrast(float("nan"), float("nan"), 0.0), False),
    ],
)
def test_one_shortfall_is_forgiven_two_are_not(seen: FluidContrast, t2: bool) -> None:  # noqa: FBT001 - a table
    assert is_t2(seen) is t2


def test_without_bodies_and_discs_nothing_is_said_of_the_contrast() -> None:
    empty = replace(column(), probabilities=np.zeros((4, 300, 200), np.float32))
    assert fluid_contrast([empty]) is None
    assert fluid_contrast([]) is None


def test_canal_that_is_interrupted_is_missed_where_it_is() -> None:
    tissue = column()
    masks = tissue.probabilities.copy()
    masks[Tissue.CANAL, 90:130] = 0
    shares = canal_beside(replace(tissue, probabilities=masks), BOXES)
    assert shares == pytest.approx([1, 0, 1, 1], abs=0.05)


def test_height_lost_is_that_against_the_neighbours() -> None:
    heights = np.array([[26.0, 25, 26], [13.0, 16, 25], [26.0, 25, 26], [27.0, 26, 19]])
    lost = height_lost(heights)
    assert lost[1] == pytest.approx(0.5)
    assert lost[0] == pytest.approx(1 - 25 / 25.5)
    assert lost[3] < 0.1  # L5 is lower at its back
    assert height_lost(np.zeros((0, 3))).shape == (0,)
    assert np.isnan(height_lost(np.array([[26.0, 25, 26]]))).all()


@pytest.mark.parametrize(("diameter_mm", "seen"), [(7.0, False), (14.0, True)])
def test_a_void_is_told_by_its_thickness(diameter_mm: float, *, seen: bool) -> None:
    tissue = column()
    y, x = np.mgrid[:300, :200] * SPACING_MM
    hole = np.hypot(y - 85, x - 48) < diameter_mm / 2
    image = np.where(hole, 0.5 * DARK * MARROW, tissue.image).astype(np.float32)
    corridor = corridor_of(tissue, BOXES)
    assert corridor is not None
    void = void_of(image[::2, ::2], corridor)
    assert (void.thickness >= THICK) is seen
    if seen:
        distance_mm = GAP_PX * SPACING_MM
        assert void.thickness == pytest.approx(diameter_mm / distance_mm, abs=0.06)
        area_mm2 = 3 * distance_mm * (0.92 + 1.0) * 50 * SPACING_MM
        share = np.pi / 4 * diameter_mm**2 / area_mm2
        assert 0.65 * share < void.share < share  # pixels at its border are half bright


def test_a_thin_void_as_long_as_a_disc_is_none() -> None:
    tissue = column()
    image = np.where(tissue.of(Tissue.DISC) > 0, 5.0, tissue.image).astype(np.float32)
    corridor = corridor_of(tissue, BOXES)
    assert corridor is not None
    assert void_of(image[::2, ::2], corridor) == Void()


def test_brightness_of_the_bodies_is_compared() -> None:
    tissue = column()
    fall = np.linspace(4, 1, 300)[:, None]
    uneven = replace(tissue, image=(tissue.image * fall).astype(np.float32))
    corridor = corridor_of(uneven, BOXES)
    assert corridor is not None
    middles = [40 + 8 + GAP_PX * one for one in (0.5, 2.5)]
    expected = fall[int(middles[0]), 0] / fall[int(middles[1]), 0]
    assert unevenness(corridor) == pytest.approx(expected, rel=0.05)


def test_two_discs_have_no_corridor() -> None:
    assert corridor_of(column(), BOXES[:2]) is None


def test_a_usual_spine_gives_nothing_to_say() -> None:
    assert codes(USUAL) == {}
    assert codes(NO_SIGNS, ()) == {}


@pytest.mark.parametrize(
    ("signs", "code", "word"),
    [
        (replace(USUAL, height_lost=np.array([0.1, 0.5, 0.2])), "fracture_signs", "L4"),
        (replace(USUAL, canal=np.array([1, 0.1, 0.0, 1])), "surgery_signs", "L3-L4, L4-L5"),
        (replace(USUAL, void=Void(0.4, 0.03)), "implant_signs", "implants"),
    ],
)
def test_signs_are_named_and_said_to_be_outside_the_training_population(
    signs: SpineSigns, code: str, word: str
) -> None:
    told = codes(signs)
    assert list(told) == [code]
    assert word in told[code]
    assert "not in the training population" in told[code]


def test_uneven_brightness_is_told() -> None:
    assert list(codes(replace(USUAL, unevenness=4.0))) == ["uneven_brightness"]


def test_discs_without_name_are_no_problem() -> None:
    signs = replace(USUAL, height_lost=np.array([0.5, 0.1, 0.1]), canal=np.array([0, 0, 1, 1.0]))
    assert set(codes(signs, (None, None, *LEVELS[2:]))) == {"fracture_signs", "surgery_signs"}


@pytest.mark.parametrize("canal", [[1, 1, 0.1, 1], [1, 1, 1, 0.0], [0, 0, 0, 0.0]])
def test_one_gap_the_taper_and_no_canal_at_all_are_no_sign_of_surgery(
    canal: list[float],
) -> None:
    assert codes(replace(USUAL, canal=np.array(canal))) == {}
