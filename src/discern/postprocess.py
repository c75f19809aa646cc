"""Scores to verdicts: the boxes of a slice that count, and scores as probabilities.

The only thresholds, suppression and calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern import boxes as box_ops
from discern.boxes import BoxArray
from discern.decisions import ConformalGrades, OperatingPoint, logit, sigmoid
from discern.spine import GRADE_LABELS, LABELS, LESION_LABELS, Label, PfirrmannGrade, Plane

Scores = NDArray[np.float64]
_GRADES = slice(0, len(GRADE_LABELS))
_TINY = 1e-6
SUPPORT_SHARE = 0.5
"""Of the score that a lesion must reach: enough beside a sure box at the same place, on the next
sagittal slice or, for an axial one, in the sagittal plane."""


@dataclass(frozen=True, slots=True)
class PostprocessConfig:
    """Which boxes survive.

    The weaker of two boxes goes when their IoU is above ``max_overlap`` (grades: a disc has one)
    or ``max_lesion_overlap`` (of the same lesion: one place shows it once). ``lesions`` are those
    that are looked for: a head that was never trained for the plane says nothing.
    """

    grade_score: float = 0.25
    herniation_score: float = 0.25
    hiz_score: float = 0.25
    max_overlap: float = 0.5
    max_lesion_overlap: float = 0.1
    max_detections: int = 32
    lesions: tuple[Label, ...] = LESION_LABELS

    @classmethod
    def at(
        cls, point: OperatingPoint, plane: Plane, lesions: tuple[Label, ...] = LESION_LABELS
    ) -> "PostprocessConfig":
        """Return the thresholds of an operating point of the weights in ``plane``."""
        herniation, hiz = (point.min_score(label, plane) for label in LESION_LABELS)
        return cls(point.grade_score, herniation, hiz, lesions=lesions)

    def with_doubtful_lesions(self) -> "PostprocessConfig":
        """Return thresholds that lesions pass which another slice may yet support."""
        return replace(
            self,
            herniation_score=SUPPORT_SHARE * self.herniation_score,
            hiz_score=SUPPORT_SHARE * self.hiz_score,
        )

    def min_score(self, label: Label) -> float:
        """Return the threshold that ``label`` must reach."""
        return {Label.HERNIATION: self.herniation_score, Label.HIZ: self.hiz_score}.get(
            label, self.grade_score
        )


@dataclass(frozen=True, slots=True)
class SelectedBox:
    """One surviving box: xyxy px, its label and score, and all seven class scores."""

    label: Label
    score: float
    class_scores: tuple[float, ...]
    box_xyxy_px: tuple[float, float, float, float]


def with_score(box: SelectedBox, score: float) -> SelectedBox:
    """Return ``box`` with another score for its own label."""
    if score == box.score:
        return box
    own = list(box.class_scores)
    own[LABELS.index(box.label)] = score
    return replace(box, score=score, class_scores=tuple(own))


def suppress(boxes: BoxArray, scores: Scores, max_overlap: float) -> list[int]:
    """Return the indices of the boxes to keep, best first (greedy suppression).

    >>> two_on_one_disc = np.array([[0.0, 0.0, 9.0, 9.0], [0.0, 1.0, 9.0, 9.0]])
    >>> suppress(two_on_one_disc, np.array([0.6, 0.8]), max_overlap=0.5)
    [1]
    """
    kept: list[int] = []
    overlap = box_ops.iou(boxes, boxes)
    for candidate in np.argsort(-scores, kind="stable"):
        if not (overlap[candidate, kept] > max_overlap).any():
            kept.append(int(candidate))
    return kept


def select_boxes(
    boxes_xyxy_px: BoxArray, class_scores: Scores, config: PostprocessConfig
) -> list[SelectedBox]:
    """Return the boxes of one slice that count: grades best first, then each lesion best first.

    Grades compete for a place whatever their class (class-agnostic suppression); a lesion competes
    only with its own kind, because it lies on a disc that also has a grade.

    Args:
        boxes_xyxy_px: (N, 4) boxes.
        class_scores: (N, 7) scores in the order of ``LABELS``.
        config: Thresholds.
    """
    grades = class_scores[:, _GRADES]
    best = grades.max(axis=1, initial=0.0)
    kept = _survivors(boxes_xyxy_px, best, config.grade_score, config.max_overlap)
    chosen = [(i, GRADE_LABELS[int(grades[i].argmax())]) for i in kept[: config.max_detections]]
    for label in config.lesions:
        scores = class_scores[:, LABELS.index(label)]
        least, overlap = config.min_score(label), config.max_lesion_overlap
        kept = _survivors(boxes_xyxy_px, scores, least, overlap)
        chosen += [(i, label) for i in kept[: config.max_detections]]
    return [_selected(boxes_xyxy_px[i], class_scores[i], label) for i, label in chosen]


def grade_probabilities(grade_scores: Scores, temperature: float) -> Scores:
    """Return the probabilities (..., 5) of the five grades from their scores (..., 5).

    Temperature scaling (Guo et al. 2017): p_k = s_k^(1 / T) / sum s_j^(1 / T). Of a softmax this is
    the softmax of the logits divided by T; scores that do not add up to one are normalised.

    >>> grade_probabilities(np.array([0.5, 0.5, 0.0, 0.0, 0.0]), temperature=1.0).round(2)
    array([0.5, 0.5, 0. , 0. , 0. ])
    """
    softened = np.clip(grade_scores, _TINY, 1) ** (1 / temperature)
    probabilities: Scores = softened / softened.sum(axis=-1, keepdims=True)
    return probabilities


def with_second_opinion(box: SelectedBox, opinion: Scores, share: float) -> SelectedBox:
    """Return ``box`` of a disc with the grade scores of the detector and of a second network.

    Logarithmic pool (Genest, Zidek, Stat Sci 1:114, 1986): p_k = d_k^(1 - share) o_k^share, up to
    a factor, for shares d_k of the detector's scores and probabilities o_k (5,) of the second
    network. The factor leaves the best score as it was: whether there is a disc at all, only the
    detector says.

    >>> box = SelectedBox(Label.PFIRRMANN_3, 0.8, (0.0, 0.4, 0.8, 0.0, 0.0, 0.1, 0.0), (0, 0, 9, 5))
    >>> again = with_second_opinion(box, np.array([0.0, 0.9, 0.1, 0.0, 0.0]), share=0.5)
    >>> again.label, again.score, [round(score, 2) for score in again.class_scores]
    (<Label.PFIRRMANN_2: 'pfirrmann_2'>, 0.8, [0.0, 0.8, 0.38, 0.0, 0.0, 0.1, 0.0])
    """
    scores = np.array(box.class_scores)
    grades = grade_probabilities(scores[_GRADES], temperature=1.0)
    pooled = grades ** (1 - share) * np.clip(opinion, _TINY, 1) ** share
    best = int(pooled.argmax())
    scores[_GRADES] = pooled * (box.score / pooled[best])
    return SelectedBox(GRADE_LABELS[best], box.score, tuple(scores.tolist()), box.box_xyxy_px)


def conformal_sets(probabilities: Scores, rule: ConformalGrades) -> NDArray[np.bool_]:
    """Return which grades (..., 5) cannot be ruled out, given their probabilities (..., 5).

    >>> rule = ConformalGrades((0.1, 0.2, 0.3, 0.2, 0.1), widest=3)
    >>> conformal_sets(np.array([0.05, 0.25, 0.25, 0.4, 0.05]), rule).astype(int)
    array([0, 1, 1, 1, 0])
    """
    kept = probabilities >= np.array(rule.least_probability)
    kept |= probabilities == probabilities.max(axis=-1, keepdims=True)
    from_below = np.logical_or.accumulate(kept, axis=-1)
    from_above = np.logical_or.accumulate(kept[..., ::-1], axis=-1)[..., ::-1]
    return from_below & from_above


def conformal_grades(probabilities: Scores, rule: ConformalGrades) -> tuple[PfirrmannGrade, ...]:
    """Return the grades of one disc that cannot be ruled out, given the probabilities (5,)."""
    kept = conformal_sets(probabilities, rule)
    return tuple(grade for grade, is_kept in zip(PfirrmannGrade, kept, strict=True) if is_kept)


def join_probabilities(probabilities: Sequence[float], prevalences: Sequence[float]) -> float:
    """Return the probability given what several planes say, each alone.

    Naive Bayes: the planes are taken as independent given the disc, so the evidence of each,
    logit p - logit prior, adds to the logit of the prior, which is counted once. The prior is the
    prevalence of each plane's own calibration data; where they differ, the mean of their logits.
    Planes that share their errors make the joint probability too extreme.

    >>> round(join_probabilities([0.5, 0.5], [0.1, 0.1]), 3)
    0.9
    >>> round(join_probabilities([0.3], [0.1]), 3)
    0.3
    """
    own = [logit(prevalence) for prevalence in prevalences]
    evidence = sum(logit(p) - prior for p, prior in zip(probabilities, own, strict=True))
    return sigmoid(sum(own) / len(own) + evidence)


_CANDIDATES_BEFORE_SUPPRESSION = 1000  # bounds the (N, N) overlaps at very low thresholds


def _survivors(boxes: BoxArray, scores: Scores, min_score: float, max_overlap: float) -> list[int]:
    confident = np.flatnonzero(scores >= min_score)
    best = np.argsort(-scores[confident], kind="stable")[:_CANDIDATES_BEFORE_SUPPRESSION]
    confident = confident[best]
    kept = suppress(boxes[confident], scores[confident], max_overlap)
    return [int(confident[i]) for i in kept]


def _selected(box: NDArray[np.float64], scores: Scores, label: Label) -> SelectedBox:
    x1, y1, x2, y2 = box.tolist()
    score = float(scores[LABELS.index(label)])
    return SelectedBox(label, score, tuple(scores.tolist()), (x1, y1, x2, y2))
