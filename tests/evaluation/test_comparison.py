import itertools
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from evaluation_cases import EVERYTHING, perfect, predicted, random_case, truth_of
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.errors import DatasetError
from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.comparison import ComparisonOptions, compare, compare_tallies
from discern.evaluation.comparison_tables import comparison_table, comparison_text, paired_table
from discern.evaluation.headlines import HEADLINES, tally
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.outcomes import grade_outcome
from discern.evaluation.predictions import PredictedBox, Predictions, confident
from discern.evaluation.table_formats import cell_text, table_csv
from discern.spine import GRADE_LABELS, Label, Plane

FEW = ComparisonOptions(resamples=60, permutations=199)
POINT = OperatingPoint()
CASE = random_case(1)
PATIENTS = sorted({truth.patient for truth in CASE.truths})


def better(truths: Sequence[GroundTruth], share: float, seed: int) -> Predictions:
    """Right on a share of the images, as wrong as another random case on the rest."""
    right, wrong = perfect(list(truths)), random_case(seed).predictions
    lucky = np.random.default_rng(seed).random(len(truths)) < share
    return {
        truth.image: right[truth.image] if luck else wrong[truth.image]
        for truth, luck in zip(truths, lucky, strict=True)
    }


OTHER = better(CASE.truths, 0.5, 2)


def in_metrics(metrics: Metrics) -> Mapping[str, object]:
    named = {key: getattr(metrics.pfirrmann, key, None) for key in HEADLINES}
    for (label, plane), lesion in metrics.lesions.items():
        for kind in ("precision", "recall", "f1"):
            named[f"{label}_{plane}_{kind}"] = getattr(lesion.at_iou, kind)
            named[f"{label}_{plane}_center_inside_{kind}"] = getattr(lesion.center_inside, kind)
    for plane, acceptable in metrics.acceptable.items():
        named[f"acceptable_{plane}"] = acceptable.share
    return named


@pytest.mark.parametrize("predictions", [CASE.predictions, OTHER])
def test_every_headline_is_the_figure_of_the_evaluation(predictions: Predictions) -> None:
    metrics = evaluate(CASE.truths, predictions, options=EvaluationOptions(60))

    figures = compare(CASE.truths, predictions, predictions, FEW).figures

    expected = in_metrics(metrics)
    assert set(expected) == set(HEADLINES)
    for key, pair in figures.items():
        known = expected[key]
        assert (pair.reference.value, pair.reference.ci95) == (
            getattr(known, "value", 0),
            getattr(known, "ci95", 0),
        ), key


def pairs_by_patient(predictions: Predictions) -> dict[str, list[tuple[int, int]]]:
    pairs: dict[str, list[tuple[int, int]]] = {name: [] for name in PATIENTS}
    for truth in CASE.truths:
        outcome = grade_outcome(truth, confident(predictions[truth.image], POINT, truth.plane))
        pairs[truth.patient] += [(disc.truth, disc.answer) for disc in outcome.matched]
    return pairs


def sklearn_kappa(pairs: list[tuple[int, int]]) -> float:
    truth, answer = zip(*pairs, strict=True)
    return float(cohen_kappa_score(truth, answer, labels=range(5), weights="linear"))


def test_differences_of_kappa_agree_with_scikit_learn_patient_by_patient() -> None:
    figure = compare(CASE.truths, CASE.predictions, OTHER, FEW).figures["kappa_linear"]
    sides = [pairs_by_patient(one) for one in (CASE.predictions, OTHER)]
    draws = draw_patients(len(PATIENTS), FEW.resamples, np.random.default_rng(FEW.seed))

    resampled = []
    for row in draws:
        drawn = [
            [pair for name, n in zip(PATIENTS, row, strict=True) for pair in side[name] * int(n)]
            for side in sides
        ]
        resampled.append(sklearn_kappa(drawn[1]) - sklearn_kappa(drawn[0]))

    assert figure.difference.value == pytest.approx(resampled[0])
    assert figure.difference.ci95 == pytest.approx(np.percentile(resampled[1:], [2.5, 97.5]))


def swapped(
    patients: frozenset[str], truths: Sequence[GroundTruth], sides: tuple[Predictions, Predictions]
) -> tuple[Predictions, Predictions]:
    """Swap the answers of ``patients``, box by box."""
    changing = {truth.image for truth in truths if truth.patient in patients}
    first, second = sides
    return (
        {image: (second if image in changing else first)[image] for image in first},
        {image: (first if image in changing else second)[image] for image in first},
    )


def test_every_p_value_agrees_with_swapping_by_hand() -> None:
    case = random_case(5, patients=4)
    sides = case.predictions, random_case(6, patients=4).predictions
    right = perfect(case.truths)
    sides = (
        sides[0],
        {image: right[image] if i % 3 else sides[1][image] for i, image in enumerate(right)},
    )
    names = sorted({truth.patient for truth in case.truths})
    once = ComparisonOptions(resamples=2, permutations=1)

    comparison = compare(case.truths, *sides, FEW)

    by_hand: dict[str, list[float]] = {key: [] for key in HEADLINES}
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            both = swapped(frozenset(chosen), case.truths, sides)
            for key, pair in compare(case.truths, *both, once).figures.items():
                value = pair.difference.value
                by_hand[key].append(np.nan if value is None else value)
    assert (comparison.swaps, comparison.exact) == (16, True)
    for key, values in by_hand.items():
        known = np.abs([value for value in values if not np.isnan(value)])
        expected = None if np.isnan(values[0]) else float(np.mean(known >= known[0] - 1e-9))
        assert comparison.figures[key].p == (
            None if expected is None else pytest.approx(expected)
        ), key


def test_equal_predictions_differ_in_nothing() -> None:
    for pair in compare(CASE.truths, OTHER, OTHER, FEW).figures.values():
        if pair.difference.value is not None:
            assert (pair.difference.value, pair.difference.ci95) == (0, (0, 0))
            assert (pair.p, pair.p_holm) == (1, 1)


def test_the_other_way_round_is_the_same_with_another_sign() -> None:
    there = compare(CASE.truths, CASE.predictions, OTHER, FEW).figures
    back = compare(CASE.truths, OTHER, CASE.predictions, FEW).figures

    for key, pair in there.items():
        if pair.difference.value is not None and back[key].difference.value is not None:
            assert back[key].difference.value == pytest.approx(-pair.difference.value)
            assert back[key].p == pair.p


def test_a_seed_fixes_everything_and_another_changes_the_interval() -> None:
    first, same, other = (
        compare(CASE.truths, CASE.predictions, OTHER, ComparisonOptions(60, 199, seed))
        for seed in (1, 1, 2)
    )

    assert first == same
    assert first.figures["exact"].difference.ci95 != other.figures["exact"].difference.ci95


def test_holm_corrects_for_the_figures_that_have_a_difference() -> None:
    figures = compare(CASE.truths, CASE.predictions, OTHER, FEW).figures
    known = [(pair.p, pair.p_holm) for pair in figures.values() if pair.p is not None]

    smallest = min(p for p, _ in known)
    assert min(holm for _, holm in known if holm is not None) == pytest.approx(
        min(1.0, smallest * len(known))
    )
    assert figures["hiz_axial_f1"].p is figures["hiz_axial_f1"].p_holm is None


def test_one_patient_has_a_difference_without_an_interval() -> None:
    one = random_case(3, patients=1)
    pair = compare(one.truths, one.predictions, perfect(one.truths), FEW).figures["exact_all"]

    assert pair.difference.value is not None
    assert (pair.difference.ci95, pair.p) == (None, 1)


def test_an_operating_point_of_its_own_is_set_beforehand() -> None:
    strict = {
        image: confident(
            boxes, OperatingPoint(grade_score=0.5, herniation_score=0.5), Plane.SAGITTAL
        )
        for image, boxes in CASE.predictions.items()
    }
    open_point = ComparisonOptions(
        60, 199, operating_point=OperatingPoint(grade_score=0.0, herniation_score=0.0)
    )

    pair = compare(CASE.truths, strict, CASE.predictions, open_point).figures["disc_recall"]

    assert pair.difference.value is not None
    assert pair.difference.value > 0


def test_other_images_or_patients_are_refused() -> None:
    with pytest.raises(DatasetError, match="no predictions for 24 of 24"):
        compare(CASE.truths, CASE.predictions, {}, FEW)
    whole = tally(CASE.truths, CASE.predictions, POINT)
    part = tally(CASE.truths[:4], {t.image: () for t in CASE.truths[:4]}, POINT)
    with pytest.raises(DatasetError, match="same patients"):
        compare_tallies(whole, part, FEW)


def test_acceptable_axial_slices_and_lesions_are_counted_in_their_plane() -> None:
    lesion = (Label.HIZ, (10.0, 10.0, 20.0, 20.0))
    annotated = EVERYTHING - set(GRADE_LABELS)
    truths = [
        truth_of(lesion, image=name, patient=name, plane=Plane.AXIAL, annotated=annotated)
        for name in "ab"
    ]
    found: dict[str, tuple[PredictedBox, ...]] = {"a": (predicted(*lesion),), "b": ()}

    figures = compare(truths, {"a": (), "b": ()}, found, FEW).figures

    assert figures["acceptable_axial"].difference.value == 0.5
    assert figures["hiz_axial_recall"].other.value == 0.5
    assert figures["acceptable_sagittal"].difference.value is None
    assert figures["exact_all"].difference.reason == "no graded disc in the truth"


def test_the_table_has_a_row_for_each_known_figure() -> None:
    comparison = compare(CASE.truths, CASE.predictions, OTHER, FEW)
    table = paired_table(comparison, "YOLOv5 n", "paper")

    known = [k for k, pair in comparison.figures.items() if pair.difference.value is not None]
    assert table.name == "comparison-paper-yolov5-n"
    assert [row[0] for row in table.rows] == [HEADLINES[key].title for key in known]
    assert table.columns == ("Figure", "YOLOv5 n", "paper", "Difference", "p", "p (Holm)")
    assert "200 random swaps" in table.notes[0]


def test_arms_stand_below_their_reference() -> None:
    arms = {
        "copy": compare(CASE.truths, CASE.predictions, CASE.predictions, FEW),
        "other": compare(CASE.truths, CASE.predictions, OTHER, FEW),
    }
    table = comparison_table("base", arms, ("exact_all", "kappa_linear"))

    assert [row[0] for row in table.rows] == ["base", "copy", "other"]
    assert all(len(row) == len(table.columns) == 7 for row in table.rows)
    pair = arms["other"].figures["exact_all"]
    assert table.rows[2][1:3] == (pair.other, pair.difference)
    assert cell_text(table.rows[1][2]) == "0.000 [0.000, 0.000]"
    assert table.rows[1][3] == "1.000"
    assert "4 differences" in table.notes[1]
    assert table_csv(table).count("\n") == 4


def test_the_document_holds_every_figure_and_is_the_same_each_time() -> None:
    texts = [
        comparison_text(compare(CASE.truths, CASE.predictions, OTHER, FEW), "a", "b")
        for _ in range(2)
    ]
    document = json.loads(texts[0])

    assert texts[0] == texts[1]
    assert document["schema"] == "discern.comparison/1"
    assert (document["reference"], document["other"]) == ("a", "b")
    assert document["permutation_test"] == {
        "unit": "patient",
        "swaps": 200,
        "exact": False,
        "seed": [FEW.seed, 1],
    }
    assert set(document["figures"]) == set(HEADLINES)
    assert document["figures"]["hiz_axial_f1"]["difference"]["reason"]


def test_the_type_of_a_statistic_is_an_array_of_the_resamples() -> None:
    counts: NDArray[np.int64] = tally(CASE.truths, OTHER, POINT).counts
    for headline in HEADLINES.values():
        assert headline.statistic(counts.sum(axis=0, keepdims=True)).shape == (1,)
