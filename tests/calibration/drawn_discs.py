"""Discs whose probabilities are known, made for the tests of ``discern.calibration``."""

import numpy as np
from numpy.typing import NDArray

from discern.calibration.discs import GradedDiscs, LesionDiscs
from discern.evaluation.disc_answers import NO_BOX
from discern.spine import Label, Plane

FOLDS = 4


def drawn_grades(
    seed: int, *, temperature: float = 1.0, patients: int = 300, each: int = 6
) -> tuple[GradedDiscs, NDArray[np.float64]]:
    """Return discs whose grades follow known probabilities (K, 5), and these.

    The scores are the probabilities to the power of ``temperature``: so sharp that a temperature of
    just that undoes it.
    """
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), each)
    center = generator.uniform(-0.5, 4.5, len(patient))
    logits = -1.2 * np.abs(np.arange(5) - center[:, None]) + generator.normal(0, 0.3, (1, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([generator.choice(5, p=row) for row in true], dtype=np.intp)
    sharp = true**temperature
    scores = sharp / sharp.sum(axis=1, keepdims=True)
    return GradedDiscs(patient, patient % FOLDS, truth, scores), true


def drawn_lesions(seed: int, patients: int = 500, each: int = 6) -> LesionDiscs:
    """Return discs of which those with a lesion tend to score higher; a third have no box."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), each)
    odds = generator.normal(-1.5, 1.5, len(patient))
    score = 1 / (1 + np.exp(-odds))
    positive = generator.random(len(patient)) < 1 / (1 + np.exp(-(1.5 * odds - 1)))
    boxed = generator.random(len(patient)) < np.where(positive, 0.95, 0.6)
    bulging = ~positive & (generator.random(len(patient)) < 0.3)
    return LesionDiscs(
        Label.HERNIATION, Plane.SAGITTAL, patient, patient % FOLDS, positive, bulging,
        np.where(boxed, score, NO_BOX),
    )  # fmt: skip
