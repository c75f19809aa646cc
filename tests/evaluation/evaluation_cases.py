"""Truth and predictions made for the tests of ``discern.evaluation``."""

from dataclasses import dataclass

import numpy as np

from discern.annotations import GroundTruth, TruthBox
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS, LABELS, Label, Plane

Box = tuple[float, float, float, float]
EVERYTHING = frozenset(LABELS)


@dataclass(frozen=True)
class Case:
    truths: list[GroundTruth]
    predictions: dict[str, tuple[PredictedBox, ...]]


def truth_of(
    *boxes: tuple[Label, Box],
    image: str = "one",
    patient: str = "p",
    plane: Plane = Plane.SAGITTAL,
    annotated: frozenset[Label] = EVERYTHING,
    ignored: tuple[Box, ...] = (),
    ungraded_above_px: float | None = None,
) -> GroundTruth:
    drawn = tuple(TruthBox(label, box) for label, box in boxes)
    return GroundTruth(
        image, patient, plane, (200, 200), drawn, annotated, ignored, ungraded_above_px
    )


def predicted(
    label: Label, box: Box, score: float = 0.9, class_scores: tuple[float, ...] | None = None
) -> PredictedBox:
    return PredictedBox(label, score, class_scores, box)


def perfect(truths: list[GroundTruth]) -> dict[str, tuple[PredictedBox, ...]]:
    return {t.image: tuple(_certain(box.label, box.box_xyxy_px) for box in t.boxes) for t in truths}


def random_case(seed: int, patients: int = 12, images_each: int = 2) -> Case:
    """Return six discs an image, some herniated, and a reader that jitters, errs and invents."""
    generator = np.random.default_rng(seed)
    truths, predictions = [], {}
    for number in range(patients * images_each):
        image = f"{number:03d}"
        boxes = _random_truth(generator)
        truths.append(truth_of(*boxes, image=image, patient=f"p{number // images_each}"))
        answers = [_answer(label, box, generator) for label, box in boxes]
        invented = [_invented(generator) for _ in range(int(generator.integers(0, 4)))]
        predictions[image] = tuple(answers[int(generator.random() < 0.3) :] + invented)
    return Case(truths, predictions)


def _certain(label: Label, box: Box) -> PredictedBox:
    scores = np.eye(len(LABELS))[LABELS.index(label)]
    return PredictedBox(label, 1.0, tuple(scores.tolist()), box)


def _random_truth(generator: np.random.Generator) -> list[tuple[Label, Box]]:
    boxes: list[tuple[Label, Box]] = []
    for disc in range(6):
        top = 20.0 + 28 * disc
        grade = GRADE_LABELS[int(generator.integers(0, 5))]
        boxes.append((grade, (60.0, top, 110.0, top + 16)))
        if generator.random() < 0.2:
            boxes.append((Label.HERNIATION, (95.0, top - 2, 118.0, top + 18)))
    return boxes


def _answer(label: Label, box: Box, generator: np.random.Generator) -> PredictedBox:
    shift = generator.normal(0, 1.5, 4)
    moved = tuple((np.array(box) + shift).tolist())
    scores = generator.uniform(0, 0.6, len(LABELS))
    scores[LABELS.index(label)] += generator.uniform(0, 0.4)
    said = LABELS[int(scores[:5].argmax())] if label in GRADE_LABELS else label
    score = float(scores[LABELS.index(said)])
    return PredictedBox(said, score, tuple(scores.tolist()), moved)


def _invented(generator: np.random.Generator) -> PredictedBox:
    x, y = generator.uniform(0, 150, 2).tolist()
    scores = generator.uniform(0, 0.5, len(LABELS))
    best = int(scores[:6].argmax())
    return PredictedBox(
        LABELS[best], float(scores[best]), tuple(scores.tolist()), (x, y, x + 40, y + 15)
    )
