import numpy as np
import pytest

from discern.phantom.anatomy import build_spine
from discern.phantom.spine_model import PhantomParameters
from discern.spine import USUAL_LEVELS, Level, PfirrmannGrade

HEALTHY = PhantomParameters(grades=(PfirrmannGrade.I,) * 9, lordosis_deg=50, sacral_slope_deg=40)


def test_lordosis_and_sacral_slope_are_those_asked_for() -> None:
    spine = build_spine(HEALTHY)
    s1, l1 = spine.sacrum[0].upper, spine.bodies[4].upper
    assert np.rad2deg(s1.tilt_rad) == pytest.approx(40)
    assert np.rad2deg(s1.tilt_rad - l1.tilt_rad) == pytest.approx(50, abs=0.01)


def test_lines_are_interpolated_and_end_where_the_table_ends() -> None:
    spine = build_spine(HEALTHY)
    low, high = spine.z_mm[[0, -1]]
    z_mm = np.linspace(low - 20, high + 20, 997).astype(np.float32)
    expected = np.interp(z_mm, spine.z_mm, spine.skin_y_mm)
    assert np.allclose(spine.line_at(spine.skin_y_mm, z_mm), expected, atol=1e-3)


def test_lumbar_sizes_lie_in_the_published_range() -> None:
    spine = build_spine(HEALTHY)
    l3 = spine.bodies[2]
    assert 32 < 2 * l3.lower.half_depth_mm < 37  # Berry 1987
    assert 25 < l3.height_mm < 29
    heights = [spine.discs[level].height_mm for level in USUAL_LEVELS[3:8]]
    assert heights == sorted(heights)  # they grow towards L4-L5 (Zhou 2000)
    assert 6 < heights[0] < heights[-1] < 12


def test_disc_height_falls_with_the_grade() -> None:
    heights = [
        build_spine(PhantomParameters(grades=(grade,) * 9)).discs[Level.L3_L4].height_mm
        for grade in PfirrmannGrade
    ]
    assert heights == sorted(heights, reverse=True)
    assert heights[4] < 0.6 * heights[0]


def test_posterior_borders_of_neighbours_are_flush() -> None:
    spine = build_spine(HEALTHY)
    for body in spine.bodies:
        for plate in (body.lower, body.upper):
            y, z = (plate.y_mm, plate.z_mm) + plate.half_depth_mm * plate.back
            assert np.interp(z, spine.z_mm, spine.wall_y_mm) == pytest.approx(y, abs=1.5)


def test_order_runs_from_foot_to_head() -> None:
    spine = build_spine(HEALTHY)
    heights = [spine.discs[level].z_mm for level in USUAL_LEVELS]
    assert heights == sorted(heights, reverse=True)
    assert spine.sacrum[-1].z_mm < spine.sacrum[0].z_mm < spine.discs[Level.L5_S1].z_mm


def test_scoliosis_has_the_asked_angle_and_side() -> None:
    spine = build_spine(PhantomParameters(scoliosis_deg=12))
    z_mm = np.linspace(spine.discs[Level.L5_S1].z_mm, 150, 2000)
    turn = np.rad2deg(np.arctan(np.gradient(spine.shift_mm(z_mm), z_mm)))
    assert turn.max() - turn.min() == pytest.approx(12, abs=0.2)
    assert spine.shift_mm(np.array(spine.bodies[2].z_mm)) > 0
    assert spine.disc_center_lps_mm(Level.L3_L4)[0] > 0
