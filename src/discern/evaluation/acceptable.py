"""Clinically acceptable slices, judged by rule (paper 2.6 had a surgeon judge them).

A slice is acceptable when every graded disc is found with a grade at most one from the truth, and
no disc or lesion is missed or spurious. Only labels annotated on the slice are judged, and boxes
in ignore regions or above the topmost annotated disc are neither right nor wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.evaluation.agreement import Counts, ratio
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.lesions import lesion_outcome
from discern.evaluation.matching import AnsweredImage, Criterion, judged_labels
from discern.evaluation.outcomes import GradeOutcome, grade_outcome, is_graded
from discern.evaluation.predictions import PredictedBox
from discern.spine import LESION_LABELS, Plane

MOST_GRADES_APART = 1


class Fault(StrEnum):
    """Why a slice is not acceptable."""

    GRADE = "a grade off by more than one"
    DISC_MISSED = "a disc missed"
    DISC_SPURIOUS = "a spurious disc"
    LESION_MISSED = "a lesion missed"
    LESION_SPURIOUS = "a spurious lesion"


@dataclass(frozen=True, slots=True)
class AcceptableMetrics:
    """Share of acceptable slices among all annotated slices of one plane.

    ``share`` lets a lesion box count as right at an IoU of 0.5; ``share_center_inside`` when its
    centre lies inside the truth box. ``images`` is the denominator; ``faults`` counts the slices
    with each fault at an IoU of 0.5 (one slice may have several).
    """

    share: Figure
    share_center_inside: Figure
    images: int
    faults: Mapping[Fault, int]


def acceptable_metrics(
    images: Sequence[AnsweredImage], plane: Plane, draws: Draws
) -> AcceptableMetrics:
    """Return the share of acceptable slices among those of ``plane`` annotated for anything.

    Args:
        images: Every image, with the boxes that reach their threshold.
        plane: The plane.
        draws: (B, P) how often each patient counts.
    """
    judged = [one for one in images if one.truth.plane is plane and judged_labels(one.truth)]
    absent = f"no {plane} image is annotated"
    faults = {
        criterion: [slice_faults(one.truth, one.boxes, criterion) for one in judged]
        for criterion in Criterion
    }
    owner = np.array([one.patient for one in judged], dtype=np.intp)
    every = _by_patient(owner, draws)
    accepted = {
        criterion: _by_patient(owner[[not one for one in found]], draws)
        for criterion, found in faults.items()
    }
    return AcceptableMetrics(
        share=figure(ratio(accepted[Criterion.IOU], every), absent),
        share_center_inside=figure(ratio(accepted[Criterion.CENTER_INSIDE], every), absent),
        images=len(judged),
        faults={fault: sum(fault in one for one in faults[Criterion.IOU]) for fault in Fault},
    )


def slice_faults(
    truth: GroundTruth, boxes: Sequence[PredictedBox], criterion: Criterion = Criterion.IOU
) -> frozenset[Fault]:
    """Return what is wrong on one slice; nothing makes it acceptable.

    Args:
        truth: Of the slice.
        boxes: Those that reach their threshold.
        criterion: When a lesion box counts as right.
    """
    faults = set[Fault]()
    for label in judged_labels(truth).intersection(LESION_LABELS):
        _, false_alarms, misses = lesion_outcome(truth, boxes, label, criterion)
        faults |= {Fault.LESION_SPURIOUS} if false_alarms else set()
        faults |= {Fault.LESION_MISSED} if misses else set()
    if is_graded(truth):
        faults |= _grade_faults(grade_outcome(truth, boxes))
    return frozenset(faults)


def _grade_faults(discs: GradeOutcome) -> set[Fault]:
    far = any(abs(disc.truth - disc.answer) > MOST_GRADES_APART for disc in discs.matched)
    found = {
        Fault.GRADE: far,
        Fault.DISC_MISSED: bool(discs.missed),
        Fault.DISC_SPURIOUS: bool(discs.false_alarms),
    }
    return {fault for fault, is_there in found.items() if is_there}


def _by_patient(owner: NDArray[np.intp], draws: Draws) -> Counts:
    """Return (B,) how many of the slices with these owners each resample holds."""
    counts: Counts = draws @ np.bincount(owner, minlength=draws.shape[1])
    return counts
