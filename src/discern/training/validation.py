"""How well a detector grades patients it was not trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.dataset.samples import network_input, read_image
from discern.dataset.sources import Dataset, image_files
from discern.evaluation import agreement
from discern.evaluation.agreement import BACKGROUND, GRADES, KappaWeight
from discern.evaluation.outcomes import GradeOutcome, grade_outcome, is_graded
from discern.evaluation.predictions import PredictedBox
from discern.imaging.pixels import Letterbox
from discern.model.detector import Detector
from discern.networks import Preprocessing
from discern.postprocess import PostprocessConfig, select_boxes

_BATCH = 8


@dataclass(frozen=True, slots=True)
class ValidationImage:
    """One image as the network sees it, (S, S) float16, and its truth in its own pixels."""

    square: NDArray[np.float16]
    fit: Letterbox
    truth: GroundTruth


@dataclass(frozen=True, slots=True)
class ValidationMetrics:
    """Figures over all discs; ``exact``, ``within_one`` and ``kappa`` over the matched ones."""

    disc_recall: float
    false_per_image: float
    exact: float
    within_one: float
    kappa_quadratic: float

    @property
    def selection(self) -> float:
        """What the best checkpoint is chosen by: quadratic kappa x disc recall."""
        return float(np.nan_to_num(self.kappa_quadratic * self.disc_recall))


def read_validation_images(
    dataset: Dataset, truths: Iterable[GroundTruth], preprocessing: Preprocessing
) -> list[ValidationImage]:
    """Read the graded images among ``truths``."""
    files = image_files(dataset.folder)
    images = []
    for truth in truths:
        if is_graded(truth):
            square, fit = network_input(read_image(files[truth.image]), preprocessing)
            images.append(ValidationImage(square.astype(np.float16), fit, truth))
    return images


def predict(detector: Detector, images: Sequence[ValidationImage]) -> list[list[PredictedBox]]:
    """Return the boxes of each image in its own pixels, at the default operating point.

    The detector is used in float32 and evaluation mode, as inference does.
    """
    device = next(detector.parameters()).device
    predictions: list[list[PredictedBox]] = []
    detector.eval()
    for start in range(0, len(images), _BATCH):
        chunk = images[start : start + _BATCH]
        batch = torch.from_numpy(np.stack([one.square for one in chunk])[:, None])
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            boxes, scores = detector.decode(detector(batch.float().to(device)))
        for one, box, score in zip(chunk, boxes.double().cpu(), scores.double().cpu(), strict=True):
            chosen = select_boxes(one.fit.to_image(box.numpy()), score.numpy(), PostprocessConfig())
            predictions.append(
                [PredictedBox(b.label, b.score, b.class_scores, b.box_xyxy_px) for b in chosen]
            )
    return predictions


def grade_outcomes(detector: Detector, images: Sequence[ValidationImage]) -> list[GradeOutcome]:
    """Return what became of the discs of each image."""
    predictions = predict(detector, images)
    pairs = zip(images, predictions, strict=True)
    return [grade_outcome(one.truth, boxes) for one, boxes in pairs]


def validation_metrics(outcomes: Sequence[GradeOutcome]) -> ValidationMetrics:
    """Return the figures of at least one image."""
    full = np.sum([outcome.confusion() for outcome in outcomes], axis=0)
    pairs = agreement.paired(full)
    return ValidationMetrics(
        disc_recall=float(agreement.disc_recall(full)),
        false_per_image=float(full[BACKGROUND, :GRADES].sum() / len(outcomes)),
        exact=float(agreement.within(pairs, 0)),
        within_one=float(agreement.within(pairs, 1)),
        kappa_quadratic=float(agreement.kappa(pairs, KappaWeight.QUADRATIC)),
    )
