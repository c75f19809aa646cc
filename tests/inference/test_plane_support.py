"""Sagittal lesions support axial ones at the same place in the patient, and no others."""

from dataclasses import replace

import numpy as np
import pytest

from discern.findings import AxialSlice, StudyWarning
from discern.imaging.geometry import LEFT, SliceGeometry
from discern.imaging.study import Series, Slice
from discern.inference.axial import PlacedSeries, PlacedSlice
from discern.inference.axial_look import AxialBoxes
from discern.inference.axial_reading import read_axial
from discern.inference.fusion import DiscEvidence
from discern.inference.plane_support import NO_SUPPORT, LesionInPatient, SagittalSupport
from discern.inference.sagittal import NOTHING_READ, SagittalReading
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import PostprocessConfig, SelectedBox
from discern.spine import LABELS, Label, Plane, Weighting

HERNIATION, HIZ = Label.HERNIATION, Label.HIZ
THICKNESS_MM = 4.0
# Pixel (x, y) of the sagittal slice is y = x, z = -y of the patient; of the axial one, x and y.
SAGITTAL = SliceGeometry((0.0, 0.5, -0.5), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 1.0))
AXIAL = SliceGeometry((-49.5, 0.5, -50.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0))
ON_SAGITTAL = (40.0, 46.0, 46.0, 54.0)  # y 40 to 46, z -54 to -46
ON_AXIAL = (47.0, 41.0, 53.0, 45.0)  # x -3 to 3, y 41 to 45


def box(
    score: float, xyxy_px: tuple[float, float, float, float], label: Label = HIZ
) -> SelectedBox:
    scores = [0.0] * len(LABELS)
    scores[LABELS.index(label)] = score
    return SelectedBox(label, score, tuple(scores), xyxy_px)


def sure(label: Label = HIZ) -> LesionInPatient:
    return LesionInPatient.of(box(0.8, ON_SAGITTAL, label), SAGITTAL, THICKNESS_MM)


def doubtful(score: float = 0.45, geometry: SliceGeometry = AXIAL) -> LesionInPatient:
    return LesionInPatient.of(box(score, ON_AXIAL), geometry, THICKNESS_MM)


def moved(geometry: SliceGeometry, by_mm: tuple[float, float, float]) -> SliceGeometry:
    x, y, z = (np.array(geometry.position_lps_mm) + by_mm).tolist()
    return replace(geometry, position_lps_mm=(x, y, z))


def test_a_box_covers_its_pixels_and_its_slice() -> None:
    assert sure().bounds_lps_mm.tolist() == [[-2, 40, -54], [2, 46, -46]]
    assert doubtful().bounds_lps_mm.tolist() == [[-3, 41, -52], [3, 45, -48]]


def test_a_doubtful_axial_box_at_a_sure_sagittal_one_counts_up_to_twice() -> None:
    support = SagittalSupport((sure(),), (HIZ,))

    assert support.score_of(doubtful(0.45)) == 0.8
    assert support.score_of(doubtful(0.3)) == 0.6
    assert support.score_of(doubtful(0.9)) == 0.9


@pytest.mark.parametrize(
    "away_mm", [(5.1, 0, 0), (-5.1, 0, 0), (0, 5.1, 0), (0, -5.1, 0), (0, 0, 6.1), (0, 0, -6.1)]
)
def test_elsewhere_nothing_is_added(away_mm: tuple[float, float, float]) -> None:
    support = SagittalSupport((sure(),), (HIZ,))
    near = tuple(0.95 * one for one in away_mm)

    assert support.score_of(doubtful(geometry=moved(AXIAL, away_mm))) == 0.45
    assert support.score_of(doubtful(geometry=moved(AXIAL, (near[0], near[1], near[2])))) == 0.8


def test_neither_another_lesion_nor_another_network_supports() -> None:
    assert SagittalSupport((sure(HERNIATION),), (HERNIATION, HIZ)).score_of(doubtful()) == 0.45
    assert SagittalSupport((sure(),), (HERNIATION,)).score_of(doubtful()) == 0.45
    assert NO_SUPPORT.score_of(doubtful()) == 0.45


def sagittal_reading(*, has_geometry: bool = True) -> SagittalReading:
    slices = tuple(
        Slice(i, (100, 100), moved(SAGITTAL, (4.0 * i, 0, 0)), (1.0, 1.0), _unread, None, None, "")
        for i in range(2)
    )
    series = Series("s1", None, "Sag T2", Plane.SAGITTAL, Weighting.T2, slices, used=True)
    zone = PlacedBox("d2", 0, box(0.8, ON_SAGITTAL), np.array([0, 43.0, -50]), np.array([6.0, 8]))
    disc = replace(zone, detection="d1", selected=box(0.9, ON_SAGITTAL, Label.PFIRRMANN_3))
    evidence = DiscEvidence(Track((disc,)), (zone,))
    return replace(NOTHING_READ, series=series, discs=(evidence,), has_geometry=has_geometry)


def _unread() -> np.ndarray:
    raise AssertionError("nothing has to be read")


class Given:
    """Answers every slice with one zone."""

    thresholds = PostprocessConfig(hiz_score=0.6)

    def __init__(self, score: float) -> None:
        self._boxes = (box(score, ON_AXIAL),)

    def read(self, placed: PlacedSeries) -> tuple[list[AxialBoxes], list[StudyWarning]]:
        return [AxialBoxes(one.slice_, self._boxes) for one in placed.slices], []


def axial_scores(
    score: float, reading: SagittalReading, shift_mm: float = 0.0
) -> list[tuple[int, float]]:
    """Slice and score of what is kept on three slices 8 mm apart, the second at the zone."""
    slices = tuple(
        Slice(i, (100, 100), moved(AXIAL, (0, 0, 8.0 - 8 * i)), (1.0, 1.0), _unread, None, None, "")
        for i in range(3)
    )
    series = Series("s2", None, "Ax T2", Plane.AXIAL, Weighting.T2, slices, used=True)
    places = tuple(PlacedSlice(one, AxialSlice("s2", one.index, None, None)) for one in slices)
    placed = PlacedSeries(series, places, (), shift_mm)
    support = SagittalSupport.of(reading, (HIZ,))
    found = read_axial([placed], Given(score), support, first_id=1, left=LEFT)
    return [(one.slice_index, one.score) for one in found.detections]


def test_only_what_reaches_the_threshold_with_its_support_is_kept() -> None:
    assert axial_scores(0.45, sagittal_reading()) == [(1, 0.8)]
    assert axial_scores(0.25, sagittal_reading()) == []
    assert axial_scores(0.7, sagittal_reading()) == [(0, 0.7), (1, 0.8), (2, 0.7)]


def test_a_patient_who_moved_is_looked_for_where_the_slices_show_them() -> None:
    assert axial_scores(0.45, sagittal_reading(), shift_mm=8.0) == [(2, 0.8)]


def test_slices_that_do_not_say_where_they_lie_support_nothing() -> None:
    assert axial_scores(0.45, sagittal_reading(has_geometry=False)) == []
    assert axial_scores(0.45, NOTHING_READ) == []
