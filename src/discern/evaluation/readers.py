"""Readers and a model on the same images: against the truth, among each other, and paired.

Paper 2.6 and 3.2: a postgraduate student, an attending clinician and the model were each compared
with the truth by the linearly weighted kappa.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.bootstrap import Figure, draw_patients
from discern.evaluation.comparison import Comparison, ComparisonOptions, compare
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.paired_test import holm
from discern.evaluation.predictions import Predictions, confident
from discern.evaluation.reader_agreement import PairAgreement, as_reading, pairwise_agreement
from discern.spine import LESION_LABELS, Label

TRUTH, MODEL = "truth", "model"
KAPPA = "kappa_linear"
NO_SCORES = "a reader gives no scores"


@dataclass(frozen=True, slots=True)
class Images:
    """What was read: the truth of every image, and what is known of it.

    Attributes:
        truths: One for each image.
        digest: SHA-256 of the data set.
        records: What its table of discs says.
    """

    truths: Sequence[GroundTruth]
    digest: str = ""
    records: DiscRecords | None = None


@dataclass(frozen=True, slots=True)
class KappaDifference:
    """The linearly weighted kappa of one side minus that of the reference.

    ``p_holm`` is corrected for the number of pairs. ``is_not_inferior`` says whether the lower end
    of the interval is above minus the margin; None without a margin or an interval.
    """

    difference: Figure
    p: float | None
    p_holm: float | None
    is_not_inferior: bool | None


@dataclass(frozen=True, slots=True)
class ReaderStudy:
    """All figures.

    Attributes:
        options: Resamples, permutations, seed, thresholds of the model.
        metrics: Against the truth, by name: the model, if any, then the readers in their order.
        agreement: Of every two of truth, model and readers on the grade.
        comparisons: (reference, other): the model against each reader; without a model, each
            reader against every earlier one.
        differences: Of the linear kappas, by the same pairs.
        silent: Reader -> lesions in the truth of which they drew none at all.
        margin: By how much a kappa may be lower and still not count as inferior, if stated.
    """

    options: ComparisonOptions
    metrics: Mapping[str, Metrics]
    agreement: Mapping[tuple[str, str], PairAgreement]
    comparisons: Mapping[tuple[str, str], Comparison]
    differences: Mapping[tuple[str, str], KappaDifference]
    silent: Mapping[str, tuple[Label, ...]]
    margin: float | None


def study_readers(
    images: Images,
    readers: Mapping[str, Predictions],
    model: Predictions | None,
    options: ComparisonOptions,
    margin: float | None = None,
) -> ReaderStudy:
    """Return every figure of the readers, and of the model if there is one.

    Args:
        images: What was read.
        readers: Their boxes on these images, by name.
        model: Its boxes on these images, down to low scores.
        options: Resamples, permutations, seed, thresholds of the model.
        margin: Of non-inferiority in the linearly weighted kappa, chosen beforehand.

    Raises:
        DatasetError: Someone's boxes are not for exactly these images.
    """
    truths = images.truths
    readings = dict(readers) if model is None else {MODEL: model} | dict(readers)
    pairs = [(name, MODEL) for name in readers] if model is not None else combinations(readers, 2)
    comparisons = {
        (reference, other): compare(truths, readings[reference], readings[other], options)
        for reference, other in pairs
    }
    return ReaderStudy(
        options=options,
        metrics={
            name: _metrics(images, reading, options, has_scores=name == MODEL)
            for name, reading in readings.items()
        },
        agreement=_agreement(truths, readings, options),
        comparisons=comparisons,
        differences=_differences(comparisons, margin),
        silent={name: _never_drawn(truths, reading) for name, reading in readers.items()},
        margin=margin,
    )


def _metrics(
    images: Images, reading: Predictions, options: ComparisonOptions, *, has_scores: bool
) -> Metrics:
    metrics = evaluate(
        images.truths,
        reading,
        options=EvaluationOptions(options.resamples, options.seed, options.operating_point),
        data_digest=images.digest,
        records=images.records,
    )
    return metrics if has_scores else _without_areas(metrics)


def _without_areas(metrics: Metrics) -> Metrics:
    """Return the metrics of a reader, for whom there is no threshold to move."""
    none = Figure(None, None, NO_SCORES)
    lesions = {
        key: replace(one, roc_auc=none, average_precision=none)
        for key, one in metrics.disc_wise.lesions.items()
    }
    return replace(metrics, disc_wise=replace(metrics.disc_wise, lesions=lesions))


def _agreement(
    truths: Sequence[GroundTruth], readings: Mapping[str, Predictions], options: ComparisonOptions
) -> Mapping[tuple[str, str], PairAgreement]:
    patients = len({truth.patient for truth in truths})
    draws = draw_patients(patients, options.resamples, np.random.default_rng(options.seed))
    plane, point = {truth.image: truth.plane for truth in truths}, options.operating_point
    certain = {
        name: {image: confident(boxes, point, plane[image]) for image, boxes in one.items()}
        for name, one in readings.items()
    }
    return pairwise_agreement(truths, {TRUTH: as_reading(truths)} | certain, draws)


def _differences(
    comparisons: Mapping[tuple[str, str], Comparison], margin: float | None
) -> Mapping[tuple[str, str], KappaDifference]:
    figures = {pair: one.figures[KAPPA] for pair, one in comparisons.items()}
    corrected = holm([one.p for one in figures.values()])
    return {
        pair: KappaDifference(one.difference, one.p, p, _is_not_inferior(one.difference, margin))
        for (pair, one), p in zip(figures.items(), corrected, strict=True)
    }


def _is_not_inferior(difference: Figure, margin: float | None) -> bool | None:
    if margin is None or difference.ci95 is None:
        return None
    return difference.ci95[0] > -margin


def _never_drawn(truths: Sequence[GroundTruth], reading: Predictions) -> tuple[Label, ...]:
    there = {box.label for truth in truths for box in truth.boxes}
    drawn = {box.label for boxes in reading.values() for box in boxes}
    return tuple(label for label in LESION_LABELS if label in there - drawn)
