import numpy as np
from evaluation_cases import predicted, truth_of
from hypothesis import given, settings
from hypothesis import strategies as st

from discern import boxes as box_ops
from discern.evaluation.matching import (
    Criterion,
    judged_labels,
    match,
    not_judged,
    one_grade_per_place,
)
from discern.spine import GRADE_LABELS, LABELS, Label, Plane

DISC = (0.0, 0.0, 10.0, 10.0)


def test_the_best_score_chooses_first_even_if_it_fits_worse() -> None:
    truth = np.array([DISC])
    boxes = np.array([[0.0, 0.0, 10.0, 9.5], [0.0, 0.0, 10.0, 7.0]])

    assert match(truth, boxes, np.array([0.5, 0.9])).tolist() == [-1, 0]


def test_a_box_takes_the_free_truth_it_overlaps_most() -> None:
    truth = np.array([DISC, [0.0, 2.0, 10.0, 12.0]])
    boxes = np.array([[0.0, 2.0, 10.0, 12.0], [0.0, 1.5, 10.0, 11.5]])

    assert match(truth, boxes, np.array([0.9, 0.8])).tolist() == [1, 0]


def test_half_an_overlap_is_enough_and_less_is_not() -> None:
    half, less = [0.0, 0.0, 10.0, 5.0], [0.0, 0.0, 10.0, 4.9]

    assert match(np.array([DISC]), np.array([half]), np.ones(1)).tolist() == [0]
    assert match(np.array([DISC]), np.array([less]), np.ones(1)).tolist() == [-1]


def test_a_tiny_box_is_met_by_its_centre() -> None:
    speck = np.array([[4.0, 4.0, 6.0, 6.0]])
    zone = np.array([[3.0, 3.0, 7.0, 9.0]])

    assert match(zone, speck, np.ones(1)).tolist() == [-1]
    assert match(zone, speck, np.ones(1), Criterion.CENTER_INSIDE).tolist() == [0]
    assert match(speck, zone, np.ones(1), Criterion.CENTER_INSIDE).tolist() == [0]
    assert match(speck, zone + 4, np.ones(1), Criterion.CENTER_INSIDE).tolist() == [-1]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), criterion=st.sampled_from(Criterion))
def test_matching_is_one_to_one_allowed_and_leaves_no_possible_pair(
    seed: int, criterion: Criterion
) -> None:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 20, (9, 2))
    boxes = np.concatenate([corners, corners + generator.uniform(4, 12, (9, 2))], axis=1)
    truth, answers = boxes[:4], boxes[4:]

    chosen = match(truth, answers, generator.random(5), criterion)

    taken = chosen[chosen >= 0].tolist()
    assert len(taken) == len(set(taken))
    center = (answers[:, :2] + answers[:, 2:]) / 2
    for i, j in np.ndindex(5, 4):
        if criterion is Criterion.IOU:
            allowed = box_ops.iou(answers, truth)[i, j] >= 0.5
        else:
            allowed = (truth[j, :2] <= center[i]).all() and (center[i] <= truth[j, 2:]).all()
        assert allowed or chosen[i] != j
        assert not (allowed and chosen[i] < 0 and j not in taken)


def test_a_place_has_one_grade_and_a_lesion_is_no_grade() -> None:
    shifted = (0.0, 1.0, 10.0, 11.0)
    boxes = [
        predicted(Label.PFIRRMANN_2, DISC, 0.6),
        predicted(Label.PFIRRMANN_4, shifted, 0.8),
        predicted(Label.HERNIATION, DISC, 0.9),
        predicted(Label.PFIRRMANN_1, (0.0, 30.0, 10.0, 40.0), 0.3),
    ]

    kept = one_grade_per_place(boxes)

    assert [box.label for box in kept] == [Label.PFIRRMANN_4, Label.PFIRRMANN_1]


def test_boxes_above_the_topmost_disc_and_in_ignore_regions_are_not_judged() -> None:
    truth = truth_of(ignored=((50.0, 50.0, 60.0, 60.0),), ungraded_above_px=20.0)
    boxes = np.array(
        [
            [0.0, 10.0, 10.0, 29.0],  # centre at 19.5
            [0.0, 10.0, 10.0, 31.0],  # centre at 20.5
            [45.0, 45.0, 61.0, 61.0],  # centre in the region
            [45.0, 45.0, 54.0, 54.0],  # overlaps it, centre outside
        ]
    )

    assert not_judged(truth, boxes).tolist() == [True, False, True, False]
    assert not_judged(truth_of(), boxes).tolist() == [False] * 4
    assert not_judged(truth, np.zeros((0, 4))).shape == (0,)


def test_grades_are_judged_on_sagittal_images_only() -> None:
    assert judged_labels(truth_of()) == set(LABELS)
    assert judged_labels(truth_of(plane=Plane.AXIAL)) == {Label.HERNIATION, Label.HIZ}
    assert judged_labels(truth_of(annotated=frozenset(GRADE_LABELS))) == set(GRADE_LABELS)
