from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.imaging.disc_crop import CropRules, axial_box
from discern.imaging.reading import read_study
from discern.inference.analyze import AnalysisOptions, analyze_study
from discern.inference.lesion_look import LesionLook
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.networks import FinderMetadata, Head, TrainedOn
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.postprocess import PostprocessConfig, SelectedBox
from discern.spine import LESION_LABELS, Label, Plane
from discern.weights import WeightsMetadata, load_weights, shipped_weights

HEADS = tuple(
    Head(label, plane, TrainedOn.SYNTHETIC)
    for plane in (Plane.SAGITTAL, Plane.AXIAL)
    for label in LESION_LABELS
)
ABOUT = FinderMetadata(
    CropRules(32, 48, 1.5),
    CropRules(64, 64, 1.0),
    HEADS,
    epochs=1,
    training_data=(),
    training_patients=(),
)
DISC = SelectedBox(
    Label.PFIRRMANN_3, 0.8, (0.1, 0.3, 0.8, 0.2, 0.1, 0.05, 0.01), (40.0, 30.0, 72.0, 42.0)
)
OWN = replace(DISC, label=Label.HERNIATION, score=0.9)
IMAGE = np.tile(np.linspace(0, 1, 160, dtype=np.float32), (120, 1))
THRESHOLDS = PostprocessConfig()


class _Sees:
    """Sees lesions at given cells of every crop, each with its score and reach to the edges."""

    def __init__(self, *peaks: tuple[Label, int, int, float], reach: float = 4.0) -> None:
        self.peaks = peaks
        self.reach = reach
        self.seen: list[tuple[int, ...]] = []

    def predict_lesions(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(views.shape)
        count, rows, columns = views.shape
        maps = np.full((count, 6, rows // 2, columns // 2), self.reach, np.float32)
        maps[:, :2] = 0
        for label, row, column, score in self.peaks:
            maps[:, LESION_LABELS.index(label), row, column] = score
        return maps


def look(network: _Sees, plane: Plane = Plane.SAGITTAL) -> LesionLook:
    return LesionLook(network, ABOUT, plane, THRESHOLDS)


def test_a_peak_becomes_a_box_at_its_place_on_the_slice_and_the_detectors_own_lesions_go() -> None:
    network = _Sees((Label.HIZ, 8, 18, 0.7))  # (37, 17) px of a crop whose middle is the disc's

    disc, found = look(network).at(IMAGE, [OWN, DISC])

    assert disc is DISC
    assert found.label is Label.HIZ
    assert found.score == pytest.approx(0.7)
    assert found.class_scores == pytest.approx((0, 0, 0, 0, 0, 0, 0.7))
    assert found.box_xyxy_px == pytest.approx((65, 33, 73, 41))  # crop and slice: one px is one px
    assert network.seen == [(1, 32, 48)]


def test_a_slice_whose_rows_lie_farther_apart_has_lower_boxes() -> None:
    _, found = look(_Sees((Label.HIZ, 8, 12, 0.7))).at(IMAGE, [DISC], spacing_mm=(2.0, 1.0))

    x1, y1, x2, y2 = found.box_xyxy_px
    assert (x2 - x1, y2 - y1) == pytest.approx((8, 4))


def test_a_lesion_that_two_crops_show_is_said_once() -> None:
    """The crop of the next disc, two cells lower, shows it two cells higher."""
    below = replace(DISC, box_xyxy_px=(40.0, 34.0, 72.0, 46.0))
    network = _Sees((Label.HERNIATION, 8, 16, 0.6), (Label.HERNIATION, 10, 16, 0.5), reach=6.0)

    found = [one for one in look(network).at(IMAGE, [DISC, below]) if one.label in LESION_LABELS]

    assert [one.score for one in found] == pytest.approx([0.6])


def test_faint_peaks_and_lesions_that_are_not_looked_for_are_left_out() -> None:
    network = _Sees((Label.HERNIATION, 8, 8, 0.9), (Label.HIZ, 8, 12, 0.2))
    heads = tuple(head for head in HEADS if head.label is Label.HIZ)
    only_zones = replace(ABOUT, heads=heads)

    assert look(network).at(IMAGE, [DISC])[1:][0].label is Label.HERNIATION
    sees = LesionLook(network, only_zones, Plane.SAGITTAL, THRESHOLDS)
    assert sees.at(IMAGE, [OWN, DISC]) == [OWN, DISC]
    assert look(network).at(IMAGE, []) == []


def test_what_lies_beyond_the_image_is_not_said() -> None:
    at_the_edge = replace(DISC, box_xyxy_px=(0.0, 0.0, 32.0, 12.0))  # its crop begins at (-8, -10)

    found = look(_Sees((Label.HIZ, 1, 1, 0.9), reach=3.0)).at(IMAGE, [at_the_edge])

    assert found == [at_the_edge]


def test_an_axial_image_is_looked_at_in_its_middle() -> None:
    (found,) = look(_Sees((Label.HERNIATION, 16, 16, 0.9)), Plane.AXIAL).on_image(IMAGE, [])

    x1, y1, x2, y2 = found.box_xyxy_px
    left, top, right, bottom = axial_box((120, 160))
    px = (right - left) / 64
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((80, 60))
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((80 + px, 60 + px))


def test_only_where_the_weights_hold_a_lesion_network_for_the_plane() -> None:
    alone = WeightsMetadata("w", "1", (Head(Label.HERNIATION, Plane.SAGITTAL, TrainedOn.REAL),))
    sagittal = replace(ABOUT, heads=HEADS[:2])
    joined = replace(alone, finder=sagittal)

    assert LesionLook.of(_Sees(), alone, Plane.SAGITTAL, THRESHOLDS) is None
    assert LesionLook.of(_Sees(), joined, Plane.AXIAL, THRESHOLDS) is None
    assert LesionLook.of(_Sees(), joined, Plane.SAGITTAL, THRESHOLDS) is not None
    assert alone.trained_on(Label.HERNIATION, Plane.SAGITTAL) is TrainedOn.REAL
    assert joined.trained_on(Label.HERNIATION, Plane.SAGITTAL) is TrainedOn.SYNTHETIC
    both = Head(Label.HERNIATION, Plane.AXIAL, TrainedOn.REAL)
    zones = replace(ABOUT, heads=HEADS[-1:])  # axial slices are read by one network
    assert replace(alone, heads=(both,), finder=zones).trained_lesions(Plane.AXIAL) == (Label.HIZ,)
    assert joined.trained_lesions(Plane.SAGITTAL) == LESION_LABELS
    assert len(joined.spoken_heads) == 2


@pytest.mark.slow
def test_a_study_shows_in_both_planes_what_the_lesion_network_sees(tmp_path: Path) -> None:
    """Every crop has a zone at its middle: the zone of each disc lies at the disc, in both."""
    write_study(demo_parameters(), DEMO_SEED, tmp_path)
    weights = load_weights(shipped_weights())
    about = replace(weights.metadata, finder=ABOUT)
    study = read_study(tmp_path)

    class Predictor(OpenVinoPredictor):
        def predict_lesions(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
            rows, columns = views.shape[1:]
            middle = (Label.HIZ, rows // 4, columns // 4, 0.9)
            return _Sees(middle).predict_lesions(views)

    given = replace(weights, metadata=about)
    findings = analyze_study(study, Predictor(weights), given, AnalysisOptions()).findings

    zones = [one for one in findings.detections if one.label is Label.HIZ]
    assert {one.plane for one in zones} == {Plane.SAGITTAL, Plane.AXIAL}
    for disc in findings.discs:
        boxes = {one.id: one for one in findings.detections if one.level is disc.level}
        for zone in (one for one in boxes.values() if one.label is Label.HIZ):
            geometry = next(
                s.geometry
                for series in study.series
                for s in series.slices
                if s.sop_instance_uid == zone.sop_instance_uid
            )
            assert geometry is not None
            x1, y1, x2, y2 = zone.box_xyxy_px
            place = geometry.pixel_to_lps(np.array([[(x1 + x2) / 2, (y1 + y2) / 2]]))[0]
            middle = np.array(disc.center_lps_mm)
            if zone.plane is Plane.SAGITTAL:
                assert np.abs(place - middle)[1:].max() < 6
            else:
                assert abs(place[0] - middle[0]) < 6
                assert abs(place[1] - middle[1] - 14) < 6
    lumbar = [disc for disc in findings.discs if disc.hiz.by_plane]
    assert any(len(disc.hiz.planes) == 2 for disc in lumbar)
