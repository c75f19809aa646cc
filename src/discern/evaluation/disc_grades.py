"""One grade per disc from all slices that show it.

The paper annotates the middle slice and its two neighbours (2.3); here every slice of the data set
counts on which the disc is annotated.

- The answer is the grade with the largest mean of the class-score vectors of the boxes that meet
  the disc, each normalised to sum 1 over the grades first. A box without class scores votes for
  its own grade.
- The truth is the annotated grade; where the slices of a disc differ, their median (the lower of
  two middle ones).
- A disc that no box meets on any slice is missed. Boxes that meet no disc are one spurious disc
  where they lie on the same place of several slices (see ``disc_identity``).
"""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from discern.annotations import GroundTruth, TruthBox
from discern.decisions import OperatingPoint
from discern.evaluation.agreement import GRADES
from discern.evaluation.disc_answers import NamedImage
from discern.evaluation.disc_identity import Disc, identify
from discern.evaluation.grade_tally import grade_shares
from discern.evaluation.outcomes import GradeOutcome, MatchedDisc, is_graded, meet_discs
from discern.evaluation.predictions import PredictedBox, confident
from discern.spine import GRADE_LABELS


@dataclass(frozen=True, slots=True)
class GradedDiscs:
    """One outcome for each patient with graded images, and what they were made of.

    Attributes:
        outcomes: Index of the patient and what became of its discs.
        discs: Discs in the truth.
        slices: Grade boxes of these discs.
        mixed_truth: Discs whose boxes carry different grades.
    """

    outcomes: list[tuple[int, GradeOutcome]]
    discs: int
    slices: int
    mixed_truth: int


def grade_discs(images: Sequence[NamedImage], point: OperatingPoint) -> GradedDiscs:
    """Return what became of every disc.

    Args:
        images: Every image, with all of its boxes.
        point: Boxes below its thresholds do not count.
    """
    graded = [one for one in images if is_graded(one.image.truth)]
    truth: dict[Disc, list[int]] = defaultdict(list)
    met: dict[Disc, list[PredictedBox]] = defaultdict(list)
    spurious: list[tuple[GroundTruth, tuple[PredictedBox, ...]]] = []
    for one in graded:
        boxes = confident(one.image.boxes, point, one.image.truth.plane)
        meeting = meet_discs(one.image.truth, boxes)
        discs = _graded_of(one)
        for disc, grade in discs:
            truth[disc].append(grade)
        for box, chosen in zip(meeting.boxes, meeting.chosen.tolist(), strict=True):
            if chosen >= 0:
                met[discs[chosen][0]].append(box)
        spurious.append((one.image.truth, meeting.spurious))
    patient = {one.image.truth.patient: one.image.patient for one in graded}
    invented = _spurious_grades(spurious)
    outcomes = {
        name: _outcome({d: g for d, g in truth.items() if d.patient == name}, met, invented[name])
        for name in sorted(patient)
    }
    return GradedDiscs(
        outcomes=[(patient[name], outcome) for name, outcome in outcomes.items()],
        discs=len(truth),
        slices=sum(map(len, truth.values())),
        mixed_truth=sum(len(set(grades)) > 1 for grades in truth.values()),
    )


def _graded_of(one: NamedImage) -> list[tuple[Disc, int]]:
    """Return disc and grade index of the grade boxes, in the order of the truth."""
    pairs = zip(one.discs, one.image.truth.boxes, strict=True)
    return [
        (disc, GRADE_LABELS.index(box.label))
        for disc, box in pairs
        if disc is not None and box.label in GRADE_LABELS
    ]


def _outcome(
    truth: Mapping[Disc, Sequence[int]],
    met: Mapping[Disc, Sequence[PredictedBox]],
    false_alarms: Sequence[int],
) -> GradeOutcome:
    """Return what became of the discs of one patient."""
    agreed = {disc: statistics.median_low(grades) for disc, grades in truth.items()}
    return GradeOutcome(
        matched=tuple(
            _matched(grade, met[disc]) for disc, grade in sorted(agreed.items()) if disc in met
        ),
        missed=tuple(grade for disc, grade in sorted(agreed.items()) if disc not in met),
        false_alarms=tuple(false_alarms),
    )


def _matched(truth: int, boxes: Sequence[PredictedBox]) -> MatchedDisc:
    has_scores = all(box.class_scores is not None for box in boxes)
    mean = _mean_shares(boxes)
    return MatchedDisc(truth, int(np.argmax(mean)), mean if has_scores else None)


def _mean_shares(boxes: Sequence[PredictedBox]) -> tuple[float, ...]:
    """Return the mean of the normalised five-vectors of ``boxes``."""
    votes = np.eye(GRADES)[[GRADE_LABELS.index(box.label) for box in boxes]]  # (N, 5)
    scores = [
        tuple(vote) if box.class_scores is None else box.class_scores
        for vote, box in zip(votes.tolist(), boxes, strict=True)
    ]
    return tuple(grade_shares(scores).mean(axis=0).tolist())


def _spurious_grades(
    spurious: Sequence[tuple[GroundTruth, Sequence[PredictedBox]]],
) -> Mapping[str, list[int]]:
    """Return the grades of the spurious discs of each patient."""
    drawn = [
        replace(truth, boxes=tuple(TruthBox(box.label, box.box_xyxy_px) for box in boxes))
        for truth, boxes in spurious
    ]
    members: dict[Disc, list[PredictedBox]] = defaultdict(list)
    for (_, boxes), discs in zip(spurious, identify(drawn), strict=True):
        for box, disc in zip(boxes, discs, strict=True):
            if disc is not None:
                members[disc].append(box)
    grades: dict[str, list[int]] = defaultdict(list)
    for disc, boxes in members.items():
        grades[disc.patient].append(int(np.argmax(_mean_shares(boxes))))
    return grades
