"""What a slice cuts where it crosses the axis of the spine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.phantom.anatomy import Spine
from discern.phantom.plates import Block, Plate
from discern.spine import Level, Vertebra

Structure = Level | Vertebra
"""A disc (a remnant within the sacrum included), a vertebra or a sacral segment."""
_NAMED: dict[str, Structure] = {
    **{str(one): one for one in Level},
    **{str(one): one for one in Vertebra},
}
_POINTS = 9
"""Points of the axis looked at within each block: the scoliotic curve bends little in between."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one slice shows on the axis of the spine.

    Attributes:
        middle: What the middle of its thickness cuts; None off the named part of the spine.
        contained: Everything that its thickness touches.
    """

    middle: Structure | None
    contained: frozenset[Structure]


def structure_at(spine: Spine, geometry: SliceGeometry, thickness_mm: float) -> Crossing:
    """Return what a slice of ``thickness_mm`` cuts on the curve through the plate centres."""
    contained: set[Structure] = set()
    middle: Structure | None = None
    for block in spine.blocks:
        name = _NAMED.get(block.name)
        if name is None:
            continue
        distance_mm = geometry.distance_mm(axis_lps_mm(spine, block))
        low, high = distance_mm.min(), distance_mm.max()
        if low <= thickness_mm / 2 and high >= -thickness_mm / 2:
            contained.add(name)
        if low <= 0 <= high:
            middle = name
    return Crossing(middle, frozenset(contained))


def axis_lps_mm(spine: Spine, block: Block) -> NDArray[np.float64]:
    """Return points (N, 3) of the axis within ``block``, from its lower plate to its upper."""
    share = np.linspace(0.0, 1.0, _POINTS)
    (low_y, low_z), (high_y, high_z) = _center(block.lower), _center(block.upper)
    y_mm, z_mm = low_y + share * (high_y - low_y), low_z + share * (high_z - low_z)
    return np.stack((spine.shift_mm(z_mm), y_mm, z_mm), axis=1)


def _center(plate: Plate) -> tuple[float, float]:
    return plate.y_mm, plate.z_mm
