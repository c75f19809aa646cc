"""Slices of synthetic patients as training samples."""

from types import MappingProxyType

from discern.dataset.samples import Sample, prepare
from discern.phantom.training_set import SliceCounts, lesion_slices
from discern.spine import LABELS, LESION_LABELS, Plane
from discern.weights import Preprocessing

PHANTOM_LABELS = MappingProxyType({Plane.SAGITTAL: LABELS, Plane.AXIAL: LESION_LABELS})
"""What is true and false everywhere on a phantom's slices of each plane."""


def phantom_samples(
    seed: int, patients: int, counts: SliceCounts, preprocessing: Preprocessing
) -> list[Sample]:
    """Render and prepare slices of ``patients`` synthetic patients."""
    slices = lesion_slices(seed, patients, counts)
    return [prepare(one.image, one.truth, preprocessing) for one in slices]
