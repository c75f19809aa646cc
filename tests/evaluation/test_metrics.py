import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_cases import Case, perfect, predicted, random_case, truth_of
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from discern.annotations import read_labelme
from discern.decisions import OperatingPoint
from discern.errors import DatasetError
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.outcomes import grade_outcome
from discern.spine import GRADE_LABELS, Label, PfirrmannGrade, Plane

FEW = EvaluationOptions(resamples=50, seed=7)
ALL_SCORES = OperatingPoint("all", grade_score=0, herniation_score=0, hiz_score=0)
HERE, THERE, BELOW = ((0.0, top, 50.0, top + 20.0) for top in (40.0, 80.0, 120.0))


def measured(case: Case, options: EvaluationOptions = FEW) -> Metrics:
    return evaluate(case.truths, case.predictions, options=options, data_digest="d")


def document_of(metrics: Metrics) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(metrics_to_json(metrics))
    return document


def figures_in(node: object) -> list[dict[str, Any]]:
    """Return every ``{value, ci95}`` below ``node``."""
    if not isinstance(node, dict):
        return []
    own = [node] if "value" in node else []
    return own + [figure for child in node.values() for figure in figures_in(child)]


def test_the_json_is_laid_out_as_the_contract_says() -> None:
    document = document_of(measured(random_case(1)))

    pfirrmann = document["slice_wise"]["pfirrmann"]
    assert document["schema"] == "discern.metrics/1"
    assert (document["patients"], document["images"], document["data_digest"]) == (12, 24, "d")
    assert len(document["prediction_digest"]) == 64
    assert document["bootstrap"] == {"unit": "patient", "resamples": 50, "seed": 7}
    assert list(pfirrmann["per_grade"]) == ["1", "2", "3", "4", "5"]
    assert set(pfirrmann["per_grade"]["1"]) == {"precision", "recall", "f1", "auc", "support"}
    assert np.array(pfirrmann["confusion"]).shape == (6, 6)
    assert set(pfirrmann) >= {
        *("macro_f1", "disc_recall", "false_per_image", "exact", "within_one", "kappa_linear"),
        *("kappa_quadratic", "exact_all", "within_one_all", "balanced_accuracy"),
    }
    for lesion in ("herniation", "hiz"):
        for plane in ("sagittal", "axial"):
            assert set(document["slice_wise"][lesion][plane]) >= {
                *("precision", "recall", "f1", "support", "froc"),
            }
    assert set(document["slice_wise"]["clinically_acceptable_auto"]) == {"sagittal", "axial"}
    assert set(document["disc_wise"]) == {"pfirrmann", "herniation", "hiz"}
    assert set(document["disc_wise"]["pfirrmann"]) - set(pfirrmann) == {
        *("false_per_patient", "discs", "slices", "mixed_truth"),
    }
    assert set(document["disc_wise"]["herniation"]["sagittal"]) == {
        *("precision", "recall", "f1", "specificity", "roc_auc", "average_precision", "ppv_at"),
        *("false_alarm_on_bulging", "support", "discs", "bulging", "unread", "truth"),
    }
    assert set(document["detection"]) >= {"map50", "map50_95"}


def test_every_figure_has_an_interval_round_it_or_a_reason() -> None:
    figures = figures_in(document_of(measured(random_case(2), replace(FEW, resamples=400))))

    assert len(figures) > 40
    for figure in figures:
        if figure["value"] is None:
            assert figure["ci95"] is None
            assert figure["reason"]
        else:
            low, high = figure["ci95"]
            assert low - 0.05 <= figure["value"] <= high + 0.05
            assert low <= high


def test_perfect_predictions_reach_one_everywhere() -> None:
    truths = random_case(3, patients=24, images_each=1).truths
    document = document_of(evaluate(truths, perfect(truths), options=FEW))

    false_alarms = (
        document["slice_wise"]["pfirrmann"].pop("false_per_image"),
        document["disc_wise"]["pfirrmann"].pop("false_per_patient"),
    )
    values = [f for f in figures_in(document) if f["value"] is not None]
    assert false_alarms == ({"value": 0, "ci95": [0, 0]},) * 2
    assert len(values) > 40
    assert all(f["value"] == 1 and f["ci95"] == [1, 1] for f in values)


def test_grading_agrees_with_scikit_learn_on_the_matched_discs() -> None:
    case = random_case(4, patients=20)
    metrics = measured(case, replace(FEW, operating_point=ALL_SCORES)).pfirrmann

    discs = [
        disc for truth in case.truths for disc in _matched(truth.image, case) if disc.class_scores
    ]
    truth, answer = [d.truth for d in discs], [d.answer for d in discs]
    scores = np.array([d.class_scores[:5] for d in discs if d.class_scores])
    scores /= scores.sum(axis=1, keepdims=True)
    for name, figure in {
        "linear": metrics.kappa_linear,
        "quadratic": metrics.kappa_quadratic,
    }.items():
        assert figure.value == pytest.approx(
            cohen_kappa_score(truth, answer, labels=range(5), weights=name)
        )
    for grade, one in metrics.per_grade.items():
        expected = roc_auc_score(np.array(truth) == grade - 1, scores[:, grade - 1])
        assert one.auc.value == pytest.approx(expected)


def _matched(image: str, case: Case) -> tuple[Any, ...]:
    truth = next(t for t in case.truths if t.image == image)
    return grade_outcome(truth, case.predictions[image]).matched


def test_a_seed_fixes_every_byte() -> None:
    case = random_case(5)
    first, same = metrics_to_json(measured(case)), metrics_to_json(measured(case))
    other = metrics_to_json(measured(case, replace(FEW, seed=8)))

    assert first == same
    assert first != other


def test_thresholds_rule_the_slice_wise_figures_and_not_the_mean_precision() -> None:
    truth = truth_of((Label.PFIRRMANN_2, HERE), (Label.HERNIATION, THERE))
    boxes = (
        predicted(Label.PFIRRMANN_2, HERE, 0.4),
        predicted(Label.HERNIATION, THERE, 0.2),
    )
    strict = OperatingPoint("strict", grade_score=0.5, herniation_score=0.5)

    default = evaluate([truth], {"one": boxes})
    picky = evaluate([truth], {"one": boxes}, options=EvaluationOptions(operating_point=strict))

    lesion = Label.HERNIATION, Plane.SAGITTAL
    assert default.pfirrmann.disc_recall.value == 1
    assert default.lesions[lesion].at_iou.recall.value == 0
    assert picky.pfirrmann.disc_recall.value == 0
    assert default.detection == picky.detection
    assert document_of(picky)["operating_point"]["grade_score"] == 0.5


def test_without_predictions_discs_are_missed_and_nothing_is_matched() -> None:
    truths = random_case(6, patients=3).truths
    metrics = evaluate(truths, {t.image: () for t in truths}, options=FEW)

    assert metrics.pfirrmann.disc_recall.value == 0
    assert metrics.pfirrmann.exact_all.value == 0
    assert metrics.pfirrmann.macro_f1.value == 0
    assert metrics.pfirrmann.exact.reason == "no disc of the truth was matched"
    assert metrics.pfirrmann.kappa_quadratic.reason == "no disc of the truth was matched"
    assert metrics.detection.map50.value == 0


def test_without_truth_there_are_reasons_and_false_alarms() -> None:
    boxes = (predicted(Label.PFIRRMANN_1, HERE),)
    metrics = evaluate([truth_of(), truth_of(image="two", patient="q")], {"one": boxes, "two": ()})

    assert metrics.pfirrmann.false_per_image.value == 0.5
    assert metrics.pfirrmann.macro_f1.reason == "no graded disc in the truth"
    assert metrics.pfirrmann.per_grade[PfirrmannGrade.I].precision.reason == (
        "no disc of grade 1 in the truth"
    )


def test_with_one_slice_a_disc_the_discs_are_graded_as_the_slices_are() -> None:
    metrics = measured(random_case(9, patients=24, images_each=1))

    assert metrics.disc_wise.pfirrmann == metrics.pfirrmann
    assert metrics.disc_wise.mixed_truth == 0


def test_p_values_are_plain_numbers_of_three_digits() -> None:
    metrics = measured(random_case(10))
    pfirrmann = document_of(metrics)["slice_wise"]["pfirrmann"]

    for name in ("kappa_linear_p", "kappa_quadratic_p", "kappa_linear_p_independent"):
        exact = getattr(metrics.pfirrmann, name)
        assert pfirrmann[name] == pytest.approx(exact, rel=0.006)
        assert len(f"{pfirrmann[name]:e}".rstrip("0").split("e")[0].rstrip("0")) <= 4


def test_predictions_with_every_grade_of_a_box_are_told_from_one_grade_per_place() -> None:
    truth = truth_of((Label.PFIRRMANN_2, HERE))
    best, second = predicted(Label.PFIRRMANN_2, HERE, 0.9), predicted(Label.PFIRRMANN_3, HERE, 0.4)

    assert evaluate([truth], {"one": (best,)}).detection.one_grade_per_place
    assert not evaluate([truth], {"one": (best, second)}).detection.one_grade_per_place


def test_an_empty_data_set_gives_reasons_only() -> None:
    document = document_of(evaluate([], {}))

    assert (document["patients"], document["images"]) == (0, 0)
    assert all(figure["reason"] for figure in figures_in(document))


def test_one_patient_has_values_and_no_intervals() -> None:
    case = random_case(7, patients=1, images_each=3)
    figures = figures_in(document_of(measured(case)))

    assert any(figure["value"] is not None for figure in figures)
    assert all(figure["ci95"] is None and figure["reason"] for figure in figures)


def test_without_class_scores_only_the_auc_is_missing() -> None:
    case = random_case(8)
    bare = {
        name: tuple(replace(box, class_scores=None) for box in boxes)
        for name, boxes in case.predictions.items()
    }
    with_scores, without = measured(case), measured(replace(case, predictions=bare))

    assert without.pfirrmann.macro_f1 == with_scores.pfirrmann.macro_f1
    assert without.pfirrmann.roc == {}
    for one in without.pfirrmann.per_grade.values():
        assert one.auc.reason == "a matched box carries no class scores"


def test_a_disc_without_any_grade_score_has_equal_probabilities() -> None:
    nothing, certain = (0.0,) * 7, (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    weak = (0.0, 0.1, 0.9, 0.0, 0.0, 0.0, 0.0)
    truth = truth_of(
        (Label.PFIRRMANN_2, HERE), (Label.PFIRRMANN_3, THERE), (Label.PFIRRMANN_2, BELOW)
    )
    boxes = (
        predicted(Label.PFIRRMANN_2, HERE, class_scores=nothing),  # a fifth, above the tenth
        predicted(Label.PFIRRMANN_3, THERE, class_scores=weak),
        predicted(Label.PFIRRMANN_2, BELOW, class_scores=certain),
    )

    metrics = evaluate([truth], {"one": boxes})

    assert metrics.pfirrmann.per_grade[PfirrmannGrade.II].auc.value == 1


def test_grades_on_images_not_annotated_for_them_do_not_count() -> None:
    lesions_only = frozenset({Label.HERNIATION})
    truths = [
        truth_of((Label.PFIRRMANN_2, HERE), image="graded"),
        truth_of((Label.PFIRRMANN_2, HERE), image="other", annotated=lesions_only, patient="q"),
        truth_of(image="axial", plane=Plane.AXIAL, patient="r"),
    ]
    box = predicted(Label.PFIRRMANN_2, HERE)
    wrong = predicted(Label.PFIRRMANN_4, THERE)

    metrics = evaluate(truths, {"graded": (box,), "other": (wrong,), "axial": (wrong,)})

    assert metrics.pfirrmann.false_per_image.value == 0
    assert metrics.pfirrmann.per_grade[PfirrmannGrade.II].support == 1
    assert metrics.pfirrmann.disc_recall.value == 1
    assert metrics.detection.map50.value == 1


def test_predictions_for_other_images_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"no predictions for 1 of 1 images \(one\)"):
        evaluate([truth_of()], {})


def test_perfect_predictions_on_the_real_truth(shared_data: Path) -> None:
    folder = shared_data / "spider-lumbar" / "annotations"
    annotated = frozenset({*GRADE_LABELS, Label.HERNIATION})
    truths = [
        read_labelme(
            path, patient=path.stem.split("_")[0], plane=Plane.SAGITTAL, annotated=annotated
        )
        for path in sorted(folder.glob("*_t2_mid.json"))
    ]
    metrics = evaluate(truths, perfect(truths), options=FEW)

    assert [one.support for one in metrics.pfirrmann.per_grade.values()] == [
        175,
        276,
        340,
        234,
        149,
    ]
    assert metrics.lesions[Label.HERNIATION, Plane.SAGITTAL].at_iou.f1.value == 1
    assert metrics.pfirrmann.kappa_quadratic.value == 1
    assert metrics.pfirrmann.exact_all.value == 1
    assert metrics.detection.map50_95.value == 1
