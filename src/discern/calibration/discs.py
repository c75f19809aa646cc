"""Discs that patients' own folds never saw, as columns: what every fit and figure starts from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern.decisions import OperatingPoint
from discern.errors import DatasetError
from discern.evaluation.agreement import GRADES
from discern.evaluation.disc_answers import NamedImage, collect_answers
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.outcomes import GradeOutcome, MatchedDisc, grade_outcome, is_graded
from discern.evaluation.predictions import confident
from discern.spine import Label, Plane

Which = NDArray[np.bool_]
Index = NDArray[np.intp]
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradedDiscs:
    """K truth discs that were found, slice by slice.

    Attributes:
        patient: (K,) index of the patient.
        fold: (K,) index of the fold whose network had not seen the patient.
        truth: (K,) grade index 0-4.
        scores: (K, 5) scores of the grades.
    """

    patient: Index
    fold: Index
    truth: Index
    scores: Column

    def chosen(self, which: Which) -> "GradedDiscs":
        """Return some of the discs."""
        return GradedDiscs(
            self.patient[which], self.fold[which], self.truth[which], self.scores[which]
        )


@dataclass(frozen=True, slots=True)
class LesionDiscs:
    """K judged discs of one lesion in one plane.

    Attributes:
        label: The lesion.
        plane: The plane.
        patient: (K,) index of the patient.
        fold: (K,) index of the fold whose network had not seen the patient.
        positive: (K,) whether the disc shows the lesion.
        bulging: (K,) whether it bulges and does not show it.
        score: (K,) best score on the disc, ``disc_answers.NO_BOX`` without a box.
    """

    label: Label
    plane: Plane
    patient: Index
    fold: Index
    positive: Which
    bulging: Which
    score: Column

    def chosen(self, which: Which) -> "LesionDiscs":
        """Return some of the discs."""
        return replace(
            self,
            patient=self.patient[which],
            fold=self.fold[which],
            positive=self.positive[which],
            bulging=self.bulging[which],
            score=self.score[which],
        )


def fold_of_patients(names: Sequence[str], tested: Iterable[Sequence[str]]) -> Index:
    """Return (P,) the fold that tests each patient; ``tested`` lists the patients of each fold.

    >>> fold_of_patients(["a", "b", "c"], [("c", "a"), ("b",)])
    array([0, 1, 0])
    """
    fold = {name: index for index, one in enumerate(tested) for name in one}
    return np.array([fold[name] for name in names], dtype=np.intp)


def grade_columns(matched: Sequence[MatchedDisc]) -> tuple[Column, Index]:
    """Return scores (M, 5) and true grade index (M,) of discs that were found.

    Raises:
        DatasetError: A box carries no class scores.
    """
    if any(disc.class_scores is None for disc in matched):
        raise DatasetError(
            "the predictions carry no class_scores for a grade; without them there is nothing to "
            "calibrate: predict with discern train --folds"
        )
    scores = [(disc.class_scores or ())[:GRADES] for disc in matched]
    truth = np.array([disc.truth for disc in matched], dtype=np.intp)
    return np.array(scores, dtype=np.float64).reshape(-1, GRADES), truth


def graded_discs(
    images: Sequence[AnsweredImage], folds: Index, point: OperatingPoint
) -> GradedDiscs:
    """Return every truth disc that a box of ``point`` meets; ``folds`` is (P,) by patient.

    Raises:
        DatasetError: A box carries no class scores.
    """
    graded = [one for one in images if is_graded(one.truth)]
    outcomes = [_outcome(one, point) for one in graded]
    matched = [disc for outcome in outcomes for disc in outcome.matched]
    found = [len(outcome.matched) for outcome in outcomes]
    patient = np.repeat(np.array([one.patient for one in graded], dtype=np.intp), found)
    scores, truth = grade_columns(matched)
    return GradedDiscs(patient, folds[patient], truth, scores)


def _outcome(image: AnsweredImage, point: OperatingPoint) -> GradeOutcome:
    return grade_outcome(image.truth, confident(image.boxes, point, image.truth.plane))


def lesion_discs(
    images: Sequence[NamedImage],
    folds: Index,
    records: DiscRecords,
    lesion: tuple[Label, Plane],
) -> LesionDiscs:
    """Return every disc on which the lesion is judged in the plane; none where nobody did."""
    discs = collect_answers(images, *lesion, records).discs
    patient = np.array([disc.patient for disc in discs], dtype=np.intp)
    positive = np.array([disc.is_positive for disc in discs], dtype=np.bool_)
    return LesionDiscs(
        *lesion,
        patient=patient,
        fold=folds[patient],
        positive=positive,
        bulging=np.array([bool(disc.bulges) for disc in discs], dtype=np.bool_) & ~positive,
        score=np.array([disc.score for disc in discs], dtype=np.float64),
    )


def by_fold(folds: Index) -> Mapping[int, Which]:
    """Return which of the discs belong to each fold."""
    return {int(fold): folds == fold for fold in np.unique(folds)}
