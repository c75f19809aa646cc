"""Every figure of an evaluation from truth and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.errors import UsageError
from discern.evaluation.acceptable import AcceptableMetrics, acceptable_metrics
from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.detection import DetectionMetrics, detection_metrics
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.disc_wise import (
    PLANES,
    DiscWiseMetrics,
    DiscWiseOptions,
    disc_wise_metrics,
)
from discern.evaluation.grade_tally import tally_grades
from discern.evaluation.grading import PfirrmannMetrics, pfirrmann_metrics
from discern.evaluation.lesions import LesionMetrics, lesion_metrics
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import (
    Predictions,
    confident,
    predictions_digest,
    require_same_images,
)
from discern.spine import LESION_LABELS, Label, Plane

SCHEMA = "discern.metrics/1"


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How to evaluate.

    Raises:
        UsageError: A prevalence is not between 0 and 1.

    Attributes:
        resamples: Bootstrap resamples of the patients.
        seed: Of the bootstrap.
        operating_point: Score thresholds of the slice-wise figures, fixed beforehand; mean average
            precision, FROC and the areas under curves use every box, so predictions should be
            given down to low scores.
        marked: Further operating points to be marked on the curves of the lesions.
        prevalences: Shares of discs with a lesion at which a positive predictive value is stated,
            beside that of the data set.
    """

    resamples: int = 2000
    seed: int = 20250101
    operating_point: OperatingPoint = field(default_factory=OperatingPoint)
    marked: tuple[OperatingPoint, ...] = ()
    prevalences: tuple[float, ...] = (0.05, 0.10, 0.30)

    def __post_init__(self) -> None:
        """Refuse prevalences at which a predictive value means nothing."""
        wrong = [prevalence for prevalence in self.prevalences if not 0 < prevalence < 1]
        if wrong:
            raise UsageError(f"prevalence {wrong[0]:g}: give a share between 0 and 1, as 0.1")


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one evaluation.

    ``pfirrmann`` and ``lesions`` (an entry per lesion and plane) are slice by slice, as is
    ``acceptable``, the share of slices with nothing seriously wrong; ``disc_wise`` takes the slices
    of a disc together.
    """

    data_digest: str
    prediction_digest: str
    patients: int
    images: int
    options: EvaluationOptions
    pfirrmann: PfirrmannMetrics
    lesions: Mapping[tuple[Label, Plane], LesionMetrics]
    acceptable: Mapping[Plane, AcceptableMetrics]
    disc_wise: DiscWiseMetrics
    detection: DetectionMetrics


def evaluate(
    truths: Sequence[GroundTruth],
    predictions: Predictions,
    *,
    options: EvaluationOptions | None = None,
    data_digest: str = "",
    records: DiscRecords | None = None,
) -> Metrics:
    """Return every figure, with 95 % intervals from resampled patients.

    Args:
        truths: One for each image.
        predictions: Boxes for each image, down to low scores.
        options: Resamples, seed, operating point, prevalences.
        data_digest: SHA-256 of the data set, to be kept with the figures.
        records: What the data set's table of discs says, if there is one.

    Raises:
        DatasetError: The predictions are not for exactly the images of ``truths``.
    """
    options = options or EvaluationOptions()
    require_same_images(predictions, [truth.image for truth in truths])
    names = sorted({truth.patient for truth in truths})
    patient = {name: index for index, name in enumerate(names)}
    images = [AnsweredImage(patient[t.patient], t, predictions[t.image]) for t in truths]
    point = options.operating_point
    judged = [
        replace(image, boxes=confident(image.boxes, point, image.truth.plane)) for image in images
    ]
    draws = draw_patients(len(names), options.resamples, np.random.default_rng(options.seed))
    graded = [image for image in judged if is_graded(image.truth)]
    outcomes = [(image.patient, grade_outcome(image.truth, image.boxes)) for image in graded]
    by_disc = DiscWiseOptions(point, records or {}, options.prevalences)
    return Metrics(
        data_digest=data_digest,
        prediction_digest=predictions_digest(predictions),
        patients=len(names),
        images=len(truths),
        options=options,
        pfirrmann=pfirrmann_metrics(tally_grades(outcomes, len(names)), draws),
        lesions={
            (label, plane): lesion_metrics(
                images, label, plane, draws, min_score=point.min_score(label, plane)
            )
            for label in LESION_LABELS
            for plane in PLANES
        },
        acceptable={plane: acceptable_metrics(judged, plane, draws) for plane in PLANES},
        disc_wise=disc_wise_metrics(images, draws, by_disc),
        detection=detection_metrics(images, draws),
    )
