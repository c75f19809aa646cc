"""Slices of synthetic patients for the training mix, both planes, lesions of every kind."""

from dataclasses import dataclass, replace

import numpy as np

from discern.phantom.lesion_sampling import LesionRanges, with_sampled_lesions
from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.render import PhantomSlice, render_axial, render_sagittal
from discern.phantom.spine_model import sample_parameters
from discern.phantom.study import DEMO_SEED

_AXIAL_TILT_DEG, _AXIAL_TURN_DEG, _TURN_DEG = 15.0, 8.0, 5.0
_MATRIX_PX = (320, 384, 448)
_MOST_SPARSE = 5


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """How many slices of each synthetic patient are taken.

    Attributes:
        sagittal: Nearest the midline.
        axial: Drawn from all that the patient has; those with a lesion first.
    """

    sagittal: int = 3
    axial: int = 0


def slices_of_patient(
    number: int, seed: int, counts: SliceCounts, ranges: LesionRanges | None = None
) -> list[PhantomSlice]:
    """Return slices of synthetic patient ``number`` of ``seed``, called "phantom-<seed>-<number>".

    Raises:
        ValueError: ``seed`` is that of the embedded sample.
    """
    if seed == DEMO_SEED:
        raise ValueError(f"seed {DEMO_SEED} is the embedded sample; train on another seed")
    rng = np.random.default_rng((seed, number, 1))
    parameters = with_sampled_lesions(sample_parameters(rng), rng, ranges)
    prescription = replace(_prescription(rng), sagittal_slices=counts.sagittal)
    name = f"phantom-{seed}-{number}"
    slices = render_sagittal(parameters, rng, prescription=prescription, patient=name)
    if counts.axial:
        axial = render_axial(parameters, rng, prescription=prescription, patient=name)
        slices += _chosen(axial, counts.axial, rng)
    return slices


def _prescription(rng: np.random.Generator) -> Prescription:
    turns = rng.uniform(-_TURN_DEG, _TURN_DEG, 2)
    per_disc = rng.random() < 2 / 3
    layout = AxialLayout.PER_DISC if per_disc else AxialLayout.TILTED
    tilt_deg = 0.0 if per_disc else float(rng.uniform(-_AXIAL_TILT_DEG, _AXIAL_TILT_DEG))
    return Prescription(
        matrix_px=int(rng.choice(_MATRIX_PX)),
        rotation_deg=float(turns[0]),
        head_turn_deg=float(turns[1]),
        axial_layout=layout,
        axial_tilt_deg=tilt_deg,
        axial_rotation_deg=float(rng.uniform(-_AXIAL_TURN_DEG, _AXIAL_TURN_DEG)),
        axial_slices=4 * _MOST_SPARSE,
    )


def _chosen(slices: list[PhantomSlice], count: int, rng: np.random.Generator) -> list[PhantomSlice]:
    """Return ``count`` slices: at most three in four show a lesion, the others none."""
    order = [slices[index] for index in rng.permutation(len(slices))]
    showing = [one for one in order if one.truth.boxes][: 3 * count // 4]
    clear = [one for one in order if not one.truth.boxes]
    return (showing + clear)[:count]
