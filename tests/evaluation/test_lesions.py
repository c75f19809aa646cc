import numpy as np
import pytest
from evaluation_cases import predicted, truth_of

from discern.annotations import GroundTruth
from discern.evaluation.lesions import LesionMetrics, lesion_metrics, lesion_outcome
from discern.evaluation.matching import AnsweredImage, Criterion
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS, Label, Plane

HERE, THERE = (0.0, 40.0, 50.0, 60.0), (0.0, 80.0, 50.0, 100.0)
SPECK = (20.0, 48.0, 24.0, 52.0)


def measure(
    *images: tuple[GroundTruth, tuple[PredictedBox, ...]],
    label: Label = Label.HERNIATION,
    plane: Plane = Plane.SAGITTAL,
) -> LesionMetrics:
    answered = [AnsweredImage(i, truth, boxes) for i, (truth, boxes) in enumerate(images)]
    return lesion_metrics(answered, label, plane, np.ones((1, len(images)), dtype=np.int64))


def test_precision_recall_and_f1_of_three_images() -> None:
    hit = truth_of((Label.HERNIATION, HERE)), (predicted(Label.HERNIATION, HERE),)
    miss = truth_of((Label.HERNIATION, HERE)), (predicted(Label.HERNIATION, THERE),)
    false_alarm = truth_of(), (predicted(Label.HERNIATION, THERE),)

    metrics = measure(hit, miss, false_alarm)

    assert metrics.at_iou.precision.value == pytest.approx(1 / 3)
    assert metrics.at_iou.recall.value == pytest.approx(1 / 2)
    assert metrics.at_iou.f1.value == pytest.approx(2 / 5)
    assert (metrics.support, metrics.images) == (2, 3)


def test_a_box_of_another_label_meets_no_lesion() -> None:
    truth = truth_of((Label.HERNIATION, HERE))
    boxes = (predicted(Label.HIZ, HERE), predicted(Label.PFIRRMANN_3, HERE))

    assert lesion_outcome(truth, boxes, Label.HERNIATION, Criterion.IOU) == (0, 0, 1)
    assert lesion_outcome(truth, boxes, Label.HIZ, Criterion.IOU) == (0, 1, 0)


def test_a_speck_counts_by_its_centre_and_not_by_its_overlap() -> None:
    metrics = measure(
        (truth_of((Label.HIZ, HERE)), (predicted(Label.HIZ, SPECK),)), label=Label.HIZ
    )

    assert metrics.at_iou.f1.value == 0
    assert metrics.center_inside.f1.value == 1


def test_images_not_annotated_for_the_lesion_do_not_count() -> None:
    grades_only = truth_of(annotated=frozenset(GRADE_LABELS))
    annotated = truth_of((Label.HERNIATION, HERE)), (predicted(Label.HERNIATION, HERE),)

    metrics = measure(annotated, (grades_only, (predicted(Label.HERNIATION, THERE),)))

    assert metrics.at_iou.precision.value == 1
    assert metrics.images == 1


def test_false_alarms_where_nobody_annotated_are_excused() -> None:
    truth = truth_of((Label.HERNIATION, THERE), ungraded_above_px=70.0)
    boxes = (predicted(Label.HERNIATION, HERE), predicted(Label.HERNIATION, THERE))

    assert lesion_outcome(truth, boxes, Label.HERNIATION, Criterion.IOU) == (1, 0, 0)


def test_planes_are_kept_apart_and_absence_has_a_reason() -> None:
    sagittal = truth_of((Label.HERNIATION, HERE)), (predicted(Label.HERNIATION, HERE),)
    empty_axial = truth_of(plane=Plane.AXIAL), (predicted(Label.HERNIATION, HERE),)

    assert measure(sagittal, empty_axial).at_iou.precision.value == 1
    axial = measure(sagittal, empty_axial, plane=Plane.AXIAL)
    assert axial.at_iou.precision.value is None
    assert axial.at_iou.f1.reason == "no herniation in the truth of the axial images"
    nowhere = measure(sagittal, plane=Plane.AXIAL)
    assert nowhere.at_iou.recall.reason == "no axial image is annotated for herniation"


def test_a_lesion_never_predicted_has_recall_zero_and_no_precision() -> None:
    metrics = measure((truth_of((Label.HERNIATION, HERE)), ()))

    assert metrics.at_iou.recall.value == 0
    assert metrics.at_iou.f1.value == 0
    assert metrics.at_iou.precision.reason == "no herniation was predicted"
