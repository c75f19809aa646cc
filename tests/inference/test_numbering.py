"""The readings of the lower end of the spine and their weights."""

import numpy as np
import pytest
from spines import DISCS_MM, SACRUM_BELOW, chain

from discern.inference.numbering import steps_between, weigh
from discern.inference.spine_cues import Chain
from discern.spine import Level


@pytest.mark.parametrize("discs", [1, 2, 3, 6])
def test_probabilities_sum_to_one_and_run_downwards(discs: int) -> None:
    weighed = weigh(chain(DISCS_MM[-discs:], 40.0))

    chances = [one.probability for one in weighed]
    assert sum(chances) == pytest.approx(1.0)
    assert chances == sorted(chances, reverse=True)


def test_equal_steps_hide_no_disc() -> None:
    assert steps_between(DISCS_MM[::-1, :2]) == [1, 1, 1, 1, 1]


def test_sacrum_below_speaks_for_the_lumbosacral_disc_and_a_body_against_it() -> None:
    def cut_above(bone: list[float]) -> float:
        weighed = weigh(chain(room_below=60.0, bone=bone))
        return sum(one.probability for one in weighed if one.reading.lowest_level is Level.L4_L5)

    assert cut_above([0.98]) > 5 * cut_above([])
    assert cut_above([]) > 5 * cut_above([0.02])


def test_dropping_the_lowest_discs_keeps_what_lies_below_in_view() -> None:
    whole = chain(room_below=50.0, bone=SACRUM_BELOW)

    upper = whole.above(1)

    assert isinstance(upper, Chain)
    assert len(upper) == len(whole) - 1
    assert upper.room_below == pytest.approx(50.0 + 34.0)
    assert upper.bone[0] == SACRUM_BELOW[1]
    assert upper.bone_further == SACRUM_BELOW[0]
    assert np.isfinite(upper.bone_further)
