"""Draws of difficult anatomy and of prescriptions, within ranges that the caller names."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from discern.phantom.prescription import AxialLayout, FrameUids, Prescription
from discern.phantom.sizes import LUMBAR_COUNTS, presacral_levels
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.spine import Level, PfirrmannGrade

_SLIPPING = (Level.L3_L4, Level.L4_L5, Level.L5_S1, Level.L5_L6)
_CRANIAL = 4
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class AnatomyRanges:
    """What anatomies are drawn.

    Attributes:
        lumbar_shares: Share of patients with 4, 5 and 6 lumbar-type vertebrae.
        scoliosis_deg: Largest Cobb angle, to either side; drawn evenly.
        slipped: Share of patients with a slip at one of the lower levels.
        slip_mm: Least and largest slip, forward positive.
        disc_scatter: Standard deviation of the factor on each disc's height, cut at twice that.
        body_scatter: The same for the bodies.
        slope_shift_deg: Added to the sacral slope with 4, 5 and 6 lumbar-type vertebrae.
    """

    lumbar_shares: tuple[float, float, float] = (0.12, 0.76, 0.12)
    scoliosis_deg: float = 30.0
    slipped: float = 0.25
    slip_mm: tuple[float, float] = (-5.0, 10.0)
    disc_scatter: float = 0.08
    body_scatter: float = 0.02
    slope_shift_deg: tuple[float, float, float] = (-3.0, 0.0, 6.0)


def sample_anatomy(
    rng: np.random.Generator, ranges: AnatomyRanges | None = None
) -> PhantomParameters:
    """Draw one patient as ``sample_parameters`` does, then vary the anatomy within ``ranges``."""
    ranges, base = ranges or AnatomyRanges(), sample_parameters(rng)
    kind = int(rng.choice(len(LUMBAR_COUNTS), p=ranges.lumbar_shares))
    levels = presacral_levels(LUMBAR_COUNTS[kind])
    herniations = tuple(one for one in base.herniations if one.level in levels)
    slope_deg = base.sacral_slope_deg + ranges.slope_shift_deg[kind]
    return replace(
        base,
        lumbar_vertebrae=LUMBAR_COUNTS[kind],
        cranial_vertebrae=_CRANIAL,
        herniations=herniations,
        grades=tuple(PfirrmannGrade(one) for one in _fitted(base.grades, len(levels))),
        bulge_mm=_fitted(base.bulge_mm, len(levels)),
        nucleus_gain=_fitted(base.nucleus_gain, len(levels)),
        sacral_slope_deg=float(np.clip(slope_deg, 10, 65)),
        scoliosis_deg=float(rng.uniform(-ranges.scoliosis_deg, ranges.scoliosis_deg)),
        listhesis_mm=_sample_slips(rng, levels, ranges),
        disc_scale=_scatter(rng, len(levels), ranges.disc_scatter),
        body_scale=_scatter(rng, len(levels), ranges.body_scatter),
    )


def _fitted(values: tuple[_Value, ...], discs: int) -> tuple[_Value, ...]:
    """Give the values of the usual discs to fewer, or repeat the last for one more."""
    return (*values, values[-1])[:discs]


def _scatter(rng: np.random.Generator, count: int, deviation: float) -> tuple[float, ...]:
    factors = 1 + deviation * np.clip(rng.standard_normal(count), -2, 2)
    return tuple(float(one) for one in factors)


def _sample_slips(
    rng: np.random.Generator, levels: tuple[Level, ...], ranges: AnatomyRanges
) -> tuple[float, ...]:
    at = rng.choice([level for level in levels if level in _SLIPPING])
    slip_mm = float(rng.uniform(*ranges.slip_mm)) if rng.random() < ranges.slipped else 0.0
    return tuple(slip_mm if level == at else 0.0 for level in levels)


@dataclass(frozen=True, slots=True)
class PrescriptionRanges:
    """What prescriptions are drawn; angles are the largest to either side.

    Attributes:
        sagittal_slices: Fewest and most.
        stack_mm: Narrowest and widest sagittal stack; thickness follows from it and the count.
        cut_sacrum, cut_top: Shares of studies whose field is moved up, or down.
        cut_mm: Least and largest shift of a moved field.
        turn_deg: Head turn, side tilt and in-plane rotation of the sagittal stack.
        reversed_share: Share of studies in reversed order.
        layout_shares: Per disc, block, tilted block.
        axial_tilt_deg: Of a tilted block.
        axial_rotation_deg: Of axial images in their own plane.
        uid_shares: Shared, per series, absent, missing.
    """

    sagittal_slices: tuple[int, int] = (5, 60)
    stack_mm: tuple[float, float] = (45.0, 75.0)
    cut_sacrum: float = 0.15
    cut_top: float = 0.15
    cut_mm: tuple[float, float] = (40.0, 110.0)
    turn_deg: float = 12.0
    reversed_share: float = 0.3
    layout_shares: tuple[float, float, float] = (0.4, 0.3, 0.3)
    axial_tilt_deg: float = 25.0
    axial_rotation_deg: float = 15.0
    uid_shares: tuple[float, float, float, float] = (0.7, 0.1, 0.1, 0.1)


def sample_prescription(
    rng: np.random.Generator, ranges: PrescriptionRanges | None = None
) -> Prescription:
    """Draw where the slices of one study lie."""
    ranges = ranges or PrescriptionRanges()
    fewest, most = ranges.sagittal_slices
    slices = int(rng.integers(fewest, most + 1))
    thickness_mm = float(np.clip(rng.uniform(*ranges.stack_mm) / slices / 1.1, 0.8, 5.0))
    layout = tuple(AxialLayout)[int(rng.choice(len(AxialLayout), p=ranges.layout_shares))]
    head, side, plane = rng.uniform(-ranges.turn_deg, ranges.turn_deg, 3).tolist()
    tilt_deg = float(rng.uniform(-ranges.axial_tilt_deg, ranges.axial_tilt_deg))
    return Prescription(
        sagittal_slices=slices,
        sagittal_thickness_mm=thickness_mm,
        shift_mm=_sample_shift(rng, ranges),
        rotation_deg=plane,
        head_turn_deg=head,
        side_tilt_deg=side,
        reversed_order=bool(rng.random() < ranges.reversed_share),
        axial_layout=layout,
        axial_tilt_deg=tilt_deg if layout is AxialLayout.TILTED else 0.0,
        axial_rotation_deg=float(
            rng.uniform(-ranges.axial_rotation_deg, ranges.axial_rotation_deg)
        ),
        uids=tuple(FrameUids)[int(rng.choice(len(FrameUids), p=ranges.uid_shares))],
    )


def _sample_shift(rng: np.random.Generator, ranges: PrescriptionRanges) -> float:
    """Positive cuts the sacrum, negative the top."""
    shift_mm, lot = float(rng.uniform(*ranges.cut_mm)), rng.random()
    if lot < ranges.cut_sacrum:
        return shift_mm
    return -shift_mm if lot < ranges.cut_sacrum + ranges.cut_top else 0.0
