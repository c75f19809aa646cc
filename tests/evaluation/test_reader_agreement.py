from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import predicted, random_case, truth_of
from sklearn.metrics import cohen_kappa_score

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.evaluation.bootstrap import Draws, draw_patients
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.evaluation.predictions import PredictedBox, Predictions, confident
from discern.evaluation.reader_agreement import as_reading, pairwise_agreement
from discern.spine import GRADE_LABELS, Plane

CASE = random_case(11)
OPTIONS = EvaluationOptions(resamples=40)


def draws_of(truths: Sequence[GroundTruth]) -> Draws:
    patients = len({truth.patient for truth in truths})
    return draw_patients(patients, OPTIONS.resamples, np.random.default_rng(OPTIONS.seed))


def drawn(truths: Sequence[GroundTruth], seed: int, missed: float = 0.1) -> Predictions:
    """A reader in the places of the truth, with grades of their own."""
    generator = np.random.default_rng(seed)
    return {
        truth.image: tuple(
            predicted(GRADE_LABELS[int(generator.integers(0, 5))], box.box_xyxy_px, score=1.0)
            for box in truth.boxes
            if box.label in GRADE_LABELS and generator.random() >= missed
        )
        for truth in truths
    }


def grade_at(boxes: Sequence[PredictedBox], place: tuple[float, ...]) -> int | None:
    return next((GRADE_LABELS.index(b.label) for b in boxes if b.box_xyxy_px == place), None)


def test_two_readers_agree_as_scikit_learn_says() -> None:
    first, second = drawn(CASE.truths, 1), drawn(CASE.truths, 2)
    pairs, either = [], 0
    for truth in CASE.truths:
        for box in truth.boxes:
            if box.label in GRADE_LABELS:
                both = [grade_at(one[truth.image], box.box_xyxy_px) for one in (first, second)]
                pairs += [both] if None not in both else []
                either += both != [None, None]
    rows, columns = zip(*pairs, strict=True)

    agreement = pairwise_agreement(CASE.truths, {"a": first, "b": second}, draws_of(CASE.truths))[
        "a", "b"
    ]

    for weights, figure in (
        ("linear", agreement.kappa_linear),
        ("quadratic", agreement.kappa_quadratic),
    ):
        expected = cohen_kappa_score(rows, columns, labels=range(5), weights=weights)
        assert figure.value == pytest.approx(expected)
    assert agreement.discs == len(pairs)
    assert agreement.shared.value == pytest.approx(len(pairs) / either)
    assert agreement.exact.value == pytest.approx(np.mean(np.array(rows) == np.array(columns)))
    assert agreement.grades[0][1] == sum(pair == [0, 1] for pair in pairs)


def test_the_truth_as_a_reader_gives_the_kappa_of_the_evaluation() -> None:
    answers = {
        image: confident(boxes, OperatingPoint(), Plane.SAGITTAL)
        for image, boxes in CASE.predictions.items()
    }
    readings = {"truth": as_reading(CASE.truths), "model": answers}

    one = pairwise_agreement(CASE.truths, readings, draws_of(CASE.truths))["truth", "model"]

    metrics = evaluate(CASE.truths, CASE.predictions, options=OPTIONS).pfirrmann
    assert one.kappa_linear == metrics.kappa_linear
    assert one.kappa_quadratic == metrics.kappa_quadratic
    assert one.kappa_linear_p == metrics.kappa_linear_p
    assert (one.exact, one.within_one) == (metrics.exact, metrics.within_one)


def test_every_pair_appears_once_and_order_does_not_matter() -> None:
    a, b, c = (drawn(CASE.truths, seed) for seed in (1, 2, 3))
    draws = draws_of(CASE.truths)

    there = pairwise_agreement(CASE.truths, {"a": a, "b": b, "c": c}, draws)
    back = pairwise_agreement(CASE.truths, {"c": c, "b": b, "a": a}, draws)

    assert list(there) == [("a", "b"), ("a", "c"), ("b", "c")]
    for (first, second), one in there.items():
        assert one.kappa_linear == back[second, first].kappa_linear
        assert one.shared == back[second, first].shared


def test_places_that_the_truth_does_not_judge_are_left_out() -> None:
    disc, unjudged, high = (60.0, 80.0, 110.0, 96.0), (60.0, 150.0, 110.0, 166.0), (60, 20, 110, 36)
    truth = truth_of(
        (GRADE_LABELS[2], disc), ignored=(unjudged,), ungraded_above_px=80.0, patient="a"
    )
    truths = [truth, replace(truth, image="two", patient="b")]
    boxes = tuple(predicted(GRADE_LABELS[2], place) for place in (disc, unjudged, high))
    readings = {"a": {t.image: boxes for t in truths}, "b": {t.image: boxes for t in truths}}

    one = pairwise_agreement(truths, readings, draws_of(truths))["a", "b"]

    assert one.discs == 2
    assert one.kappa_linear.value is None
    assert one.kappa_linear.reason is not None
    assert "one and the same grade" in one.kappa_linear.reason


def test_nothing_boxed_is_a_reason_not_a_number() -> None:
    empty: Predictions = {truth.image: () for truth in CASE.truths}

    one = pairwise_agreement(CASE.truths, {"a": empty, "b": empty}, draws_of(CASE.truths))["a", "b"]

    assert (one.discs, one.shared.value, one.shared.reason) == (0, None, "neither boxed a disc")
    assert one.kappa_linear_p is None
