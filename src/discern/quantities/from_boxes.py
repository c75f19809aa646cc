"""Height of the discs from their boxes alone, where no tissue maps exist."""

import numpy as np

from discern.findings import QuantityName
from discern.quantities.measure import Measured
from discern.quantities.plausible import plausible
from discern.quantities.slices import Array

_STEEPEST = np.deg2rad(25.0)
"""Tilt from which a box no longer tells the height of its disc from its depth."""
_TURN = np.deg2rad(3.0)
"""By how much a disc is on average tilted less than the line across its neighbours' centres."""
_HEIGHT = (0.64, -0.44, 0.034)
_INDEX = (0.66, -0.46, 0.049)
"""Shares of the box's height, of its width times the sine of the tilt, and of its width, in the
height of the disc, and the same over its width in the index. Least squares against masks, printed
by ``python bench/quantities.py`` with the errors."""


def measure_boxes(boxes_xyxy_px: Array, spacing_mm: tuple[float, float] | None) -> list[Measured]:
    """Estimate height and height index of the (N, 4) boxes of neighbouring discs, head to foot.

    A tilted disc fills more rows than it is high: the tilt, taken across the line through the
    centres of the two neighbours, corrects for that. The first and the last disc have only one
    neighbour and are not measured, nor is a steep disc, nor anything that boxes do not show:
    signal, wedge, slip. Pixels are taken as square where the spacing is not known.
    """
    boxes = np.asarray(boxes_xyxy_px, float).reshape(-1, 4)
    height, index = (box_terms(boxes, spacing_mm) @ np.array((_HEIGHT, _INDEX)).T).T
    width_mm = (boxes[:, 2] - boxes[:, 0]) * (spacing_mm or (1.0, 1.0))[1]
    measured = []
    for share, ratio, width in zip(height, index, width_mm, strict=True):
        values = {QuantityName.DISC_HEIGHT_INDEX: float(ratio)}
        if spacing_mm is not None:
            values[QuantityName.DISC_HEIGHT] = float(share * width)
        measured.append(plausible(values))
    return measured


def box_terms(boxes_xyxy_px: Array, spacing_mm: tuple[float, float] | None) -> Array:
    """Return (N, 3): height over width of each box, sine of its disc's tilt, and one.

    NaN for the first and the last box and where the disc is too steep.
    """
    rows_mm, columns_mm = spacing_mm or (1.0, 1.0)
    boxes = boxes_xyxy_px * (columns_mm, rows_mm, columns_mm, rows_mm)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    terms = np.full((len(boxes), 3), np.nan)
    if len(boxes) < 3:  # noqa: PLR2004 - a disc and its two neighbours
        return terms
    along = center[2:] - center[:-2]
    tilt = np.abs(np.arctan2(-along[:, 0], along[:, 1]) - _TURN)
    width, height = (boxes[1:-1, 2:] - boxes[1:-1, :2]).T
    terms[1:-1] = np.stack((height / width, np.sin(tilt), np.ones_like(tilt)), axis=1)
    terms[1:-1][tilt > _STEEPEST] = np.nan
    return terms
