"""Slices of synthetic patients as training samples."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from discern.dataset.samples import Sample, prepare
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts, slices_of_patient
from discern.spine import LABELS, LESION_LABELS, Plane

PHANTOM_LABELS = MappingProxyType({Plane.SAGITTAL: LABELS, Plane.AXIAL: LESION_LABELS})
"""What is true and false everywhere on a phantom's slices of each plane."""

_Made = TypeVar("_Made")
_FEW = 8
"""So many patients are rendered here; for more, processes are worth starting."""


def phantom_samples(
    seed: int, patients: int, counts: SliceCounts, preprocessing: Preprocessing
) -> list[Sample]:
    """Render and prepare slices of ``patients`` synthetic patients, on all processors."""
    return of_patients(
        partial(_of_patient, seed=seed, counts=counts, preprocessing=preprocessing), patients
    )


def of_patients(one_patient: Callable[[int], list[_Made]], patients: int) -> list[_Made]:
    """Return what ``one_patient`` makes of each number, in order, on all processors."""
    if patients <= _FEW:
        return [made for number in range(patients) for made in one_patient(number)]
    spawning = multiprocessing.get_context("spawn")  # forks do not go with running threads
    with ProcessPoolExecutor(mp_context=spawning) as pool:
        return [made for some in pool.map(one_patient, range(patients)) for made in some]


def _of_patient(
    number: int, *, seed: int, counts: SliceCounts, preprocessing: Preprocessing
) -> list[Sample]:
    slices = slices_of_patient(number, seed, counts)
    return [prepare(one.image, one.truth, preprocessing) for one in slices]
