"""Herniation and high-intensity zone slice by slice: hits, false alarms and misses of one label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.agreement import Counts, f1, ratio
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.froc import FrocCurve, froc_curve
from discern.evaluation.matching import (
    AnsweredImage,
    Criterion,
    boxes_array,
    judged_labels,
    match,
    not_judged,
    scores_array,
)
from discern.evaluation.predictions import PredictedBox
from discern.spine import Label, Plane

Outcome = tuple[int, int, int]
"""Hits, false alarms and misses on one image."""


@dataclass(frozen=True, slots=True)
class LesionScores:
    """Precision, recall and F1 under one matching criterion."""

    precision: Figure
    recall: Figure
    f1: Figure


@dataclass(frozen=True, slots=True)
class LesionMetrics:
    """One lesion in one plane.

    ``at_iou`` asks for an IoU of 0.5; ``center_inside`` for the centre of the predicted box inside
    the truth box, because a zone of a few pixels cannot be judged at 0.5. ``froc`` follows every
    threshold at an IoU of 0.5, ``froc_center_inside`` by the centre; both are None without truth.
    ``support`` counts the truth boxes and ``images`` the images annotated for the lesion.
    """

    at_iou: LesionScores
    center_inside: LesionScores
    froc: FrocCurve | None
    froc_center_inside: FrocCurve | None
    support: int
    images: int


def lesion_metrics(
    images: Sequence[AnsweredImage],
    label: Label,
    plane: Plane,
    draws: Draws,
    *,
    min_score: float = 0.0,
) -> LesionMetrics:
    """Return the figures of ``label`` over the images of ``plane`` annotated for it.

    Args:
        images: Every image, with all of its boxes.
        label: The lesion.
        plane: The plane.
        draws: (B, P) how often each patient counts.
        min_score: Threshold of precision, recall and F1.
    """
    judged = judged_images(images, label, plane)
    confident = [_confident(image, min_score) for image in judged]
    tallies = {criterion: _tally(confident, label, criterion, draws) for criterion in Criterion}
    hits, _, misses = tallies[Criterion.IOU][0].tolist()
    criteria = Criterion if hits + misses else ()
    curves = {criterion: froc_curve(judged, label, criterion, draws) for criterion in criteria}
    if not judged:
        reason = f"no {plane} image is annotated for {label}"
    else:
        reason = f"no {label} in the truth of the {plane} images"
    return LesionMetrics(
        at_iou=_scores(tallies[Criterion.IOU], label, reason),
        center_inside=_scores(tallies[Criterion.CENTER_INSIDE], label, reason),
        froc=curves.get(Criterion.IOU),
        froc_center_inside=curves.get(Criterion.CENTER_INSIDE),
        support=hits + misses,
        images=len(judged),
    )


def judged_images(
    images: Sequence[AnsweredImage], label: Label, plane: Plane
) -> list[AnsweredImage]:
    """Return the images of ``plane`` annotated for ``label``."""
    return [
        image
        for image in images
        if image.truth.plane is plane and label in judged_labels(image.truth)
    ]


def lesion_outcome(
    truth: GroundTruth, boxes: Sequence[PredictedBox], label: Label, criterion: Criterion
) -> Outcome:
    """Match the boxes of ``label`` on one image to its truth boxes of that label."""
    answers = [box for box in boxes if box.label is label]
    predicted = boxes_array(answers)
    lesions = truth.boxes_of((label,))
    chosen = match(lesions, predicted, scores_array(answers), criterion)
    hits = int((chosen >= 0).sum())
    false_alarms = int(((chosen < 0) & ~not_judged(truth, predicted)).sum())
    return hits, false_alarms, len(lesions) - hits


def _confident(image: AnsweredImage, min_score: float) -> AnsweredImage:
    return replace(image, boxes=tuple(box for box in image.boxes if box.score >= min_score))


def _tally(
    judged: Sequence[AnsweredImage], label: Label, criterion: Criterion, draws: Draws
) -> Counts:
    """Return (B, 3) hits, false alarms and misses of the sample and of every resample."""
    counts = np.zeros((draws.shape[1], 3), dtype=np.int64)
    for image in judged:
        counts[image.patient] += lesion_outcome(image.truth, image.boxes, label, criterion)
    return draws @ counts


def _scores(tally: Counts, label: Label, absent: str) -> LesionScores:
    hits, false_alarms, misses = tally.T
    present = hits[0] + misses[0] > 0
    precision = ratio(hits, hits + false_alarms)
    return LesionScores(
        precision=figure(
            precision if present else precision * np.nan,
            f"no {label} was predicted" if present else absent,
        ),
        recall=figure(ratio(hits, hits + misses), absent),
        f1=figure(f1(hits, false_alarms, misses), absent),
    )
