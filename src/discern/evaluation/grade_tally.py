"""The outcomes of many slices, or of many discs, summed by patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.evaluation.agreement import GRADES, Counts, ratio
from discern.evaluation.outcomes import GradeOutcome


@dataclass(frozen=True, slots=True)
class GradeTally:
    """All outcomes, by patient.

    Attributes:
        confusion: (P, 6, 6) full confusion matrix of each patient.
        images: (P,) sagittal images annotated for grades.
        patient: (K,) index of the patient of each matched disc.
        truth: (K,) its true grade, as index 0-4.
        probabilities: (K, 5) its class scores for the grades, normalised to sum 1; None where any
            matched box came without.
    """

    confusion: Counts
    images: Counts
    patient: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64] | None


def tally_grades(outcomes: Sequence[tuple[int, GradeOutcome]], patients: int) -> GradeTally:
    """Sum the outcomes of graded images, each with the index of its patient."""
    confusion = np.zeros((patients, GRADES + 1, GRADES + 1), dtype=np.int64)
    for patient, outcome in outcomes:
        confusion[patient] += outcome.confusion()
    matched = [(patient, disc) for patient, outcome in outcomes for disc in outcome.matched]
    scores = [disc.class_scores for _, disc in matched if disc.class_scores is not None]
    return GradeTally(
        confusion=confusion,
        images=np.bincount([p for p, _ in outcomes], minlength=patients).astype(np.int64),
        patient=np.array([patient for patient, _ in matched], dtype=np.intp),
        truth=np.array([disc.truth for _, disc in matched], dtype=np.intp),
        probabilities=grade_shares(scores) if len(scores) == len(matched) else None,
    )


def grade_shares(class_scores: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return (K, 5) grade scores normalised to sum 1.

    >>> grade_shares([(0.2, 0.6, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0)])
    array([[0.25, 0.75, 0.  , 0.  , 0.  ],
           [0.2 , 0.2 , 0.2 , 0.2 , 0.2 ]])
    """
    scores = np.array([one[:GRADES] for one in class_scores], dtype=np.float64).reshape(-1, GRADES)
    shares = ratio(scores, scores.sum(axis=1, keepdims=True))
    return np.nan_to_num(shares, nan=1 / GRADES)
