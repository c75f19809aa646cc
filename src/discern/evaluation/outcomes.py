"""What became of the discs of one image: one grade per place, matched blind to the grade."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.evaluation.agreement import BACKGROUND, GRADES, Counts
from discern.evaluation.matching import (
    Mask,
    boxes_array,
    judged_labels,
    match,
    not_judged,
    one_grade_per_place,
    scores_array,
)
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS


@dataclass(frozen=True, slots=True)
class MatchedDisc:
    """One truth disc that was found, as grade indices 0-4, with the class scores if given."""

    truth: int
    answer: int
    class_scores: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class GradeOutcome:
    """What became of the discs of one image; grades as indices 0-4."""

    matched: tuple[MatchedDisc, ...]
    missed: tuple[int, ...]
    false_alarms: tuple[int, ...]

    def confusion(self) -> Counts:
        """Return the (6, 6) full confusion matrix of this image."""
        counts = np.zeros((GRADES + 1, GRADES + 1), dtype=np.int64)
        for disc in self.matched:
            counts[disc.truth, disc.answer] += 1
        for grade in self.missed:
            counts[grade, BACKGROUND] += 1
        for grade in self.false_alarms:
            counts[BACKGROUND, grade] += 1
        return counts


def is_graded(truth: GroundTruth) -> bool:
    """Return whether grades are judged on this image: sagittal, all five annotated."""
    return judged_labels(truth) >= set(GRADE_LABELS)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One grade per place, and the truth disc that each of these N boxes meets.

    ``chosen`` (N,) counts the grade boxes of the truth in their order, -1 where a box meets none;
    ``excused`` (N,) marks boxes where nobody annotated.
    """

    boxes: tuple[PredictedBox, ...]
    chosen: NDArray[np.intp]
    excused: Mask

    @property
    def spurious(self) -> tuple[PredictedBox, ...]:
        """The boxes that meet no disc where they should."""
        return tuple(self.boxes[i] for i in np.flatnonzero((self.chosen < 0) & ~self.excused))


def meet_discs(truth: GroundTruth, boxes: Sequence[PredictedBox]) -> Meeting:
    """Match one grade per place to the truth discs of one image, blind to the grades."""
    answers = one_grade_per_place(boxes)
    predicted = boxes_array(answers)
    chosen = match(truth.boxes_of(GRADE_LABELS), predicted, scores_array(answers))
    return Meeting(tuple(answers), chosen, not_judged(truth, predicted))


def grade_outcome(truth: GroundTruth, boxes: Sequence[PredictedBox]) -> GradeOutcome:
    """Return what became of the discs of one image, one grade per place, blind to the grades."""
    met = meet_discs(truth, boxes)
    true_grades = [GRADE_LABELS.index(box.label) for box in truth.boxes if box.label.grade]
    found = dict(zip(met.chosen.tolist(), met.boxes, strict=True))
    matched = tuple(
        MatchedDisc(true_grades[disc], GRADE_LABELS.index(box.label), box.class_scores)
        for disc, box in found.items()
        if disc >= 0
    )
    return GradeOutcome(
        matched=matched,
        missed=tuple(grade for i, grade in enumerate(true_grades) if i not in found),
        false_alarms=tuple(GRADE_LABELS.index(box.label) for box in met.spurious),
    )
