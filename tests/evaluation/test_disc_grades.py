import pytest
from evaluation_cases import Box

from discern.annotations import GroundTruth, TruthBox
from discern.decisions import OperatingPoint
from discern.evaluation.disc_answers import name_discs
from discern.evaluation.disc_grades import GradedDiscs, grade_discs
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.outcomes import MatchedDisc
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS, Plane

UPPER, LOWER = (60.0, 40.0, 110.0, 56.0), (60.0, 80.0, 110.0, 96.0)
NOWHERE, ELSEWHERE = (10.0, 150.0, 50.0, 170.0), (150.0, 150.0, 190.0, 170.0)
POINT = OperatingPoint()

Slice = tuple[GroundTruth, tuple[PredictedBox, ...]]


def truth(
    *discs: tuple[int, int, Box], patient: str = "p", above: float | None = None
) -> GroundTruth:
    """Return one slice; each disc is its number, its grade and its box."""
    boxes = tuple(TruthBox(GRADE_LABELS[grade - 1], box, number) for number, grade, box in discs)
    return GroundTruth("i", patient, Plane.SAGITTAL, (200, 200), boxes, ungraded_above_px=above)


def said(box: Box, scores: tuple[float, ...], score: float | None = None) -> PredictedBox:
    best = max(scores) if score is None else score
    return PredictedBox(GRADE_LABELS[scores.index(max(scores))], best, (*scores, 0.0, 0.0), box)


def graded(*slices: Slice) -> GradedDiscs:
    truths = [one for one, _ in slices]
    patients = sorted({one.patient for one in truths})
    images = [AnsweredImage(patients.index(one.patient), one, boxes) for one, boxes in slices]
    return grade_discs(name_discs(images), POINT)


def test_three_slices_by_hand() -> None:
    """Grade 3 on two of three slices, yet grade 2 by the mean."""
    slices = [
        (truth((1, 2, UPPER)), (said(UPPER, (0.0, 0.9, 0.1, 0.0, 0.0)),)),
        (truth((1, 2, UPPER)), (said(UPPER, (0.0, 0.4, 0.6, 0.0, 0.0)),)),
        (truth((1, 2, UPPER)), (said(UPPER, (0.0, 0.2, 0.3, 0.0, 0.0)),)),
    ]

    ((patient, outcome),) = graded(*slices).outcomes

    assert patient == 0
    (disc,) = outcome.matched
    assert (disc.truth, disc.answer) == (1, 1)
    assert disc.class_scores == pytest.approx(
        (0, (0.9 + 0.4 + 0.4) / 3, (0.1 + 0.6 + 0.6) / 3, 0, 0)
    )
    assert outcome.missed == outcome.false_alarms == ()


def test_a_disc_found_on_one_slice_is_found_and_one_on_none_is_missed() -> None:
    slices = [
        (truth((1, 2, UPPER), (2, 4, LOWER)), ()),
        (truth((1, 2, UPPER), (2, 4, LOWER)), (said(UPPER, (0, 0.5, 0, 0, 0)),)),
    ]

    ((_, outcome),) = graded(*slices).outcomes

    assert outcome.matched == (MatchedDisc(1, 1, (0, 1, 0, 0, 0)),)
    assert outcome.missed == (3,)


@pytest.mark.parametrize(
    ("grades", "agreed"), [((3, 3, 3), 3), ((2, 3, 3), 3), ((2, 3), 2), ((1, 5, 4), 4)]
)
def test_slices_that_disagree_are_counted_and_their_median_holds(
    grades: tuple[int, ...], agreed: int
) -> None:
    result = graded(*((truth((1, grade, UPPER)), ()) for grade in grades))

    assert result.outcomes[0][1].missed == (agreed - 1,)
    assert result.mixed_truth == (len(set(grades)) > 1)
    assert (result.discs, result.slices) == (1, len(grades))


def test_spurious_boxes_on_one_place_are_one_spurious_disc() -> None:
    slices = [
        (truth(), (said(NOWHERE, (0.5, 0.4, 0, 0, 0)), said(ELSEWHERE, (0, 0, 0, 0, 1)))),
        (truth(), (said(NOWHERE, (0.1, 0.9, 0, 0, 0)),)),
        (truth(patient="q"), (said(NOWHERE, (0, 0, 0.3, 0, 0)),)),
    ]

    (_, of_p), (_, of_q) = graded(*slices).outcomes

    assert sorted(of_p.false_alarms) == [1, 4]
    assert of_q.false_alarms == (2,)


def test_boxes_below_the_threshold_and_where_nobody_annotated_do_not_count() -> None:
    weak = said(LOWER, (0, 0.2, 0, 0, 0))
    above = said((60.0, 4.0, 110.0, 20.0), (0, 0.9, 0, 0, 0))

    ((_, outcome),) = graded((truth((1, 2, LOWER), above=80.0), (weak, above))).outcomes

    assert (outcome.matched, outcome.missed, outcome.false_alarms) == ((), (1,), ())


def test_without_class_scores_the_slices_vote() -> None:
    second, third = (PredictedBox(GRADE_LABELS[grade - 1], 0.9, None, UPPER) for grade in (2, 3))
    one = truth((1, 2, UPPER))

    ((_, outcome),) = graded((one, (third,)), (one, (second,)), (one, (third,))).outcomes

    assert outcome.matched == (MatchedDisc(1, 2, None),)
