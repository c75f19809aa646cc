"""Sagittal slices of synthetic patients as training samples."""

from discern.dataset.samples import Sample, prepare
from discern.phantom.study import training_slices
from discern.spine import GRADE_LABELS, Label
from discern.weights import Preprocessing

PHANTOM_LABELS = frozenset({*GRADE_LABELS, Label.HERNIATION})
"""What is true and false everywhere on a phantom's sagittal slices."""


def phantom_samples(seed: int, patients: int, preprocessing: Preprocessing) -> list[Sample]:
    """Render and prepare the middle slices of ``patients`` synthetic patients."""
    slices = training_slices(seed, patients)
    return [prepare(one.image, one.truth, preprocessing) for one in slices]
