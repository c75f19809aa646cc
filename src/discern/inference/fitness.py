"""Whether what was read is a lumbar T2 study at all; what is not is refused by name.

A series named with ``--series`` is read all the same: a person has looked at it. Its findings then
carry the reason as a warning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from discern.errors import MetalVoids, NoLumbarSpine, NotT2Weighted, UnfitStudy
from discern.findings import StudyWarning
from discern.imaging.study import Series
from discern.inference.sagittal import SagittalReading
from discern.inference.spine_cues import Chain
from discern.inference.spine_signs import FluidContrast, fluid_contrast
from discern.inference.voids import Void
from discern.quantities.slices import TissueSlice

FEWEST_DISCS = 3
"""SPIDER's slices and the phantoms show at least five; what shows two is no lumbar spine."""
SMALLEST_DEPTH_MM = 22.0
"""Front to back, median of all discs. Lumbar discs of adults have 28 to 42 mm, cervical ones 14 to
19."""
LEAST_BONE = 0.75
"""Median probability of vertebral body halfway between discs; no good study of
``bench/quality.py`` falls short of it."""
LEAST_TO_MARROW, LEAST_TO_DISC, LEAST_CANAL = 1.25, 2.2, 0.1
"""Signal of fluid over that of marrow and of discs, pixels of canal over those of vertebrae. T1
falls short of all three, no slice of SPIDER of two. Two decide."""
_SHORTFALLS = 2
NEVER_T2_TO_DISC = 1.5
"""Fluid as dark as this beside discs is not that of a T2 series, however dark the marrow is: proton
density. SPIDER: at least 1.9."""
MOST_VOID = 0.15
"""Share of the corridor of the spine in thick voids from which too little is left to read."""
_FEWEST_SLICES = 3
"""Slices without any canal from which that is no accident of one slice beside the middle."""


@dataclass(frozen=True, slots=True)
class Unfitness:
    """A reason to refuse: the error it is raised as, the code of the warning, and the words."""

    error: type[UnfitStudy]
    code: str
    text: str


def check_fit(
    reading: SagittalReading, chain: Chain, tissues: Sequence[TissueSlice], void: Void
) -> tuple[StudyWarning, ...]:
    """Refuse a sagittal series that is no readable lumbar T2 series.

    Returns:
        The first reason, as a warning, where the series was named by hand.

    Raises:
        NoLumbarSpine: Too few discs, no bodies between them, or a spine too small.
        NotT2Weighted: The fluid in the canal is not bright.
        MetalVoids: Thick voids take too much of the spine.
    """
    series = reading.series
    if series is None:
        return ()
    reasons = (
        *_of_voids(void),  # first: metal hides discs and bodies, too
        *_of_spine(reading, chain, tissues),
        *_of_contrast(series, tissues),
    )
    return _judged(reasons[:1], series)


def _judged(found: Sequence[Unfitness], series: Series) -> tuple[StudyWarning, ...]:
    if found and not series.by_hand:
        text = f"{found[0].text} Pass --series {series.id} to read it all the same."
        raise found[0].error(f"series {series.id}: {text}")
    return tuple(StudyWarning(one.code, f"{one.text} {_NAMED}") for one in found)


_NAMED = "The series was named by hand and read all the same; do not rely on what is said of it."


def _of_spine(
    reading: SagittalReading, chain: Chain, tissues: Sequence[TissueSlice]
) -> Iterator[Unfitness]:
    code = "no_lumbar_spine"
    if len(reading.tracks) < FEWEST_DISCS:
        text = (
            f"No lumbar spine was found: {len(reading.tracks)} disc(s). Another part of the body, "
            "another plane, slices lying on their side, or too little of the spine in view?"
        )
        yield Unfitness(NoLumbarSpine, code, text)
        return
    depth_mm = float(np.median([track.size[0] for track in reading.tracks]))
    spaced = reading.series is not None and all(one.spacing_mm for one in reading.series.slices)
    if spaced and depth_mm < SMALLEST_DEPTH_MM:
        text = (
            f"The discs are {depth_mm:.0f} mm from front to back, too small for a lumbar spine. "
            "A cervical one, or a wrong pixel spacing?"
        )
        yield Unfitness(NoLumbarSpine, code, text)
    bone = chain.bone[1:-1][np.isfinite(chain.bone[1:-1])]
    if tissues and (not bone.size or float(np.median(bone)) < LEAST_BONE):
        text = (
            f"{len(reading.tracks)} discs were found but no vertebral bodies between them. "
            "Another part of the body, or images too coarse?"
        )
        yield Unfitness(NoLumbarSpine, code, text)


def _of_contrast(series: Series, tissues: Sequence[TissueSlice]) -> Iterator[Unfitness]:
    seen = fluid_contrast(tissues)
    if seen is None or is_t2(seen):
        return
    if np.isnan(seen.to_marrow) and len(series.slices) < _FEWEST_SLICES:
        return  # a slice beside the middle shows no canal
    text = (
        "The fluid in the canal is not bright"
        + ("" if np.isnan(seen.to_marrow) else f" ({seen.to_marrow:.1f} times the marrow)")
        + ", as it is on T2. A T1 or proton density series, whatever its files say?"
    )
    yield Unfitness(NotT2Weighted, "not_t2_contrast", text)


def is_t2(seen: FluidContrast) -> bool:
    """Whether fluid is as bright as on T2, with or without fat suppression, STIR included."""
    short = (
        not seen.to_marrow >= LEAST_TO_MARROW,
        not seen.to_disc >= LEAST_TO_DISC,
        not seen.canal_share >= LEAST_CANAL,
    )
    return sum(short) < _SHORTFALLS and not seen.to_disc < NEVER_T2_TO_DISC


def _of_voids(void: Void) -> Iterator[Unfitness]:
    if void.share >= MOST_VOID:
        text = (
            f"Signal voids, as metal leaves them, take {void.share:.0%} of the spine on a slice; "
            "too little is left to be read."
        )
        yield Unfitness(MetalVoids, "metal_voids", text)
