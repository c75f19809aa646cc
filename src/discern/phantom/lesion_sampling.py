"""Draws of lesions for a synthetic patient, within ranges that the caller names."""

from dataclasses import dataclass, replace

import numpy as np

from discern.phantom.lesions import (
    MODIC_TYPES,
    Haemangioma,
    HighIntensityZone,
    Lesions,
    PlateChange,
    SchmorlNode,
    ZoneShape,
)
from discern.phantom.settings import Herniation
from discern.phantom.spine_model import PhantomParameters
from discern.spine import Level, PfirrmannGrade, Vertebra

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LesionRanges:
    """What lesions are drawn; every pair is least and largest, drawn evenly.

    Attributes:
        herniated: Share of the lumbar discs of grade 3 and above that are herniated.
        herniation_depth_mm: Beyond the disc margin.
        herniation_width_mm: At the base.
        herniation_offset_mm: To either side.
        zoned: Share of the lumbar discs of grade 2 and above with a high-intensity zone.
        anterior: Share of the zones in front.
        zone_span_mm: Across the patient.
        zone_thickness_mm: Smaller size in the sagittal plane.
        zone_brightness: Share of the signal of fluid.
        bulging: Share of the other discs that bulge.
        bulge_mm: How far.
        noded: Share of discs with a Schmorl node.
        changed: Share of discs of grade 4 and 5 with plate changes.
        tumours: Share of patients with a haemangioma.
    """

    herniated: float = 0.28
    herniation_depth_mm: Range = (3.5, 9.0)
    herniation_width_mm: Range = (8.0, 20.0)
    herniation_offset_mm: float = 11.0
    zoned: float = 0.35
    anterior: float = 0.2
    zone_span_mm: Range = (4.0, 14.0)
    zone_thickness_mm: Range = (1.4, 3.2)
    zone_brightness: Range = (0.65, 1.1)
    bulging: float = 0.4
    bulge_mm: Range = (0.8, 3.0)
    noded: float = 0.06
    changed: float = 0.35
    tumours: float = 0.15


def with_sampled_lesions(
    parameters: PhantomParameters, rng: np.random.Generator, ranges: LesionRanges | None = None
) -> PhantomParameters:
    """Return the patient with herniations, bulges and lesions drawn anew.

    Only T12-L1 and lower discs are herniated, bulge or show a zone. A disc of at least grade 3 may
    be herniated (its nucleus has lost water); a disc with a zone has at least grade 2, and never
    both, so that what covers what stays clear.
    """
    ranges = ranges or LesionRanges()
    lumbar = parameters.levels[3:]
    herniations = tuple(
        _herniation(level, rng, ranges)
        for level in lumbar
        if parameters.grade_of(level) >= PfirrmannGrade.III and rng.random() < ranges.herniated
    )
    taken = {one.level for one in herniations}
    zones = tuple(
        _zone(level, rng, ranges)
        for level in lumbar
        if level not in taken
        and parameters.grade_of(level) >= PfirrmannGrade.II
        and rng.random() < ranges.zoned
    )
    bulge_mm = tuple(
        float(rng.uniform(*ranges.bulge_mm))
        if level in lumbar and level not in taken and rng.random() < ranges.bulging
        else 0.0
        for level in parameters.levels
    )
    lesions = Lesions(zones, *_distractors(parameters, rng, ranges))
    return replace(parameters, herniations=herniations, bulge_mm=bulge_mm, lesions=lesions)


def _herniation(level: Level, rng: np.random.Generator, ranges: LesionRanges) -> Herniation:
    return Herniation(
        level=level,
        offset_mm=float(rng.uniform(-1, 1) * ranges.herniation_offset_mm),
        depth_mm=float(rng.uniform(*ranges.herniation_depth_mm)),
        width_mm=float(rng.uniform(*ranges.herniation_width_mm)),
        migration_mm=float(rng.uniform(-6, 5)) if rng.random() < 1 / 3 else 0.0,
    )


def _zone(level: Level, rng: np.random.Generator, ranges: LesionRanges) -> HighIntensityZone:
    shape = tuple(ZoneShape)[int(rng.integers(len(ZoneShape)))]
    thickness_mm = float(rng.uniform(*ranges.zone_thickness_mm))
    if shape is not ZoneShape.ROUND:
        thickness_mm *= 0.75
    longer = 1.0 if shape is ZoneShape.ROUND else float(rng.uniform(1.8, 3.2))
    length_mm = min(longer * thickness_mm, 7.0)
    inwards_mm = length_mm if shape is ZoneShape.FISSURE else thickness_mm
    return HighIntensityZone(
        level=level,
        shape=shape,
        is_anterior=bool(rng.random() < ranges.anterior),
        offset_mm=float(np.clip(rng.normal(0, 6), -13, 13)),
        span_mm=float(rng.uniform(*ranges.zone_span_mm)),
        thickness_mm=thickness_mm,
        length_mm=length_mm,
        depth_mm=float(inwards_mm / 2 + rng.uniform(0.3, 1.3)),
        height=float(rng.uniform(0.25, 0.75)),
        brightness=float(rng.uniform(*ranges.zone_brightness)),
    )


def _distractors(
    parameters: PhantomParameters, rng: np.random.Generator, ranges: LesionRanges
) -> tuple[tuple[SchmorlNode, ...], tuple[PlateChange, ...], tuple[Haemangioma, ...]]:
    nodes = tuple(
        SchmorlNode(
            level=level,
            is_above=bool(rng.random() < 1 / 2),
            depth_mm=float(rng.uniform(2.5, 7)),
            width_mm=float(rng.uniform(5, 13)),
            offset_mm=float(rng.uniform(-9, 9)),
            place=float(rng.uniform(-0.5, 0.6)),
        )
        for level in parameters.levels
        if rng.random() < ranges.noded
    )
    plates = tuple(
        PlateChange(level, int(rng.choice(MODIC_TYPES)), float(rng.uniform(4, 12)))
        for level in parameters.levels
        if parameters.grade_of(level) >= PfirrmannGrade.IV and rng.random() < ranges.changed
    )
    return nodes, plates, (_haemangioma(rng),) if rng.random() < ranges.tumours else ()


def _haemangioma(rng: np.random.Generator) -> Haemangioma:
    x, p, q = (float(place) for place in rng.uniform((-10, -8, -5), (10, 8, 5)))
    vertebra = (Vertebra.L1, Vertebra.L2, Vertebra.L3, Vertebra.L4)[int(rng.integers(4))]
    return Haemangioma(vertebra, float(rng.uniform(2.5, 8)), (x, p, q))
