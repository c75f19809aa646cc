import numpy as np
import pytest

from discern.inference.tracks import PlacedBox, link_tracks, typical_spacing
from discern.postprocess import SelectedBox
from discern.spine import Label

SPACING_MM = 35.0


def box(name: str, slice_index: int, center: tuple[float, float], score: float = 0.9) -> PlacedBox:
    """A disc box at (posterior, head) on a slice 4 mm from the next."""
    selected = SelectedBox(Label.PFIRRMANN_2, score, (0, score, 0, 0, 0, 0, 0), (0, 0, 1, 1))
    place = np.array([slice_index * 4.0, *center])
    return PlacedBox(name, slice_index, selected, place, np.array([36.0, 10.0]))


def spine(slices: range, discs: int = 5, drift_mm: float = 0.0) -> list[PlacedBox]:
    return [
        box(f"{s}-{d}", s, (drift_mm * s, -SPACING_MM * d)) for s in slices for d in range(discs)
    ]


def test_each_disc_is_one_track_head_to_foot() -> None:
    tracks = link_tracks(spine(range(3, 9)), slice_count=12)

    assert len(tracks) == 5
    assert all(len(track.boxes) == 6 for track in tracks)
    heights = [track.center[2] for track in tracks]
    assert heights == sorted(heights, reverse=True)


def test_a_drifting_spine_is_followed() -> None:
    tracks = link_tracks(spine(range(12), drift_mm=6.0), slice_count=12)

    assert [len(track.boxes) for track in tracks] == [12] * 5


def test_a_disc_missed_on_one_slice_stays_one_track() -> None:
    boxes = [b for b in spine(range(6)) if b.detection != "3-2"]

    tracks = link_tracks(boxes, slice_count=6)

    assert [len(track.boxes) for track in tracks] == [6, 6, 5, 6, 6]


def test_a_doubtful_box_on_a_single_slice_of_many_is_no_disc() -> None:
    stray = box("stray", 4, (0.0, 60.0), score=0.3)

    assert len(link_tracks([*spine(range(6)), stray], slice_count=6)) == 5


def test_two_readings_of_one_place_leave_the_heavier() -> None:
    double = [box(f"x{s}", s, (0.0, -SPACING_MM * 2 - 14.0), score=0.3) for s in (2, 3)]

    tracks = link_tracks(sorted([*spine(range(6)), *double], key=lambda b: b.slice_index), 6)

    assert len(tracks) == 5
    assert all(not b.detection.startswith("x") for track in tracks for b in track.boxes)


def test_the_middle_is_that_of_the_disc_itself() -> None:
    track = link_tracks(spine(range(4, 11), discs=1), slice_count=20)[0]

    assert [b.slice_index for b in track.middle()] == [6, 7, 8]


def test_lesion_boxes_make_no_tracks() -> None:
    selected = SelectedBox(Label.HERNIATION, 0.9, (0, 0, 0, 0, 0, 0.9, 0), (0, 0, 1, 1))
    lesion = PlacedBox("h", 2, selected, np.array([0.0, 15.0, 0.0]), np.array([9.0, 9.0]))

    assert len(link_tracks([*spine(range(6)), lesion], slice_count=6)) == 5


def test_typical_spacing_is_the_distance_of_neighbours() -> None:
    assert typical_spacing(spine(range(3))) == pytest.approx(SPACING_MM)


def test_a_single_image_gives_a_track_per_disc() -> None:
    assert len(link_tracks(spine(range(1)), slice_count=1)) == 5
