import contextlib
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_cases import Box, predicted, random_case, truth_of
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.coco import rank
from discern.evaluation.detection import DetectionMetrics, average_precision, detection_metrics
from discern.evaluation.matching import AnsweredImage
from discern.spine import GRADE_LABELS, LABELS, Label

HERE, THERE = (0.0, 40.0, 50.0, 60.0), (0.0, 80.0, 50.0, 100.0)


def answered(seed: int) -> list[AnsweredImage]:
    case = random_case(seed)
    return [
        AnsweredImage(int(truth.patient[1:]), truth, case.predictions[truth.image])
        for truth in case.truths
    ]


def coco_of(images: Sequence[AnsweredImage]) -> NDArray[np.float64]:
    """Return (labels, 2): AP at 0.5 and over 0.5 to 0.95, by pycocotools and nothing of ours."""
    boxes = [(i, box) for i, image in enumerate(images, 1) for box in image.truth.boxes]
    truths = [_entry(i, box.label, box.box_xyxy_px, id=n) for n, (i, box) in enumerate(boxes, 1)]
    answers = [
        _entry(i, box.label, box.box_xyxy_px, score=box.score)
        for i, image in enumerate(images, 1)
        for box in image.boxes
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i} for i in range(1, len(images) + 1)],
            "categories": [{"id": i} for i in range(len(LABELS))],
            "annotations": truths,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(answers), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # (T, recalls, labels)
    per_threshold = precision.mean(axis=1)  # (T, labels), -1 where the truth lacks the label
    return np.stack([per_threshold[0], per_threshold.mean(axis=0)], axis=1)


def _entry(image: int, label: Label, box: Box, **more: object) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    size = (x2 - x1) * (y2 - y1)
    return {
        "image_id": image,
        "category_id": LABELS.index(label),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": size,
        "iscrowd": 0,
        **more,
    }


def value(metrics: DetectionMetrics) -> tuple[float | None, float | None]:
    return metrics.map50.value, metrics.map50_95.value


@pytest.mark.parametrize("seed", range(6))
def test_the_precision_of_every_label_is_that_of_pycocotools(seed: int) -> None:
    images = answered(seed)
    expected = coco_of(images)
    present = expected[:, 0] >= 0

    metrics = detection_metrics(images, np.ones((1, 12), dtype=np.int64))

    for i, label in enumerate(LABELS):
        ours = metrics.per_label[label]
        if present[i]:
            assert ours.ap50.value == pytest.approx(expected[i, 0], abs=1e-9)
            assert ours.ap50_95.value == pytest.approx(expected[i, 1], abs=1e-9)
        else:
            assert ours.ap50.value is None
    assert value(metrics) == pytest.approx(expected[present].mean(axis=0), abs=1e-9)


def test_equal_scores_are_ranked_as_pycocotools_ranks_them() -> None:
    images = [
        replace(image, boxes=tuple(replace(b, score=round(b.score, 1)) for b in image.boxes))
        for image in answered(3)
    ]
    expected = coco_of(images)

    metrics = detection_metrics(images, np.ones((1, 12), dtype=np.int64))

    assert metrics.map50_95.value == pytest.approx(
        expected[expected[:, 1] >= 0, 1].mean(), abs=1e-9
    )


def test_a_resample_is_that_of_pycocotools_on_repeated_images() -> None:
    images = answered(11)
    draws = draw_patients(12, 3, np.random.default_rng(0))
    rankings = rank(images, 12)

    for row, draw in enumerate(draws):
        repeated = [image for image in images for _ in range(draw[image.patient])]
        expected = coco_of(repeated)
        for i, label in enumerate(LABELS[:6]):
            area = average_precision(rankings[label], 0, draws)[row]
            assert area == pytest.approx(expected[i, 0], abs=1e-9)


def test_perfect_boxes_reach_one_and_none_reach_zero() -> None:
    truth = truth_of((Label.PFIRRMANN_1, HERE), (Label.HERNIATION, THERE))
    boxes = (predicted(Label.PFIRRMANN_1, HERE), predicted(Label.HERNIATION, THERE))
    everyone = np.ones((1, 1), dtype=np.int64)

    assert value(detection_metrics([AnsweredImage(0, truth, boxes)], everyone)) == (1.0, 1.0)
    assert value(detection_metrics([AnsweredImage(0, truth, ())], everyone)) == (0.0, 0.0)


def test_boxes_of_a_label_nobody_looked_for_do_not_count() -> None:
    truth = truth_of((Label.PFIRRMANN_1, HERE), annotated=frozenset(GRADE_LABELS))
    boxes = (predicted(Label.HIZ, THERE), predicted(Label.PFIRRMANN_1, HERE, 0.5))

    metrics = detection_metrics([AnsweredImage(0, truth, boxes)], np.ones((1, 1), dtype=np.int64))

    assert value(metrics) == (1.0, 1.0)
    assert metrics.per_label[Label.HIZ].ap50.reason == "no hiz in the truth"


def test_a_box_where_nobody_annotated_is_left_out() -> None:
    boxes = (predicted(Label.PFIRRMANN_1, THERE), predicted(Label.PFIRRMANN_1, HERE, 0.5))
    plain = truth_of((Label.PFIRRMANN_1, HERE))
    excused = truth_of((Label.PFIRRMANN_1, HERE), ignored=(THERE,))
    everyone = np.ones((1, 1), dtype=np.int64)

    assert value(detection_metrics([AnsweredImage(0, plain, boxes)], everyone)) == (0.5, 0.5)
    assert value(detection_metrics([AnsweredImage(0, excused, boxes)], everyone)) == (1.0, 1.0)


def test_a_box_that_meets_a_disc_counts_wherever_it_lies() -> None:
    truth = truth_of((Label.PFIRRMANN_1, HERE), ignored=(HERE,), ungraded_above_px=60.0)
    boxes = (predicted(Label.PFIRRMANN_1, HERE),)

    metrics = detection_metrics([AnsweredImage(0, truth, boxes)], np.ones((1, 1), dtype=np.int64))

    assert value(metrics) == (1.0, 1.0)


def test_truth_of_a_label_nobody_looked_for_is_no_truth() -> None:
    grades = frozenset(GRADE_LABELS)
    truth = truth_of((Label.PFIRRMANN_1, HERE), (Label.HERNIATION, THERE), annotated=grades)
    boxes = (predicted(Label.PFIRRMANN_1, HERE),)

    metrics = detection_metrics([AnsweredImage(0, truth, boxes)], np.ones((1, 1), dtype=np.int64))

    assert value(metrics) == (1.0, 1.0)
    assert metrics.per_label[Label.HERNIATION].support == 0


def test_no_truth_and_no_image_have_no_value() -> None:
    everyone = np.ones((1, 1), dtype=np.int64)
    empty = AnsweredImage(0, truth_of(), (predicted(Label.HIZ, HERE),))

    for images in ([], [empty]):
        metrics = detection_metrics(images, everyone)
        assert value(metrics) == (None, None)
        assert metrics.map50.reason == "no box of any judged label in the truth"


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    detection_metrics(answered(0), np.ones((1, 12), dtype=np.int64))

    assert capsys.readouterr().out == ""
