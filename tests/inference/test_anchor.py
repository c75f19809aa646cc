"""What a user may say of the numbering, and what is refused."""

import numpy as np
import pytest
from spines import DISCS_MM, chain

from discern.errors import UsageError
from discern.imaging.geometry import SliceGeometry
from discern.imaging.study import Series, Slice
from discern.inference.anchor import Anchor, naming_at, parse_anchor, parse_level
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import SelectedBox
from discern.spine import Label, Level, Plane, Weighting

SELECTED = SelectedBox(Label.PFIRRMANN_3, 0.9, (0, 0, 0.9, 0, 0, 0, 0), (0, 0, 1, 1))


def no_pixels() -> np.ndarray:
    raise AssertionError("an anchor needs no pixels")


def series(*, placed: bool = True) -> Series:
    """Five sagittal slices, 240 mm high and wide, about the discs of ``DISCS_MM``."""
    slices = tuple(
        Slice(
            index=index,
            shape_px=(240, 240),
            geometry=SliceGeometry((4.0 * index, -60.0, 200.0), (0, 1, 0), (0, 0, -1), (1.0, 1.0))
            if placed
            else None,
            spacing_mm=(1.0, 1.0),
            read=no_pixels,
            sop_instance_uid=None,
            frame_number=None,
            file=f"{index}",
        )
        for index in range(5)
    )
    return Series("s1", None, "T2", Plane.SAGITTAL, Weighting.T2, slices)


TRACKS = [
    Track((PlacedBox(f"d{i}", 2, SELECTED, np.array([8.0, *disc[:2]]), disc[2:]),))
    for i, disc in enumerate(DISCS_MM)
]


def test_the_disc_at_the_point_is_named() -> None:
    naming = naming_at(parse_anchor("L4-L5@8,42,40"), TRACKS, chain(), series())

    assert (naming.index, naming.level) == (1, Level.L4_L5)
    assert naming.said == "anchor L4-L5@8,42,40"


@pytest.mark.parametrize(
    "text", ["L4-L5", "L4-L5@1,2", "L4-L5@1,2,3,4", "L4-L5@a,b,c", "L4-L5@1,nan,3", ""]
)
def test_an_anchor_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"L5-S1@0\.5"):
        parse_anchor(text)


def test_a_level_that_does_not_exist_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match=r"'L7-S1'; the levels are T9-T10, .*S1-S2"):
        parse_anchor("L7-S1@1,2,3")
    with pytest.raises(UsageError, match="--lowest-level: there is no level 'L9'"):
        parse_level("L9", "--lowest-level")


def test_a_point_outside_the_series_is_refused_with_the_distance() -> None:
    with pytest.raises(UsageError, match="292 mm outside the sagittal series s1"):
        naming_at(Anchor(Level.L5_S1, (8.0, 50.0, -332.0)), TRACKS, chain(), series())
    with pytest.raises(UsageError, match="84 mm outside"):
        naming_at(Anchor(Level.L5_S1, (100.0, 50.0, 4.0)), TRACKS, chain(), series())


def test_a_point_on_no_disc_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"no disc was found there; the nearest, .* 8.0,52.0,180.0"
    ):
        naming_at(Anchor(Level.L5_S1, (8.0, -40.0, 190.0)), TRACKS, chain(), series())


def test_an_anchor_needs_geometry() -> None:
    with pytest.raises(UsageError, match="use --lowest-level"):
        naming_at(Anchor(Level.L5_S1, (8.0, 50.0, 4.0)), TRACKS, chain(), series(placed=False))
