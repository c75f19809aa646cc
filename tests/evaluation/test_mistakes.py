"""Every error that the tables count is listed once, worst first."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import predicted, random_case, truth_of

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.evaluation.disc_records import DiscRecord, DiscRecords
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.evaluation.mistakes import Mistake, MistakeKind, find_mistakes
from discern.evaluation.predictions import PredictedBox
from discern.spine import Label, Plane

UPPER, LOWER = (40.0, 40.0, 90.0, 60.0), (40.0, 100.0, 90.0, 120.0)
BEHIND = (75.0, 98.0, 100.0, 122.0)
POINT = OperatingPoint()


def named(truth: GroundTruth) -> GroundTruth:
    """Number the discs 1, 2 ... in the order of their boxes."""
    boxes = tuple(replace(box, disc=i) for i, box in enumerate(truth.boxes, start=1))
    return replace(truth, boxes=boxes)


def mistakes_of(
    truth: GroundTruth, *boxes: PredictedBox, records: DiscRecords | None = None
) -> list[Mistake]:
    return list(find_mistakes([truth], {truth.image: boxes}, POINT, records or {}))


def test_a_grade_off_by_one_is_no_mistake_and_off_by_two_is() -> None:
    truth = named(truth_of((Label.PFIRRMANN_2, UPPER), (Label.PFIRRMANN_3, LOWER)))
    by_one = predicted(Label.PFIRRMANN_3, UPPER)
    by_two = predicted(Label.PFIRRMANN_5, LOWER, score=0.6)

    (mistake,) = mistakes_of(truth, by_one, by_two)

    assert mistake.kind is MistakeKind.GRADE
    assert (mistake.disc, mistake.score) == (2, 0.6)
    assert (mistake.truth, mistake.answer) == (truth.boxes[1], by_two)


def test_a_missed_disc_tells_the_best_score_below_the_threshold() -> None:
    truth = named(truth_of((Label.PFIRRMANN_2, UPPER), (Label.PFIRRMANN_3, LOWER)))
    faint = predicted(Label.PFIRRMANN_2, LOWER, score=0.11)
    fainter = predicted(Label.PFIRRMANN_3, LOWER, score=0.07)

    first, second = mistakes_of(truth, faint, fainter)

    assert (first.disc, first.score) == (1, None)  # nothing there at all is worse
    assert (second.disc, second.score) == (2, 0.11)
    assert {first.kind, second.kind} == {MistakeKind.MISSED_DISC}


def test_a_disc_box_where_nobody_annotated_is_no_mistake() -> None:
    elsewhere = (40.0, 5.0, 90.0, 25.0)
    truth = truth_of((Label.PFIRRMANN_2, UPPER), ungraded_above_px=40.0)
    found = predicted(Label.PFIRRMANN_2, UPPER)

    assert mistakes_of(truth, found, predicted(Label.PFIRRMANN_2, elsewhere)) == []
    (mistake,) = mistakes_of(truth, found, predicted(Label.PFIRRMANN_2, LOWER))
    assert mistake.kind is MistakeKind.FALSE_DISC


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (DiscRecord(herniation=False, bulging=True), MistakeKind.BULGING),
        (DiscRecord(herniation=True, bulging=True), MistakeKind.FALSE_LESION),
        (DiscRecord(herniation=False, bulging=False), MistakeKind.FALSE_LESION),
        (DiscRecord(herniation=None, bulging=True), MistakeKind.FALSE_LESION),
    ],
)
def test_a_herniation_on_a_disc_that_only_bulges_is_a_kind_of_its_own(
    record: DiscRecord, kind: MistakeKind
) -> None:
    truth = named(truth_of((Label.PFIRRMANN_3, UPPER), (Label.PFIRRMANN_3, LOWER)))
    discs = [predicted(Label.PFIRRMANN_3, box) for box in (UPPER, LOWER)]
    alarm = predicted(Label.HERNIATION, BEHIND, score=0.7)

    (mistake,) = mistakes_of(truth, *discs, alarm, records={("p", 2): record})

    assert (mistake.kind, mistake.disc, mistake.answer) == (kind, 2, alarm)


def test_a_high_intensity_zone_on_a_bulging_disc_stays_a_false_lesion() -> None:
    truth = named(truth_of((Label.PFIRRMANN_3, LOWER)))
    disc, zone = predicted(Label.PFIRRMANN_3, LOWER), predicted(Label.HIZ, BEHIND)

    (mistake,) = mistakes_of(
        truth, disc, zone, records={("p", 1): DiscRecord(herniation=False, bulging=True)}
    )

    assert mistake.kind is MistakeKind.FALSE_LESION


def test_lesions_that_were_not_looked_for_are_not_judged() -> None:
    truth = truth_of(
        (Label.HERNIATION, BEHIND), annotated=frozenset({Label.HIZ}), plane=Plane.AXIAL
    )
    assert mistakes_of(truth, predicted(Label.HERNIATION, UPPER)) == []


def test_mistakes_of_a_kind_run_from_worst_to_least() -> None:
    case = random_case(7)
    mistakes = find_mistakes(case.truths, case.predictions, POINT, {})

    for kind in MistakeKind:
        wrongness = [one.wrongness for one in mistakes if one.kind is kind]
        assert wrongness == sorted(wrongness, reverse=True)
    apart = [int(one.wrongness) for one in mistakes if one.kind is MistakeKind.GRADE]
    assert set(apart) == {2, 3, 4}
    assert apart == sorted(apart, reverse=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_tables_count_the_same_mistakes(seed: int) -> None:
    case = random_case(seed)
    metrics = evaluate(case.truths, case.predictions, options=EvaluationOptions(resamples=20))
    counts = Counter(m.kind for m in find_mistakes(case.truths, case.predictions, POINT, {}))

    confusion = np.array(metrics.pfirrmann.confusion)
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    assert counts[MistakeKind.GRADE] == confusion[:5, :5][apart > 1].sum()
    assert counts[MistakeKind.MISSED_DISC] == confusion[:5, 5].sum()
    assert counts[MistakeKind.FALSE_DISC] == confusion[5, :5].sum()
    missed = [
        lesion.support * (1 - lesion.at_iou.recall.value)
        for lesion in metrics.lesions.values()
        if lesion.at_iou.recall.value is not None
    ]
    assert counts[MistakeKind.MISSED_LESION] == round(sum(missed))
    assert counts[MistakeKind.FALSE_LESION] > 0
