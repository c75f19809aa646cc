"""Coordinates inside a disc or vertebral body, and the outline they share."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.canvas import Patch, Place
from discern.phantom.plates import Block
from discern.phantom.texture import Field, Triple

CONCAVITY_MM = 1.1
"""How far a lumbar endplate dips at its centre; sacral plates are flat."""
CANAL_DENT_MM = 1.2
"""How far the posterior wall is hollowed at the midline."""


@dataclass(frozen=True, slots=True)
class BlockFrame:
    """Where the sample points of a patch lie in a block; all lengths in mm.

    Attributes:
        x: Across, positive to the left.
        p: Front to back from the axis of the block.
        q: Towards the head from the middle of the block.
        lower, upper: Distance above the lower and below the upper plate, dips included.
        half_depth, half_width: Of the outline at this height.
    """

    x: Field
    p: Field
    q: Field
    lower: Field
    upper: Field
    half_depth: Field
    half_width: Field

    @property
    def t(self) -> Field:
        """Height between the plates: 0 at the lower, 1 at the upper."""
        inside: Field = np.clip(self.lower / np.maximum(self.lower + self.upper, 0.1), 0, 1)
        return inside


@lru_cache(maxsize=256)  # every slice of a patient asks for the same
def place_of(block: Block, spine: Spine, center_mm: Triple, half_mm: Triple) -> Place:
    """Return the box round a part given by centre and half sizes (x, p, q) in ``block``."""
    (x, p, q), (half_x, half_p, half_q) = center_mm, half_mm
    cos, sin = math.cos(block.tilt_rad), math.sin(block.tilt_rad)
    y_mm, z_mm = block.y_mm + p * cos - q * sin, block.z_mm + p * sin + q * cos
    reach_y = half_p * abs(cos) + half_q * abs(sin)
    reach_z = half_p * abs(sin) + half_q * abs(cos)
    shift_mm = float(spine.shift_mm(np.array(z_mm)))
    return Place((x + shift_mm, y_mm, z_mm), (half_x, reach_y, reach_z))


def place_of_block(block: Block, spine: Spine, margin_mm: float) -> Place:
    """Return the box round a whole block with ``margin_mm`` about its outline."""
    depth = max(block.lower.half_depth_mm, block.upper.half_depth_mm) + margin_mm
    width = max(block.lower.half_width_mm, block.upper.half_width_mm) + margin_mm
    wedge = abs(block.lower.tilt_rad - block.upper.tilt_rad) * depth / 2
    height = block.height_mm / 2 + wedge + CONCAVITY_MM + margin_mm / 2
    return place_of(block, spine, (0.0, 0.0, 0.0), (width, depth, height))


def turned(patch: Patch, block: Block) -> tuple[Field, Field]:
    """Return p (backwards) and q (headwards) of the points, mm from the middle of ``block``."""
    turn = np.float32(block.tilt_rad)
    dy, dz = patch.y_mm - np.float32(block.y_mm), patch.z_mm - np.float32(block.z_mm)
    return dy * np.cos(turn) + dz * np.sin(turn), dz * np.cos(turn) - dy * np.sin(turn)


def frame_of(patch: Patch, block: Block, *, dip_mm: float) -> BlockFrame:
    """Measure the points of ``patch`` in ``block``; a disc has ``dip_mm`` > 0, a body < 0."""
    turn = np.float32(block.tilt_rad)
    p, q = turned(patch, block)
    lower, upper = _above(patch, block, is_lower=True), _above(patch, block, is_lower=False)
    t = np.clip(lower / np.maximum(lower + upper, 0.1), 0, 1)
    low, high = block.lower, block.upper
    shift = float((low.y_mm - block.y_mm) * np.cos(turn) + (low.z_mm - block.z_mm) * np.sin(turn))
    p = p - shift * (1 - 2 * t)
    half_depth = low.half_depth_mm + t * (high.half_depth_mm - low.half_depth_mm)
    half_width = low.half_width_mm + t * (high.half_width_mm - low.half_width_mm)
    dip = dip_mm * np.clip(1 - (p / half_depth) ** 2 - (patch.x_mm / half_width) ** 2, 0, 1)
    return BlockFrame(patch.x_mm, p, q, lower + dip, upper + dip, half_depth, half_width)


def _above(patch: Patch, block: Block, *, is_lower: bool) -> Field:
    plate = block.lower if is_lower else block.upper
    up_y, up_z = plate.up.astype(np.float32) * (1 if is_lower else -1)
    distance: Field = (patch.y_mm - np.float32(plate.y_mm)) * up_y + (
        patch.z_mm - np.float32(plate.z_mm)
    ) * up_z
    return distance


def outline_mm(frame: BlockFrame, *, front_mm: float | Field, back_mm: float | Field) -> Field:
    """Return the signed distance (negative inside) to the kidney-shaped outline of the spine.

    ``front_mm`` and ``back_mm`` push the outline outwards, half as far at the sides.
    """
    is_back = frame.p > 0
    grow_mm = np.where(is_back, back_mm, front_mm).astype(np.float32)
    dent = CANAL_DENT_MM * np.clip(1 - (frame.x / 11) ** 2, 0, 1)
    p = np.abs(np.where(is_back, frame.p + dent, frame.p)) / (frame.half_depth + grow_mm)
    x = np.abs(frame.x) / (frame.half_width + grow_mm / 2)
    exponent = np.where(is_back, np.float32(3.4), np.float32(2.3))
    radius = (p**exponent + x**exponent) ** (1 / exponent)
    # In front and behind the distance is along p, at the flanks along x: weigh by the share.
    scale = np.where(p > x, frame.half_depth, frame.half_width)
    distance: Field = (radius - 1) * scale
    return distance
