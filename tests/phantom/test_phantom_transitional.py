"""Four, five and six lumbar-type vertebrae: names, sizes, boxes."""

import numpy as np
import pytest

from discern.phantom.anatomy import build_spine
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_sagittal
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.spine import Level

SMALL = Scanner(matrix_px=256, noise=0)
DISCS = {
    4: [Level.L4_L5, Level.L3_L4, Level.L2_L3],
    5: [Level.L5_S1, Level.L4_L5, Level.L3_L4],
    6: [Level.L6_S1, Level.L5_L6, Level.L4_L5],
}


@pytest.mark.parametrize("count", [4, 5, 6])
def test_discs_have_their_names_and_remnants_are_ignored(count: int) -> None:
    parameters = PhantomParameters(lumbar_vertebrae=count, scanner=SMALL)
    spine = build_spine(parameters)
    assert list(spine.discs)[:3] == DISCS[count]
    assert list(spine.discs)[-1] == Level.T9_T10
    assert len(spine.lumbar_bodies) == count
    assert parameters.levels == tuple(spine.discs)[::-1]
    truth = render_sagittal(
        parameters, np.random.default_rng(0), prescription=Prescription(sagittal_slices=1)
    )[0].truth
    numbers = [box.disc for box in truth.boxes if box.label.grade]
    assert sorted(number for number in numbers if number) == list(range(1, len(numbers) + 1))
    remnants = [box for box in truth.ignored if box[1] > truth.shape_px[0] / 2]
    assert len(remnants) == (2 if count == 4 else 1)


def test_a_lumbarised_segment_is_squared_on_a_low_and_short_disc() -> None:
    spine = build_spine(PhantomParameters(lumbar_vertebrae=6))
    l6, l5 = spine.bodies[:2]
    depth = [block.lower.half_depth_mm + block.upper.half_depth_mm for block in (l6, l5)]
    assert 0.84 < depth[0] / depth[1] < 0.92
    low, above = (spine.discs[level] for level in (Level.L6_S1, Level.L5_L6))
    depths = [disc.lower.half_depth_mm + disc.upper.half_depth_mm for disc in (low, above)]
    assert 0.80 < depths[0] / depths[1] < 0.86
    assert 6 < low.height_mm < 8 < above.height_mm
    assert len(spine.sacrum) < len(build_spine(PhantomParameters()).sacrum)


def test_a_sacralised_body_leaves_a_rudimentary_disc() -> None:
    spine = build_spine(PhantomParameters(lumbar_vertebrae=4))
    assert [block.name for block in spine.sacrum[:4]] == ["L5", "L5-S1", "S1", "S1-S2"]
    rudiment, above = spine.sacrum[1], spine.lowest_disc
    depths = [disc.lower.half_depth_mm + disc.upper.half_depth_mm for disc in (rudiment, above)]
    assert 0.75 < depths[0] / depths[1] < 0.80
    assert 4 < rudiment.height_mm < 5


@pytest.mark.parametrize("count", [4, 5, 6])
def test_lordosis_is_kept_whatever_the_count(count: int) -> None:
    spine = build_spine(PhantomParameters(lumbar_vertebrae=count, lordosis_deg=50))
    l1 = next(body for body in spine.bodies if body.name == "L1")
    tilt_deg = np.rad2deg(spine.sacrum[0].upper.tilt_rad - l1.upper.tilt_rad)
    assert tilt_deg == pytest.approx(50, abs=1.5)  # grade 2 has lost 2 % of the discs' share
