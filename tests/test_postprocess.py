import numpy as np

from discern.decisions import ConformalGrades, OperatingPoint
from discern.findings import LesionThreshold
from discern.postprocess import PostprocessConfig, conformal_grades, conformal_sets, select_boxes
from discern.spine import Label, Plane


def test_keeps_the_best_grade_of_two_overlapping_boxes() -> None:
    boxes = np.array([[0.0, 0.0, 9.0, 9.0], [0.0, 1.0, 9.0, 9.0], [40.0, 40.0, 49.0, 49.0]])
    scores = np.zeros((3, 7))
    scores[0, 2], scores[1, 3], scores[2, 0] = 0.6, 0.8, 0.1

    selected = select_boxes(boxes, scores, PostprocessConfig())

    assert [(s.label, s.score) for s in selected] == [(Label.PFIRRMANN_4, 0.8)]


def test_a_herniation_does_not_compete_with_the_grade_of_its_disc() -> None:
    boxes = np.array([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]])
    scores = np.zeros((2, 7))
    scores[0, 4], scores[1, 5] = 0.9, 0.5

    selected = select_boxes(boxes, scores, PostprocessConfig())

    assert [s.label for s in selected] == [Label.PFIRRMANN_5, Label.HERNIATION]


def test_each_label_has_its_own_threshold() -> None:
    boxes = np.array([[0.0, 0.0, 9.0, 9.0], [20.0, 0.0, 29.0, 9.0]])
    scores = np.zeros((2, 7))
    scores[0, 5], scores[1, 6] = 0.4, 0.4

    selected = select_boxes(boxes, scores, PostprocessConfig(herniation_score=0.5, hiz_score=0.3))

    assert [s.label for s in selected] == [Label.HIZ]


def test_an_empty_slice_has_no_boxes() -> None:
    assert select_boxes(np.zeros((0, 4)), np.zeros((0, 7)), PostprocessConfig()) == []


def test_a_lesion_that_is_not_looked_for_is_not_found() -> None:
    boxes = np.array([[0.0, 0.0, 9.0, 9.0], [20.0, 0.0, 29.0, 9.0]])
    scores = np.zeros((2, 7))
    scores[0, 5], scores[1, 6] = 0.9, 0.9

    selected = select_boxes(boxes, scores, PostprocessConfig(lesions=(Label.HERNIATION,)))

    assert [s.label for s in selected] == [Label.HERNIATION]


def test_one_place_shows_a_lesion_once() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [7.0, 0.0, 17.0, 10.0], [30.0, 0.0, 40.0, 10.0]])
    scores = np.zeros((3, 7))
    scores[:, 5] = 0.5, 0.8, 0.4

    selected = select_boxes(boxes, scores, PostprocessConfig())

    assert [s.score for s in selected] == [0.8, 0.4]


def test_a_threshold_of_one_plane_leaves_the_other_plane_alone() -> None:
    own = LesionThreshold(Label.HERNIATION, Plane.SAGITTAL, 0.02)
    point = OperatingPoint("screening", herniation_score=0.25, lesions=(own,))

    sagittal, axial = (
        PostprocessConfig.at(point, plane) for plane in (Plane.SAGITTAL, Plane.AXIAL)
    )

    assert (sagittal.herniation_score, axial.herniation_score) == (0.02, 0.25)
    assert (sagittal.hiz_score, sagittal.grade_score) == (0.25, 0.25)


RULE = ConformalGrades((0.1, 0.2, 0.3, 0.2, 0.1), widest=3)


def test_a_set_has_no_gap_and_holds_the_most_probable_grade() -> None:
    gap = np.array([0.12, 0.15, 0.2, 0.48, 0.05])
    none = np.array([0.09, 0.19, 0.29, 0.19, 0.09])  # adds up to less than one: none reaches

    assert [int(grade) for grade in conformal_grades(gap, RULE)] == [1, 2, 3, 4]
    assert [int(grade) for grade in conformal_grades(none, RULE)] == [3]


def test_sets_of_many_discs_are_those_of_each() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 200)

    sets = conformal_sets(probabilities, RULE)

    for one, kept in zip(probabilities, sets, strict=True):
        inside = {int(g) - 1 for g in conformal_grades(one, RULE)}
        wanted = {k for k in range(5) if one[k] >= RULE.least_probability[k]} | {int(one.argmax())}
        assert inside == set(np.flatnonzero(kept)) == set(range(min(wanted), max(wanted) + 1))
