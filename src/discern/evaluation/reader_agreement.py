"""Agreement on the Pfirrmann grade of any two who read the same images: readers, model, truth.

Discs are matched blind to the grade, and agreement is over the discs that both boxed. Only places
that the truth judges count: not above its topmost disc, not in its ignore regions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from discern import boxes as box_ops
from discern.annotations import GroundTruth, TruthBox
from discern.evaluation import agreement
from discern.evaluation.agreement import GRADES, Counts, KappaWeight, ratio
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.grading import NO_MATCH, NO_SPREAD
from discern.evaluation.matching import MIN_IOU, boxes_array, not_judged, one_grade_per_place
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import PredictedBox, Predictions
from discern.evaluation.significance import bootstrap_p
from discern.spine import GRADE_LABELS

_NO_BOX = "neither boxed a disc"


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How two agree on the grades.

    Attributes:
        kappa_linear: Over the discs that both boxed, as are the next three.
        kappa_quadratic: The same with quadratic weights.
        kappa_linear_p: Two-sided, for the hypothesis that the kappa is zero.
        exact: Share with the same grade.
        within_one: Share at most one grade apart.
        shared: Share of the discs boxed by both among those boxed by either.
        discs: How many both boxed.
        grades: (5, 5) counts, grades of the first in rows.
    """

    kappa_linear: Figure
    kappa_quadratic: Figure
    kappa_linear_p: float | None
    exact: Figure
    within_one: Figure
    shared: Figure
    discs: int
    grades: tuple[tuple[int, ...], ...]


def pairwise_agreement(
    truths: Sequence[GroundTruth], readings: Mapping[str, Predictions], draws: Draws
) -> Mapping[tuple[str, str], PairAgreement]:
    """Return the agreement of every two readings, the earlier one first.

    Args:
        truths: One for each image; says where grades are judged.
        readings: By name, for all images; boxes that reach their threshold.
        draws: (B, P) how often each patient counts, patients sorted by name.
    """
    return {
        (first, second): _agreement(truths, (readings[first], readings[second]), draws)
        for first, second in combinations(readings, 2)
    }


def as_reading(truths: Sequence[GroundTruth]) -> Predictions:
    """Return the truth as if a reader had drawn it."""
    return {
        truth.image: tuple(PredictedBox(b.label, 1.0, None, b.box_xyxy_px) for b in truth.boxes)
        for truth in truths
    }


def _agreement(
    truths: Sequence[GroundTruth], readings: tuple[Predictions, Predictions], draws: Draws
) -> PairAgreement:
    patients = {name: row for row, name in enumerate(sorted({t.patient for t in truths}))}
    counts = np.zeros((len(patients), GRADES, GRADES), dtype=np.int64)
    either = np.zeros(len(patients), dtype=np.int64)
    for truth in filter(is_graded, truths):
        first, second = (_judged(truth, reading[truth.image]) for reading in readings)
        both = _grades_of_both(truth, first, second)
        counts[patients[truth.patient]] += both
        either[patients[truth.patient]] += len(first) + len(second) - both.sum()
    pairs = np.tensordot(draws, counts, axes=1)  # (B, 5, 5)
    linear, quadratic = (agreement.kappa(pairs, weight) for weight in KappaWeight)
    no_kappa = NO_SPREAD if pairs[0].any() else NO_MATCH
    return PairAgreement(
        kappa_linear=figure(linear, no_kappa),
        kappa_quadratic=figure(quadratic, no_kappa),
        kappa_linear_p=bootstrap_p(linear),
        exact=figure(agreement.within(pairs, 0), NO_MATCH),
        within_one=figure(agreement.within(pairs, 1), NO_MATCH),
        shared=figure(ratio(pairs.sum(axis=(1, 2)), draws @ either), _NO_BOX),
        discs=int(pairs[0].sum()),
        grades=tuple(map(tuple, pairs[0].tolist())),
    )


def _judged(truth: GroundTruth, boxes: Sequence[PredictedBox]) -> list[PredictedBox]:
    """Return one grade per place: boxes that meet a truth disc, or lie where discs are judged."""
    answers = one_grade_per_place(boxes)
    drawn = boxes_array(answers)
    meets = (box_ops.iou(drawn, truth.boxes_of(GRADE_LABELS)) >= MIN_IOU).any(axis=1)
    return [answers[i] for i in np.flatnonzero(meets | ~not_judged(truth, drawn))]


def _grades_of_both(
    truth: GroundTruth, first: Sequence[PredictedBox], second: Sequence[PredictedBox]
) -> Counts:
    """Return the (5, 5) grades of the discs that both boxed on one image."""
    drawn = tuple(TruthBox(box.label, box.box_xyxy_px) for box in first)
    outcome = grade_outcome(replace(truth, boxes=drawn), second)
    return agreement.paired(outcome.confusion())
