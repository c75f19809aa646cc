from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.findings import Detection
from discern.imaging.disc_crop import CropRules
from discern.imaging.reading import read_study
from discern.inference.analyze import AnalysisOptions, analyze_study
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.second_look import LEAST_SCORE, SecondLook
from discern.networks import GraderMetadata
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.postprocess import SelectedBox
from discern.spine import GRADE_LABELS, Label, Plane
from discern.weights import WeightsMetadata, load_weights, shipped_weights

ABOUT = GraderMetadata(
    CropRules(rows=8, columns=12), 0.5, epochs=1, training_data=(), training_patients=()
)
DISC = SelectedBox(
    Label.PFIRRMANN_3, 0.8, (0.1, 0.3, 0.8, 0.2, 0.1, 0.05, 0.01), (10.0, 10.0, 30.0, 18.0)
)
IMAGE = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))


class _Sure:
    """Says the same grade of every crop and remembers what it was shown."""

    def __init__(self, grade: int) -> None:
        self.opinion = np.full(5, 0.001)
        self.opinion[grade - 1] = 1 - 0.004
        self.seen = np.zeros((0, 8, 12), np.float32)

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        self.seen = crops
        return np.tile(self.opinion, (len(crops), 1))


def test_a_sure_second_opinion_changes_the_grade_and_nothing_else() -> None:
    (again,) = SecondLook(_Sure(4), ABOUT).at(IMAGE, [DISC])

    assert again.label is Label.PFIRRMANN_4
    assert again.score == DISC.score == max(again.class_scores[:5])
    assert again.class_scores[5:] == DISC.class_scores[5:]
    assert again.box_xyxy_px == DISC.box_xyxy_px


def test_the_share_decides_whose_opinion_counts() -> None:
    nothing, everything = (
        SecondLook(_Sure(5), replace(ABOUT, share=share)).at(IMAGE, [DISC])[0]
        for share in (0.0, 1.0)
    )

    assert nothing.label is DISC.label
    np.testing.assert_allclose(nothing.class_scores, DISC.class_scores)
    shares = np.array(everything.class_scores[:5]) / sum(everything.class_scores[:5])
    np.testing.assert_allclose(shares, _Sure(5).opinion)


def test_lesions_and_boxes_that_are_hardly_discs_are_not_looked_at() -> None:
    lesion = replace(DISC, label=Label.HERNIATION, score=0.9)
    faint = replace(DISC, score=LEAST_SCORE / 2)
    network = _Sure(1)

    judged = SecondLook(network, ABOUT).at(IMAGE, [lesion, DISC, faint])

    assert [one is before for one, before in zip(judged, (lesion, DISC, faint), strict=True)] == [
        True,
        False,
        True,
    ]
    assert network.seen.shape == (1, 8, 12)
    middle = float(network.seen[0].mean())
    assert abs(middle - 20 / 59) < 0.02  # of the ramp, where the disc is
    assert SecondLook(network, ABOUT).at(IMAGE, []) == []


def test_only_sagittal_slices_and_only_with_a_grading_network() -> None:
    alone = WeightsMetadata("w", "1", ())

    assert SecondLook.of(_Sure(1), alone, Plane.SAGITTAL) is None
    assert SecondLook.of(_Sure(1), replace(alone, grader=ABOUT), Plane.AXIAL) is None
    assert SecondLook.of(_Sure(1), replace(alone, grader=ABOUT), Plane.SAGITTAL) is not None


@pytest.mark.slow
def test_a_study_has_the_same_boxes_and_names_with_and_without_a_second_look(
    tmp_path: Path,
) -> None:
    write_study(demo_parameters(), DEMO_SEED, tmp_path)
    weights = load_weights(shipped_weights())
    alone = replace(weights, metadata=replace(weights.metadata, grader=None))
    study, predictor = read_study(tmp_path), OpenVinoPredictor(weights)

    once, twice = (
        analyze_study(study, predictor, one, AnalysisOptions()).findings for one in (alone, weights)
    )

    def place(one: Detection) -> tuple[object, ...]:
        return one.sop_instance_uid, one.box_xyxy_px, one.score, one.level, one.class_scores[5:]

    assert list(map(place, once.detections)) == list(map(place, twice.detections))
    assert [disc.level for disc in once.discs] == [disc.level for disc in twice.discs]
    before = {one.id: one for one in once.detections}
    changed = [one for one in twice.detections if one.class_scores != before[one.id].class_scores]
    for disc in twice.discs:
        here = [one for one in twice.detections if one.level is disc.level and is_grade(one)]
        assert [one for one in here if one in changed] == middle_of(here)
    assert all(is_grade(one) for one in changed)
    assert [disc.pfirrmann for disc in once.discs] != [disc.pfirrmann for disc in twice.discs]


def is_grade(one: Detection) -> bool:
    return one.label in GRADE_LABELS


def middle_of(boxes: list[Detection]) -> list[Detection]:
    """Return the three boxes nearest the middle of a disc, which decide its grade (paper 2.3)."""
    middle = np.average([b.slice_index for b in boxes], weights=[b.score for b in boxes])
    nearest = sorted(boxes, key=lambda box: (abs(box.slice_index - middle), box.slice_index))
    return sorted(nearest[:3], key=lambda box: box.slice_index)
