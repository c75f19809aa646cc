"""The headline figures of one set of predictions, as functions of counts summed over patients.

One row of counts per patient holds everything the figures need, so that resampling, swapping and
restricting patients are sums of rows. Behind the (6, 6) confusion of the grades lie hits, false
alarms and misses of each lesion, and acceptable and all images of each plane.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.evaluation import agreement
from discern.evaluation.acceptable import slice_faults
from discern.evaluation.agreement import GRADES, Counts, KappaWeight, Statistic, ratio
from discern.evaluation.disc_wise import PLANES
from discern.evaluation.grading import NO_DISCS, NO_MATCH
from discern.evaluation.lesions import lesion_outcome
from discern.evaluation.matching import Criterion, judged_labels
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    confident,
    require_same_images,
)
from discern.evaluation.published import lesion_name
from discern.spine import LESION_LABELS, Label, Plane

_GRADE_CELLS = (GRADES + 1) ** 2
_LESIONS = tuple(
    (label, plane, c) for label in LESION_LABELS for plane in PLANES for c in Criterion
)
_OUTCOMES = 3  # hits, false alarms, misses
_ACCEPTABLE = _GRADE_CELLS + _OUTCOMES * len(_LESIONS)  # from here: acceptable, all, by plane
COLUMNS = _ACCEPTABLE + 2 * len(PLANES)
_CRITERION_NAMES = {Criterion.IOU: "IoU 0.5", Criterion.CENTER_INSIDE: "centre inside"}
_CRITERION_KEYS = {Criterion.IOU: "", Criterion.CENTER_INSIDE: "_center_inside"}
_NO_SPREAD = f"{NO_MATCH}, or truth and answer are one and the same grade throughout"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of every patient.

    Attributes:
        patients: Names, sorted.
        counts: (P, COLUMNS) sums over the images of each patient.
        images: How many there are.
    """

    patients: tuple[str, ...]
    counts: Counts
    images: int


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure: ``statistic`` maps (B, COLUMNS) sums, the sample in row 0, to (B,) values.

    ``absent`` is the reason to give where the sample has no value.
    """

    title: str
    statistic: Callable[[Counts], Statistic]
    absent: str


def tally(truths: Sequence[GroundTruth], predictions: Predictions, point: OperatingPoint) -> Tally:
    """Match every image and return the counts of the patients.

    Raises:
        DatasetError: The predictions are not for exactly the images of ``truths``.
    """
    require_same_images(predictions, [truth.image for truth in truths])
    names = sorted({truth.patient for truth in truths})
    rows = {name: row for row, name in enumerate(names)}
    counts = np.zeros((len(names), COLUMNS), dtype=np.int64)
    for truth in truths:
        boxes = confident(predictions[truth.image], point, truth.plane)
        counts[rows[truth.patient]] += image_counts(truth, boxes)
    return Tally(tuple(names), counts, len(truths))


def image_counts(truth: GroundTruth, boxes: Sequence[PredictedBox]) -> Counts:
    """Return the (COLUMNS,) counts of one image, of ``boxes`` that reach their threshold."""
    confusion = np.zeros((GRADES + 1, GRADES + 1), dtype=np.int64)
    if is_graded(truth):
        confusion = grade_outcome(truth, boxes).confusion()
    judged = judged_labels(truth)
    lesions = [
        lesion_outcome(truth, boxes, label, criterion)
        if plane is truth.plane and label in judged
        else (0, 0, 0)
        for label, plane, criterion in _LESIONS
    ]
    slices = [
        (int(not slice_faults(truth, boxes)), 1) if plane is truth.plane and judged else (0, 0)
        for plane in PLANES
    ]
    return np.concatenate([np.array(part).ravel() for part in (confusion, lesions, slices)])


def grade_confusion(counts: Counts) -> Counts:
    """Return the (..., 6, 6) full confusion matrix in (..., COLUMNS) counts."""
    return counts[..., :_GRADE_CELLS].reshape(*counts.shape[:-1], GRADES + 1, GRADES + 1)


def _lesion(counts: Counts, which: tuple[Label, Plane, Criterion]) -> tuple[Counts, Counts, Counts]:
    """Return hits, false alarms and misses."""
    start = _GRADE_CELLS + _OUTCOMES * _LESIONS.index(which)
    return counts[..., start], counts[..., start + 1], counts[..., start + 2]


def _of_all(counts: Counts, grades_apart: int) -> Statistic:
    return agreement.within(grade_confusion(counts), grades_apart)


def _of_found(counts: Counts, grades_apart: int) -> Statistic:
    return agreement.within(agreement.paired(grade_confusion(counts)), grades_apart)


def _kappa(counts: Counts, weight: KappaWeight) -> Statistic:
    return agreement.kappa(agreement.paired(grade_confusion(counts)), weight)


def _macro_f1(counts: Counts) -> Statistic:
    full = grade_confusion(counts)
    return agreement.mean_over_grades(agreement.grade_f1(full), full)


def _disc_recall(counts: Counts) -> Statistic:
    return agreement.disc_recall(grade_confusion(counts))


def _lesion_precision(counts: Counts, which: tuple[Label, Plane, Criterion]) -> Statistic:
    hits, false_alarms, misses = _lesion(counts, which)
    precision = ratio(hits, hits + false_alarms)
    return precision if hits[0] + misses[0] else precision * np.nan


def _lesion_recall(counts: Counts, which: tuple[Label, Plane, Criterion]) -> Statistic:
    hits, _, misses = _lesion(counts, which)
    return ratio(hits, hits + misses)


def _lesion_f1(counts: Counts, which: tuple[Label, Plane, Criterion]) -> Statistic:
    return agreement.f1(*_lesion(counts, which))


def _acceptable(counts: Counts, plane: Plane) -> Statistic:
    start = _ACCEPTABLE + 2 * PLANES.index(plane)
    return ratio(counts[..., start], counts[..., start + 1])


def _lesion_headlines() -> dict[str, Headline]:
    kinds = {"precision": _lesion_precision, "recall": _lesion_recall, "f1": _lesion_f1}
    headlines = {}
    for label, plane, criterion in _LESIONS:
        absent = f"no {label} in the truth of the {plane} images"
        silent = f"{absent}, or none was predicted"
        where = f"{lesion_name(label, plane)}, {_CRITERION_NAMES[criterion]}"
        for kind, statistic in kinds.items():
            key = f"{label}_{plane}{_CRITERION_KEYS[criterion]}_{kind}"
            named = partial(statistic, which=(label, plane, criterion))
            title = f"{where}, {kind.upper() if kind == 'f1' else kind}"
            headlines[key] = Headline(title, named, silent if kind == "precision" else absent)
    return headlines


HEADLINES: Mapping[str, Headline] = {
    "exact_all": Headline("Same grade, of all discs", partial(_of_all, grades_apart=0), NO_DISCS),
    "exact": Headline("Same grade, of discs found", partial(_of_found, grades_apart=0), NO_MATCH),
    "within_one": Headline(
        "Within one grade, of discs found", partial(_of_found, grades_apart=1), NO_MATCH
    ),
    "kappa_linear": Headline(
        "Kappa, linear weights", partial(_kappa, weight=KappaWeight.LINEAR), _NO_SPREAD
    ),
    "kappa_quadratic": Headline(
        "Kappa, quadratic weights", partial(_kappa, weight=KappaWeight.QUADRATIC), _NO_SPREAD
    ),
    "macro_f1": Headline("F1, mean over grades", _macro_f1, NO_DISCS),
    "disc_recall": Headline("Discs found", _disc_recall, NO_DISCS),
    **_lesion_headlines(),
    **{
        f"acceptable_{plane}": Headline(
            f"Acceptable slices ({plane})",
            partial(_acceptable, plane=plane),
            f"no {plane} image is annotated",
        )
        for plane in PLANES
    },
}
"""Every headline figure by its key, the same key as in ``metrics.json`` where it is there too."""
