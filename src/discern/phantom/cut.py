"""What an axial slice cuts of the whole column, not of its axis alone.

``crossing`` does not see a disc of which an oblique slice cuts the front or the back.
"""

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import POSTERIOR, SliceGeometry
from discern.imaging.plane_geometry import along_slice
from discern.phantom.anatomy import Spine
from discern.phantom.block_frame import CONCAVITY_MM
from discern.phantom.plates import Block, Plate
from discern.spine import Level, Vertebra

LEAST_SHARE = 0.25
"""Of what a slice cuts of the column: a structure with so much of it is a right name."""
_NAMED = {str(one): one for kind in (Level, Vertebra) for one in kind}
_REACH_MM = np.linspace(-40.0, 40.0, 161)
_LAYERS = np.linspace(-0.4, 0.4, 5)  # in thicknesses

Array = NDArray[np.float64]


def cut_shares(
    spine: Spine, geometry: SliceGeometry, thickness_mm: float
) -> dict[Level | Vertebra, float]:
    """Return the share of each disc, vertebra and sacral segment in what a slice cuts.

    Averaged over its thickness along the midline of the column, sacrum included; empty off the
    spine.
    """
    behind = along_slice(POSTERIOR, geometry)
    middle = _midline_point(spine, geometry)
    if middle is None:
        return {}
    layers = (_LAYERS * thickness_mm)[:, None, None] * geometry.normal
    points = (middle + layers + _REACH_MM[:, None] * behind)[..., 1:]  # (5, 161, 2) y, z
    areas: dict[Level | Vertebra, float] = {}
    free = np.ones(points.shape[:-1], bool)
    for block in sorted(spine.blocks, key=lambda one: "-" not in one.name):  # discs first
        inside = free & _within(block, points)
        free &= ~inside
        if block.name in _NAMED:
            areas[_NAMED[block.name]] = float(inside.sum())
    total = sum(areas.values())
    return {name: area / total for name, area in areas.items() if area} if total else {}


def _midline_point(spine: Spine, geometry: SliceGeometry) -> Array | None:
    """Return the place (3,) where a slice crosses the line through the middles of the blocks."""
    places = np.array([spine.center_lps_mm(block) for block in spine.blocks])
    distance = geometry.distance_mm(places)
    if distance.min() > 0 or distance.max() < 0:
        return None
    order = np.argsort(distance)
    return np.array([np.interp(0.0, distance[order], places[order, axis]) for axis in range(3)])


def _within(block: Block, points_yz_mm: Array) -> NDArray[np.bool_]:
    """Return which (..., 2) points lie between the plates of a block, and in the dips of a disc."""
    over_lower, along_lower = _over(block.lower, points_yz_mm)
    over_upper, along_upper = _over(block.upper, points_yz_mm)
    along = (along_lower + along_upper) / 2
    dip = CONCAVITY_MM * (1 - along**2) if "-" in block.name else 0.0
    inside: NDArray[np.bool_] = (np.abs(along) <= 1) & (over_lower >= -dip) & (over_upper < dip)
    return inside


def _over(plate: Plate, points_yz_mm: Array) -> tuple[Array, Array]:
    """Return the height over a plate, and the place along it in half depths."""
    offset = points_yz_mm - (plate.y_mm, plate.z_mm)
    return offset @ plate.up, offset @ plate.back / plate.half_depth_mm
