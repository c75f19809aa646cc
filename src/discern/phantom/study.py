"""The synthetic study: DICOM files with their truth, and slices for the training mix."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.dicom import SeriesPlace, dicom_file
from discern.phantom.render import PhantomSlice, render_axial, render_sagittal
from discern.phantom.settings import Herniation
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.spine import GRADE_LABELS, USUAL_LEVELS, Level, PfirrmannGrade, Plane

SCHEMA = "discern.phantom-truth/1"
DEMO_SEED = 20_260_101
"""Seed of the embedded sample; ``training_slices`` refuses it."""
_FOLDERS = {Plane.SAGITTAL: "sagittal-t2", Plane.AXIAL: "axial-t2"}
_TRAINING_SLICES = 3


@dataclass(frozen=True, slots=True)
class DiscTruth:
    """What is true of one disc of the synthetic patient; the centre is in mm, LPS."""

    level: Level
    pfirrmann: int
    herniation: bool
    hiz: bool
    center_lps_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PhantomTruth:
    """Truth of a synthetic study: every disc wholly in view on the sagittal series."""

    seed: int
    discs: tuple[DiscTruth, ...]

    def to_json(self) -> str:
        """Return the truth as JSON text, discs head to foot."""
        document = {
            "schema": SCHEMA,
            "synthetic": True,
            "seed": self.seed,
            "discs": [
                {
                    "level": str(disc.level),
                    "pfirrmann": disc.pfirrmann,
                    "herniation": disc.herniation,
                    "hiz": disc.hiz,
                    "center_lps_mm": list(disc.center_lps_mm),
                }
                for disc in self.discs
            ],
        }
        return json.dumps(document, indent=1) + "\n"


def demo_parameters() -> PhantomParameters:
    """Return the patient of the embedded sample: grades 1 to 5, one bulge, one herniation.

    L3-L4 bulges (not a herniation), L4-L5 is herniated to the left, L5-S1 is collapsed.
    """
    one, two, three = PfirrmannGrade.I, PfirrmannGrade.II, PfirrmannGrade.III
    four, five = PfirrmannGrade.IV, PfirrmannGrade.V
    return PhantomParameters(
        grades=(one, one, one, two, one, two, three, four, five),
        herniations=(Herniation(Level.L4_L5, offset_mm=3.0, depth_mm=6.5, width_mm=14.0),),
        bulge_mm=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.6, 0.0, 0.6),
    )


def write_study(parameters: PhantomParameters, seed: int, folder: Path) -> PhantomTruth:
    """Write ``folder``/sagittal-t2/*.dcm and ``folder``/axial-t2/*.dcm and return the truth.

    The same parameters and seed give the same bytes. The truth file itself is left to the caller.
    """
    rng = np.random.default_rng(seed)
    patient = f"PHANTOM-{seed}"
    sagittal = render_sagittal(parameters, rng, patient=patient)
    axial = render_axial(parameters, rng, patient=patient)
    for number, slices in enumerate((sagittal, axial), start=1):
        place = SeriesPlace(seed, number, parameters.scanner)
        target = folder / _FOLDERS[slices[0].plane]
        target.mkdir(parents=True, exist_ok=True)
        for index, slice_ in enumerate(slices):
            file = dicom_file(slice_, index, place)
            file.save_as(target / f"{index + 1:03d}.dcm", enforce_file_format=True)
    return truth_of_study(parameters, seed, sagittal)


def truth_of_study(
    parameters: PhantomParameters, seed: int, sagittal: list[PhantomSlice]
) -> PhantomTruth:
    """Return what is true of each disc that has a grade box on a sagittal slice, head to foot."""
    spine = build_spine(parameters)
    seen = {box.disc for one in sagittal for box in one.truth.boxes if box.label in GRADE_LABELS}
    return PhantomTruth(
        seed,
        tuple(
            _disc_truth(parameters, spine, level)
            for number, level in zip(range(len(USUAL_LEVELS), 0, -1), USUAL_LEVELS, strict=True)
            if number in seen
        ),
    )


def _disc_truth(parameters: PhantomParameters, spine: Spine, level: Level) -> DiscTruth:
    x_mm, y_mm, z_mm = spine.disc_center_lps_mm(level)
    return DiscTruth(
        level=level,
        pfirrmann=int(parameters.grade_of(level)),
        herniation=parameters.herniation_of(level) is not None,
        hiz=False,
        center_lps_mm=(round(x_mm, 2), round(y_mm, 2), round(z_mm, 2)),
    )


def training_slices(
    seed: int, patients: int, *, slices: int = _TRAINING_SLICES
) -> Iterator[PhantomSlice]:
    """Yield ``slices`` sagittal slices nearest the midline of each of ``patients`` patients.

    Patient n of ``seed`` is called "phantom-<seed>-<n>" and does not depend on ``patients``.

    Raises:
        ValueError: ``seed`` is that of the embedded sample.
    """
    if seed == DEMO_SEED:
        raise ValueError(f"seed {DEMO_SEED} is the embedded sample; train on another seed")
    for number in range(patients):
        rng = np.random.default_rng((seed, number))
        parameters = sample_parameters(rng)
        patient = f"phantom-{seed}-{number}"
        yield from render_sagittal(parameters, rng, slices=slices, patient=patient)
