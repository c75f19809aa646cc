"""Marrow of one body: its vein, haemangiomas, and changes along worn plates."""

import numpy as np

from discern.phantom.block_frame import BlockFrame
from discern.phantom.canvas import covered
from discern.phantom.lesions import Lesions
from discern.phantom.settings import Contrast
from discern.phantom.texture import Field
from discern.spine import Level, vertebra_above

_CHANGE_EDGE_MM = 4.0


def with_lesions(
    brightness: Field, frame: BlockFrame, name: str, lesions: Lesions, contrast: Contrast
) -> Field:
    """Return the factor on the marrow of the body called ``name`` ("L4"), lesions included."""
    for plate in lesions.plates:
        for depth in _beneath_plates(frame, name, plate.level):
            share = covered(depth - plate.depth_mm, _CHANGE_EDGE_MM)
            changed = contrast.modic[plate.type - 1] / contrast.marrow
            brightness = brightness + share * (changed - brightness)
    for one in lesions.haemangiomas:
        if one.vertebra == name:
            x, p, q = one.center_mm
            radius = np.sqrt((frame.x - x) ** 2 + (frame.p - p) ** 2 + (frame.q - q) ** 2)
            share = covered(radius - one.radius_mm, 1.5)
            brightness = brightness + share * (contrast.haemangioma / contrast.marrow - brightness)
    return brightness


def _beneath_plates(frame: BlockFrame, name: str, level: Level) -> list[Field]:
    """Return the distance from the plates of a body that touch the disc at ``level``."""
    depths = []
    if vertebra_above(level) == name:
        depths.append(frame.lower)
    if str(level).endswith(f"-{name}"):
        depths.append(frame.upper)
    return depths
