from evaluation_cases import predicted, truth_of

from discern.evaluation.outcomes import MatchedDisc, grade_outcome, is_graded
from discern.spine import GRADE_LABELS, Label, Plane

UPPER, LOWER, BELOW = (0.0, 40.0, 50.0, 60.0), (0.0, 80.0, 50.0, 100.0), (0.0, 120.0, 50.0, 140.0)
ABOVE = (0.0, 5.0, 50.0, 25.0)


def test_matched_missed_and_false_discs_of_one_image() -> None:
    truth = truth_of((Label.PFIRRMANN_2, UPPER), (Label.PFIRRMANN_5, LOWER))
    boxes = [predicted(Label.PFIRRMANN_3, UPPER), predicted(Label.PFIRRMANN_1, BELOW)]

    outcome = grade_outcome(truth, boxes)

    assert outcome.matched == (MatchedDisc(truth=1, answer=2, class_scores=None),)
    assert outcome.missed == (4,)
    assert outcome.false_alarms == (0,)
    confusion = outcome.confusion()
    assert confusion.sum() == 3
    assert (confusion[1, 2], confusion[4, 5], confusion[5, 0]) == (1, 1, 1)


def test_a_box_above_the_topmost_disc_is_no_false_alarm() -> None:
    boxes = [predicted(Label.PFIRRMANN_3, UPPER), predicted(Label.PFIRRMANN_1, ABOVE)]
    disc = (Label.PFIRRMANN_3, UPPER)

    assert grade_outcome(truth_of(disc), boxes).false_alarms == (0,)
    assert grade_outcome(truth_of(disc, ungraded_above_px=40.0), boxes).false_alarms == ()


def test_a_box_in_an_ignore_region_still_finds_a_disc_there() -> None:
    truth = truth_of((Label.PFIRRMANN_3, UPPER), ignored=(UPPER, LOWER))
    boxes = [predicted(Label.PFIRRMANN_3, UPPER), predicted(Label.PFIRRMANN_1, LOWER)]

    outcome = grade_outcome(truth, boxes)

    assert len(outcome.matched) == 1
    assert outcome.false_alarms == ()


def test_the_weaker_of_two_grades_on_one_disc_does_not_count() -> None:
    truth = truth_of((Label.PFIRRMANN_3, UPPER))
    boxes = [predicted(Label.PFIRRMANN_3, UPPER, 0.4), predicted(Label.PFIRRMANN_4, UPPER, 0.7)]

    outcome = grade_outcome(truth, boxes)

    assert [disc.answer for disc in outcome.matched] == [3]
    assert outcome.false_alarms == ()


def test_lesions_are_neither_discs_nor_false_discs() -> None:
    outcome = grade_outcome(
        truth_of((Label.HERNIATION, UPPER)), [predicted(Label.HERNIATION, LOWER)]
    )

    assert not outcome.confusion().any()


def test_an_image_is_graded_when_sagittal_and_annotated_for_all_grades() -> None:
    assert is_graded(truth_of(annotated=frozenset(GRADE_LABELS)))
    assert not is_graded(truth_of(annotated=frozenset(GRADE_LABELS[:4])))
    assert not is_graded(truth_of(plane=Plane.AXIAL))
