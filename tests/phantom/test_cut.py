"""What an axial slice truly cuts of the phantom's column."""

import numpy as np
import pytest

from discern.imaging.geometry import SliceGeometry
from discern.phantom.anatomy import build_spine
from discern.phantom.cut import cut_shares
from discern.phantom.study import demo_parameters
from discern.spine import Level, Vertebra

SPINE = build_spine(demo_parameters())


def plane(center: tuple[float, float, float], tilt_rad: float) -> SliceGeometry:
    """Return an axial slice about ``center``, its back lifted by ``tilt_rad``."""
    back = (0.0, float(np.cos(tilt_rad)), float(np.sin(tilt_rad)))
    corner = np.array(center) - 80 * np.array(back) - (80.0, 0.0, 0.0)
    x, y, z = corner.tolist()
    return SliceGeometry((x, y, z), (1.0, 0.0, 0.0), back, (0.5, 0.5))


def test_a_slice_along_a_disc_cuts_that_disc() -> None:
    disc = SPINE.discs[Level.L4_L5]

    shares = cut_shares(SPINE, plane(SPINE.center_lps_mm(disc), disc.tilt_rad), 3.0)

    assert shares[Level.L4_L5] > 0.9
    assert sum(shares.values()) == pytest.approx(1)


def test_a_slice_through_a_body_cuts_that_body() -> None:
    body = SPINE.vertebra(Vertebra.L3)

    shares = cut_shares(SPINE, plane(SPINE.center_lps_mm(body), body.tilt_rad), 3.0)

    assert shares == {Vertebra.L3: pytest.approx(1)}


def test_an_oblique_slice_cuts_the_back_of_a_disc_that_its_axis_misses() -> None:
    disc = SPINE.discs[Level.L4_L5]
    x, y, z = SPINE.center_lps_mm(disc)

    shares = cut_shares(SPINE, plane((x, y, z - 8.0), disc.tilt_rad + 0.5), 3.0)

    assert 0.1 < shares[Level.L4_L5] < 0.6
    assert shares[Vertebra.L5] > 0.3


def test_a_slice_off_the_spine_cuts_nothing() -> None:
    x, y, z = SPINE.center_lps_mm(SPINE.blocks[-1])

    assert cut_shares(SPINE, plane((x, y, z + 300.0), 0.0), 3.0) == {}
