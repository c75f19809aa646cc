"""The synthetic study: DICOM files with their truth."""

from pathlib import Path

import numpy as np

from discern.phantom.dicom import SeriesPlace, dicom_file
from discern.phantom.prescription import USUAL, FrameUids, Prescription
from discern.phantom.render import (
    PhantomSlice,
    render_axial,
    render_sagittal_series,
    sagittal_scanner,
)
from discern.phantom.settings import Herniation
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study_truth import PhantomTruth, truth_of_study
from discern.spine import Level, PfirrmannGrade, Plane, Weighting

DEMO_SEED = 20_260_101
"""Seed of the embedded sample; training refuses it."""
_FOLDERS = {Plane.SAGITTAL: "sagittal-t2", Plane.AXIAL: "axial-t2"}


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


def write_study(
    parameters: PhantomParameters,
    seed: int,
    folder: Path,
    prescription: Prescription = USUAL,
    beside: tuple[Weighting, ...] = (),
) -> PhantomTruth:
    """Write ``folder``/sagittal-t2/*.dcm and ``folder``/axial-t2/*.dcm and return the truth.

    ``beside`` asks for more sagittal series: ``sagittal-t1``, ``sagittal-stir``. The same
    parameters, seed and prescription give the same bytes. The truth file itself is left to the
    caller.

    Raises:
        ValueError: A weighting that the phantom does not draw.
    """
    rng = np.random.default_rng(seed)
    patient, scanner, uids = f"PHANTOM-{seed}", parameters.scanner, prescription.uids
    rngs = {weighting: np.random.default_rng((seed, n)) for n, weighting in enumerate(beside, 3)}
    series = render_sagittal_series(
        parameters, {Weighting.T2: rng, **rngs}, prescription=prescription, patient=patient
    )
    sagittal = series[Weighting.T2]
    axial = render_axial(parameters, rng, prescription=prescription, patient=patient)
    places = (
        SeriesPlace(seed, 1, sagittal_scanner(scanner, prescription), uids),
        SeriesPlace(seed, 2, scanner, uids),
    )
    for place, slices in zip(places, (sagittal, axial), strict=True):
        write_series(slices, place, folder / _FOLDERS[slices[0].plane])
    for number, weighting in enumerate(beside, start=3):
        place = SeriesPlace(seed, number, places[0].scanner, uids, weighting)
        write_series(series[weighting], place, folder / f"sagittal-{weighting.lower()}")
    named = [(_uid(places[1], index), slice_) for index, slice_ in enumerate(axial)]
    return truth_of_study(parameters, seed, sagittal, named)


def write_series(slices: list[PhantomSlice], place: SeriesPlace, folder: Path) -> None:
    """Write one file a slice."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, slice_ in enumerate(slices):
        (folder / f"{index + 1:03d}.dcm").write_bytes(dicom_file(slice_, index, place))


def _uid(place: SeriesPlace, index: int) -> str | None:
    return None if place.uids is FrameUids.MISSING else place.instance_uid(Plane.AXIAL, index)
