from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import Box, predicted
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from discern.annotations import GroundTruth, TruthBox
from discern.evaluation.bootstrap import Draws, draw_patients
from discern.evaluation.disc_answers import (
    NO_BOX,
    DiscAnswer,
    DiscAnswers,
    LesionTruth,
    collect_answers,
    name_discs,
)
from discern.evaluation.disc_lesions import DiscLesionMetrics, disc_lesion_metrics
from discern.evaluation.disc_records import DiscRecord, DiscRecords
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS, Label, Plane

UPPER, LOWER = (60.0, 40.0, 110.0, 56.0), (60.0, 80.0, 110.0, 96.0)
BEHIND_UPPER, BEHIND_LOWER = (100.0, 38.0, 118.0, 58.0), (100.0, 78.0, 118.0, 98.0)
ANNOTATED = frozenset({*GRADE_LABELS, Label.HERNIATION})
TWO_DISCS = (TruthBox(Label.PFIRRMANN_3, UPPER, 2), TruthBox(Label.PFIRRMANN_3, LOWER, 1))
HERNIATION_2 = TruthBox(Label.HERNIATION, BEHIND_UPPER, 2)
ONE_PATIENT = np.ones((1, 1), dtype=np.int64)

Slice = tuple[GroundTruth, tuple[PredictedBox, ...]]


def drawn(
    *boxes: TruthBox, plane: Plane = Plane.SAGITTAL, ignored: tuple[Box, ...] = ()
) -> GroundTruth:
    return GroundTruth("i", "p", plane, (200, 200), boxes, ANNOTATED, ignored)


def herniation(box: Box, score: float) -> PredictedBox:
    return predicted(Label.HERNIATION, box, score)


def collected(
    *slices: Slice, records: DiscRecords | None = None, plane: Plane = Plane.SAGITTAL
) -> DiscAnswers:
    images = [AnsweredImage(0, truth, boxes) for truth, boxes in slices]
    return collect_answers(name_discs(images), Label.HERNIATION, plane, records or {})


def measured(
    answers: DiscAnswers,
    draws: Draws = ONE_PATIENT,
    min_score: float = 0.25,
    prevalences: Sequence[float] = (),
) -> DiscLesionMetrics:
    return disc_lesion_metrics(
        answers, Label.HERNIATION, draws, min_score=min_score, prevalences=prevalences
    )


def random_answers(generator: np.random.Generator, patients: int, discs: int) -> DiscAnswers:
    positive = generator.random(discs) < 0.3
    positive[:2] = True, False
    score = np.where(
        generator.random(discs) < 0.3,
        NO_BOX,
        (generator.integers(0, 8, discs) + 3 * positive) / 12,
    )
    owner = np.sort(generator.integers(0, patients, discs))
    bulges = generator.random(discs) < 0.5
    rows = zip(owner, positive, bulges, score, strict=True)
    answers = tuple(DiscAnswer(int(p), bool(t), bool(b), float(s)) for p, t, b, s in rows)
    return DiscAnswers(answers, LesionTruth.RECORDS)


def test_a_disc_is_positive_when_one_slice_is_and_keeps_its_best_score() -> None:
    answers = collected(
        (drawn(*TWO_DISCS), (herniation(BEHIND_UPPER, 0.2), herniation(BEHIND_LOWER, 0.4))),
        (drawn(*TWO_DISCS, HERNIATION_2), (herniation(BEHIND_UPPER, 0.7),)),
    )

    assert answers.truth is LesionTruth.BOXES
    assert answers.discs == (
        DiscAnswer(0, is_positive=False, bulges=None, score=0.4),
        DiscAnswer(0, is_positive=True, bulges=None, score=0.7),
    )


def test_the_table_of_discs_comes_before_the_boxes() -> None:
    records = {
        ("p", 1): DiscRecord(herniation=True),
        ("p", 2): DiscRecord(herniation=False, bulging=True),
    }

    answers = collected((drawn(*TWO_DISCS, HERNIATION_2), ()), records=records)

    assert answers.truth is LesionTruth.RECORDS
    assert [disc.is_positive for disc in answers.discs] == [True, False]
    assert [disc.bulges for disc in answers.discs] == [None, True]
    assert {disc.score for disc in answers.discs} == {NO_BOX}


def test_a_disc_that_the_table_leaves_out_is_not_judged() -> None:
    records = {("p", 1): DiscRecord(herniation=False), ("p", 2): DiscRecord(bulging=True)}

    answers = collected((drawn(*TWO_DISCS), ()), records=records)

    assert (len(answers.discs), answers.unread) == (1, 1)


def test_a_table_of_other_patients_says_so() -> None:
    records = {("q", 1): DiscRecord(herniation=True)}

    metrics = measured(collected((drawn(*TWO_DISCS), ()), records=records))

    reason = "the table of discs says nothing of herniation on the 2 discs seen"
    assert metrics.recall.reason == metrics.roc_auc.reason == reason
    assert metrics.unread == 2


def test_a_table_that_does_not_speak_of_the_lesion_leaves_the_boxes() -> None:
    records = {("p", 1): DiscRecord(bulging=True), ("p", 2): DiscRecord(bulging=False)}

    answers = collected((drawn(*TWO_DISCS, HERNIATION_2), ()), records=records)

    assert answers.truth is LesionTruth.BOXES
    assert [(disc.is_positive, disc.bulges) for disc in answers.discs] == [
        (False, True),
        (True, False),
    ]


def test_a_herniated_disc_of_which_nothing_was_drawn_can_be_hit() -> None:
    """Slice by slice its place is ignored; disc by disc the reader's word counts."""
    records = {("p", n): DiscRecord(herniation=n == 2) for n in (1, 2)}
    truth = drawn(*TWO_DISCS, ignored=(UPPER,))

    metrics = measured(collected((truth, (herniation(BEHIND_UPPER, 0.6),)), records=records))

    assert metrics.recall.value == metrics.precision.value == 1


def test_axial_slices_must_say_which_disc_they_show() -> None:
    named = drawn(HERNIATION_2, plane=Plane.AXIAL)
    nameless = drawn(plane=Plane.AXIAL)

    told = collected((named, (herniation(BEHIND_LOWER, 0.5),)), plane=Plane.AXIAL)
    untold = collected((named, ()), (nameless, ()), plane=Plane.AXIAL)

    assert told.discs == (DiscAnswer(0, is_positive=True, bulges=None, score=0.5),)
    untold_words = "axial images do not say which disc they show (group_id, or the flag discs)"
    assert untold.absent == f"1 of 2 {untold_words}"
    assert measured(untold).f1.reason == untold.absent
    assert measured(untold).false_alarm_on_bulging.reason == untold.absent


def test_axial_slices_without_boxes_are_judged_where_they_name_their_disc() -> None:
    sick = drawn(HERNIATION_2, plane=Plane.AXIAL)
    well = replace(drawn(plane=Plane.AXIAL), discs_shown=frozenset({3}))
    bone = replace(drawn(plane=Plane.AXIAL), discs_shown=frozenset())

    alarm = (herniation(BEHIND_LOWER, 0.5),)
    answers = collected((sick, alarm), (well, alarm), (bone, alarm), plane=Plane.AXIAL)

    assert answers.absent is None
    assert [(disc.is_positive, disc.score) for disc in answers.discs] == [(True, 0.5), (False, 0.5)]


def test_a_sagittal_slice_beside_the_spine_shows_no_disc() -> None:
    beside = drawn(), (herniation(BEHIND_UPPER, 0.9),)

    answers = collected((drawn(*TWO_DISCS), ()), beside)

    assert [disc.score for disc in answers.discs] == [NO_BOX, NO_BOX]


def test_ten_discs_by_hand() -> None:
    """2 hits, 1 miss, 2 false alarms (1 on a bulging disc), 5 spared."""
    rows = [
        *((True, False, 0.9), (True, True, 0.3), (True, False, 0.2)),
        *((False, True, 0.6), (False, False, 0.4)),
        *((False, True, 0.1), (False, True, NO_BOX), (False, True, NO_BOX)),
        *((False, False, NO_BOX), (False, False, NO_BOX)),
    ]
    discs = tuple(DiscAnswer(0, is_positive=t, bulges=b, score=s) for t, b, s in rows)

    metrics = measured(DiscAnswers(discs, LesionTruth.RECORDS), prevalences=(0.1,))

    assert metrics.precision.value == pytest.approx(2 / 4)
    assert metrics.recall.value == pytest.approx(2 / 3)
    assert metrics.f1.value == pytest.approx(4 / 7)
    assert metrics.specificity.value == pytest.approx(5 / 7)
    assert metrics.roc_auc.value == pytest.approx((7 + 5 + 5) / 21)
    assert metrics.average_precision.value == pytest.approx((1 + 2 / 4 + 3 / 5) / 3)
    assert metrics.false_alarm_on_bulging.value == pytest.approx(1 / 4)
    assert metrics.ppv_at[0.3].value == pytest.approx(2 / 4)
    assert metrics.ppv_at[0.1].value == pytest.approx((2 / 30) / (2 / 30 + 0.9 * 2 / 7))
    assert (metrics.support, metrics.discs, metrics.bulging) == (3, 10, 4)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_figure_is_that_of_scikit_learn(seed: int) -> None:
    answers = random_answers(np.random.default_rng(seed), patients=5, discs=40)
    truth = [disc.is_positive for disc in answers.discs]
    score = [disc.score for disc in answers.discs]
    called = [value >= 0.4 for value in score]

    metrics = measured(answers, np.ones((1, 5), dtype=np.int64), min_score=0.4)

    negative = [not one for one in truth]
    spared = [not one for one in called]
    assert metrics.f1.value == pytest.approx(f1_score(truth, called, zero_division=0))
    assert metrics.recall.value == pytest.approx(recall_score(truth, called))
    assert metrics.specificity.value == pytest.approx(recall_score(negative, spared))
    assert metrics.roc_auc.value == pytest.approx(roc_auc_score(truth, score))
    assert metrics.average_precision.value == pytest.approx(average_precision_score(truth, score))
    if any(called):
        assert metrics.precision.value == pytest.approx(precision_score(truth, called))
        own = next(iter(metrics.ppv_at))
        assert own == pytest.approx(np.mean(truth))
        assert metrics.ppv_at[own].value == pytest.approx(metrics.precision.value)
    else:
        assert metrics.precision.reason == "no disc was called herniation"


def test_resamples_are_those_of_the_patients_written_out() -> None:
    generator = np.random.default_rng(3)
    answers = random_answers(generator, patients=6, discs=40)
    draws = draw_patients(6, 400, generator)

    metrics = measured(answers, draws, min_score=0.4)

    specificity, precision = [], []
    for row in draws[1:]:
        discs = [disc for disc in answers.discs for _ in range(row[disc.patient])]
        truth = [disc.is_positive for disc in discs]
        if 0 < sum(truth) < len(truth):
            score = [disc.score for disc in discs]
            specificity.append(
                np.mean([s < 0.4 for s, t in zip(score, truth, strict=True) if not t])
            )
            precision.append(average_precision_score(truth, score))
    for figure, values in (
        (metrics.specificity, specificity),
        (metrics.average_precision, precision),
    ):
        ends = np.percentile(np.array(values), (2.5, 97.5))
        assert figure.ci95 == pytest.approx(tuple(ends.tolist()))


def test_absent_lesions_give_reasons_and_leave_the_specificity() -> None:
    metrics = measured(collected((drawn(*TWO_DISCS), (herniation(BEHIND_UPPER, 0.9),))))

    assert metrics.specificity.value == pytest.approx(1 / 2)
    assert metrics.precision.reason == "no disc with herniation in the truth"
    assert metrics.roc_auc.reason == "no disc with herniation in the truth"
    assert metrics.average_precision.reason == "no disc with herniation in the truth"
    assert metrics.false_alarm_on_bulging.reason == ("no disc is known to bulge without the lesion")
    assert metrics.ppv_at == {}


def test_lesions_everywhere_leave_no_specificity() -> None:
    metrics = measured(collected((drawn(TWO_DISCS[0], HERNIATION_2), ())))

    assert metrics.recall.value == 0
    assert metrics.precision.reason == "no disc was called herniation"
    assert metrics.specificity.reason == metrics.roc_auc.reason == "every disc shows herniation"


def test_images_not_annotated_for_the_lesion_do_not_count() -> None:
    grades_only = GroundTruth("i", "p", Plane.SAGITTAL, (200, 200), TWO_DISCS)

    answers = collected((grades_only, (herniation(BEHIND_UPPER, 0.9),)))

    assert answers.absent == "no sagittal image is annotated for herniation"
