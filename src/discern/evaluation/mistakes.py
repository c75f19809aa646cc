"""What went wrong, box by box, worst first: the paper's Figure 7 for every kind of error.

Boxes are matched as in the tables (IoU of at least 0.5, at the operating point), so every error
that a table counts is listed here once, grades off by one excepted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from discern import boxes as box_ops
from discern.annotations import Box, GroundTruth, TruthBox
from discern.decisions import OperatingPoint
from discern.evaluation.disc_identity import Disc, Place, disc_at, identify
from discern.evaluation.disc_records import DiscRecord, DiscRecords
from discern.evaluation.matching import (
    MIN_IOU,
    boxes_array,
    judged_labels,
    match,
    not_judged,
    one_grade_per_place,
    scores_array,
)
from discern.evaluation.outcomes import is_graded
from discern.evaluation.predictions import PredictedBox, Predictions, confident
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, Plane

_TOLERATED_GRADES = 1


class MistakeKind(Enum):
    """Kinds of error, in the order of the page."""

    GRADE = "Grade wrong by more than one"
    BULGING = "Bulging disc called herniated"
    FALSE_LESION = "Lesion that is not there"
    MISSED_LESION = "Missed lesion"
    MISSED_DISC = "Missed disc"
    FALSE_DISC = "Disc that is not there"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One error.

    Attributes:
        kind: What went wrong.
        image: Stem of the image.
        plane: Its plane.
        disc: Number of the disc within the patient, None where not known.
        truth: What the truth says there; None where it says nothing.
        answer: What was predicted there; None where nothing was.
        score: Of the answer; for a miss the best score below the threshold at that place, or None.
        wrongness: Larger is worse, among errors of one kind.
    """

    kind: MistakeKind
    image: str
    plane: Plane
    disc: int | None
    truth: TruthBox | None
    answer: PredictedBox | None
    score: float | None
    wrongness: float

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes that the error is about."""
        return tuple(one.box_xyxy_px for one in (self.truth, self.answer) if one is not None)


def find_mistakes(
    truths: Sequence[GroundTruth],
    predictions: Predictions,
    point: OperatingPoint,
    records: DiscRecords,
) -> tuple[Mistake, ...]:
    """Return every error, by kind, worst first.

    Grades: the further apart the worse, then the higher the score. False alarms: the higher the
    score the worse. Misses: the lower the best score that the place had, the worse.

    Args:
        truths: One for each image.
        predictions: Boxes of each image, down to low scores.
        point: Thresholds from which a box counts.
        records: What the reader said of each disc; tells which false alarm met a bulging disc.
    """
    kinds = list(MistakeKind)
    found = [
        mistake
        for truth, discs in zip(truths, identify(truths), strict=True)
        for mistake in _of_image(_scene(truth, discs, predictions[truth.image], point), records)
    ]
    return tuple(sorted(found, key=lambda m: (kinds.index(m.kind), -m.wrongness, m.image, m.boxes)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """One image: truth, where its discs are, all boxes, and those that count."""

    truth: GroundTruth
    places: tuple[Place, ...]
    boxes: Sequence[PredictedBox]
    counted: Sequence[PredictedBox]


def _scene(
    truth: GroundTruth,
    discs: Sequence[Disc | None],
    boxes: Sequence[PredictedBox],
    point: OperatingPoint,
) -> _Scene:
    places = tuple(
        Place(disc, box.box_xyxy_px)
        for disc, box in zip(discs, truth.boxes, strict=True)
        if disc is not None
    )
    return _Scene(truth, places, boxes, confident(boxes, point, truth.plane))


def _of_image(scene: _Scene, records: DiscRecords) -> Iterator[Mistake]:
    if is_graded(scene.truth):
        yield from _grade_mistakes(scene)
    for label in LESION_LABELS:
        if label in judged_labels(scene.truth):
            for mistake in _lesion_mistakes(scene, label):
                yield _named_bulging(mistake, scene.truth.patient, records)


def _grade_mistakes(scene: _Scene) -> Iterator[Mistake]:
    faint = [box for box in scene.boxes if box.label in GRADE_LABELS]
    discs = [box for box in scene.truth.boxes if box.label in GRADE_LABELS]
    for disc, answer in _pairs(scene.truth, discs, one_grade_per_place(scene.counted)):
        if disc is None and answer is not None:
            yield _false_alarm(MistakeKind.FALSE_DISC, scene, answer)
        elif disc is not None and answer is None:
            yield _miss(MistakeKind.MISSED_DISC, scene.truth, disc, faint)
        elif disc is not None and answer is not None:
            apart = abs(GRADE_LABELS.index(disc.label) - GRADE_LABELS.index(answer.label))
            if apart > _TOLERATED_GRADES:
                yield Mistake(
                    kind=MistakeKind.GRADE,
                    image=scene.truth.image,
                    plane=scene.truth.plane,
                    disc=disc.disc,
                    truth=disc,
                    answer=answer,
                    score=answer.score,
                    wrongness=apart + answer.score,
                )


def _lesion_mistakes(scene: _Scene, label: Label) -> Iterator[Mistake]:
    faint = [box for box in scene.boxes if box.label is label]
    answers = [box for box in scene.counted if box.label is label]
    lesions = [box for box in scene.truth.boxes if box.label is label]
    for lesion, answer in _pairs(scene.truth, lesions, answers):
        if lesion is None and answer is not None:
            yield _false_alarm(MistakeKind.FALSE_LESION, scene, answer)
        elif lesion is not None and answer is None:
            yield _miss(MistakeKind.MISSED_LESION, scene.truth, lesion, faint)


def _named_bulging(mistake: Mistake, patient: str, records: DiscRecords) -> Mistake:
    """Return a false herniation on a disc that only bulges as an error of its own kind."""
    answer, disc = mistake.answer, mistake.disc
    if answer is None or answer.label is not Label.HERNIATION or disc is None:
        return mistake
    record = records.get((patient, disc), DiscRecord())
    bulges_only = record.bulging is True and record.herniation is False
    return replace(mistake, kind=MistakeKind.BULGING) if bulges_only else mistake


def _pairs(
    truth: GroundTruth, drawn: Sequence[TruthBox], answers: Sequence[PredictedBox]
) -> Iterator[tuple[TruthBox | None, PredictedBox | None]]:
    """Match; yield pairs, then false alarms where somebody annotated, then misses."""
    predicted = boxes_array(answers)
    there = np.array([box.box_xyxy_px for box in drawn], dtype=np.float64).reshape(-1, 4)
    chosen = match(there, predicted, scores_array(answers)).tolist()
    excused = not_judged(truth, predicted).tolist()
    for i, answer in enumerate(answers):
        if chosen[i] >= 0:
            yield drawn[chosen[i]], answer
        elif not excused[i]:
            yield None, answer
    for i, box in enumerate(drawn):
        if i not in chosen:
            yield box, None


def _false_alarm(kind: MistakeKind, scene: _Scene, answer: PredictedBox) -> Mistake:
    disc = None
    if kind is MistakeKind.FALSE_LESION:
        disc = disc_at(scene.truth, answer.box_xyxy_px, scene.places)
    return Mistake(
        kind=kind,
        image=scene.truth.image,
        plane=scene.truth.plane,
        disc=disc.number if disc and disc.is_named else None,
        truth=None,
        answer=answer,
        score=answer.score,
        wrongness=answer.score,
    )


def _miss(
    kind: MistakeKind, truth: GroundTruth, missed: TruthBox, faint: Sequence[PredictedBox]
) -> Mistake:
    """Return a miss, with the best score of the ``faint`` boxes that would have met it."""
    overlap = box_ops.iou(boxes_array(faint), np.array([missed.box_xyxy_px]))[:, 0]
    scores = scores_array(faint)[overlap >= MIN_IOU]
    best = float(scores.max()) if scores.size else None
    return Mistake(
        kind=kind,
        image=truth.image,
        plane=truth.plane,
        disc=missed.disc,
        truth=missed,
        answer=None,
        score=best,
        wrongness=1 - (best or 0.0),
    )
