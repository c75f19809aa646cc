"""Predicted and truth boxes matched label by label at COCO's ten IoU thresholds, by pycocotools.

Choices, where COCO leaves room:

- Every predicted box takes part, whatever its score and however many lie on one place; pycocotools
  keeps the 100 best of a label on one image.
- A label is judged only on the images annotated for it; its boxes elsewhere are left out.
- A box whose centre lies where nobody annotated and which overlaps no truth box of any label by
  0.5 is left out (COCO's crowd regions would excuse it at some thresholds and not at others).
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from discern import boxes as box_ops
from discern.evaluation.matching import (
    MIN_IOU,
    AnsweredImage,
    boxes_array,
    judged_labels,
    not_judged,
)
from discern.evaluation.predictions import PredictedBox
from discern.spine import LABELS, Label

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_MAX_PER_IMAGE = 100
_EVERY_SIZE = [[0, 1e10]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The boxes of one label, best score first, after matching.

    Attributes:
        patient: (D,) index of the patient of each box.
        hit: (T, D) whether it met a truth box, for each IoU threshold.
        truth: (P,) truth boxes of each patient.
    """

    patient: NDArray[np.intp]
    hit: NDArray[np.bool_]
    truth: NDArray[np.int64]


def rank(images: Sequence[AnsweredImage], patients: int) -> Mapping[Label, Ranking]:
    """Match every label with pycocotools and return its boxes in COCO's order."""
    truths, answers = _coco_boxes(images)
    evaluation = _run_coco(truths, answers, len(images))
    per_label = np.array(evaluation.evalImgs, dtype=object).reshape(len(LABELS), len(images))
    owner = np.array([image.patient for image in images], dtype=np.intp)
    return {
        label: _ranking(list(cells), owner, patients)
        for label, cells in zip(LABELS, per_label, strict=True)
    }


def _coco_boxes(
    images: Sequence[AnsweredImage],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return truth and predicted boxes as COCO annotations; images and labels count from 1."""
    truths: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        judged = judged_labels(image.truth)
        truths += [
            _annotation(number, box.label, box.box_xyxy_px)
            for box in image.truth.boxes
            if box.label in judged
        ]
        answers += [
            _annotation(number, box.label, box.box_xyxy_px) | {"score": box.score}
            for box in _judged_boxes(image)
            if box.label in judged
        ]
    return _numbered(truths), _numbered(answers)


def _judged_boxes(image: AnsweredImage) -> list[PredictedBox]:
    predicted = boxes_array(image.boxes)
    met = (box_ops.iou(predicted, image.truth.boxes_of(LABELS)) >= MIN_IOU).any(axis=1)
    counts = met | ~not_judged(image.truth, predicted)
    return [box for box, counted in zip(image.boxes, counts, strict=True) if counted]


def _annotation(
    image: int, label: Label, box_xyxy_px: tuple[float, float, float, float]
) -> dict[str, Any]:
    x1, y1, x2, y2 = box_xyxy_px
    width, height = x2 - x1, y2 - y1
    return {
        "image_id": image,
        "category_id": LABELS.index(label) + 1,
        "bbox": [x1, y1, width, height],
        "area": width * height,
        "iscrowd": 0,
    }


def _numbered(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": i} | annotation for i, annotation in enumerate(annotations, start=1)]


def _run_coco(truths: list[dict[str, Any]], answers: list[dict[str, Any]], images: int) -> COCOeval:
    """Return the COCO evaluation after matching; what it prints is dropped."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_coco(truths, images), _coco(answers, images), "bbox")
        evaluation.params.iouThrs = IOU_THRESHOLDS
        evaluation.params.areaRng, evaluation.params.areaRngLbl = _EVERY_SIZE, ["all"]
        evaluation.params.maxDets = [_MAX_PER_IMAGE]
        evaluation.evaluate()
    return evaluation


def _coco(annotations: list[dict[str, Any]], images: int) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(1, images + 1)],
        "categories": [{"id": i, "name": str(label)} for i, label in enumerate(LABELS, start=1)],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco


def _ranking(
    cells: Sequence[dict[str, Any] | None], owner: NDArray[np.intp], patients: int
) -> Ranking:
    """Join COCO's per-image results of one label, ordered by score as COCO does (stable)."""
    seen = [(patient, cell) for patient, cell in zip(owner, cells, strict=True) if cell]
    truth = np.zeros(patients, dtype=np.int64)
    for patient, cell in seen:
        truth[patient] += len(cell["gtIds"])
    patient_of = np.array([p for p, cell in seen for _ in cell["dtIds"]], dtype=np.intp)
    scores = np.array([score for _, cell in seen for score in cell["dtScores"]])
    none = np.zeros((len(IOU_THRESHOLDS), 0))
    matched = np.concatenate([none, *(cell["dtMatches"] for _, cell in seen)], axis=1)
    order = np.argsort(-scores, kind="stable")
    return Ranking(patient_of[order], matched[:, order] > 0, truth)
