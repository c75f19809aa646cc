"""All quantities of the discs of one slice, from tissue maps."""

import numpy as np

from discern.findings import QuantityName
from discern.quantities.axes import disc_axes
from discern.quantities.plates import find_plates
from discern.quantities.plausible import plausible
from discern.quantities.profiles import sample_profiles
from discern.quantities.shape import shape_of
from discern.quantities.signal import signal_of
from discern.quantities.slices import Array, TissueSlice

Measured = dict[QuantityName, float]
"""What one slice says of one disc; a quantity that cannot be measured is absent."""


def measure_slice(maps: TissueSlice, boxes_xyxy_px: Array) -> list[Measured]:
    """Measure the discs in the (N, 4) boxes of the usual view; docs/quantities.md defines each.

    Lengths need the spacing; without it only ratios and angles are given, of square pixels.
    """
    measured: list[Measured] = [{} for _ in boxes_xyxy_px]
    axes = disc_axes(maps, np.asarray(boxes_xyxy_px, float).reshape(-1, 4))
    if axes.rows.size == 0:
        return measured
    plates, walls = find_plates(sample_profiles(maps, axes), axes)
    shape = shape_of(plates, walls)
    signal = signal_of(maps, axes, plates, shape)
    height = shape.heights.mean(axis=1)
    values = {
        QuantityName.DISC_HEIGHT_INDEX: height / shape.depth,
        QuantityName.SIGNAL_RATIO: signal.nucleus / signal.fluid,
        QuantityName.HOMOGENEITY: 1 - signal.deviation / signal.nucleus,
        QuantityName.WEDGE_ANGLE: shape.wedge_deg,
    }
    if maps.spacing_mm is not None:
        # Without a canal beside it the slice lies off the midline: its walls run into the arches.
        slip = np.where(np.isnan(signal.fluid), np.nan, shape.slip)
        values |= {QuantityName.DISC_HEIGHT: height, QuantityName.LISTHESIS: slip}
    for place, row in enumerate(axes.rows):
        measured[row] = plausible({name: float(all_[place]) for name, all_ in values.items()})
    return measured
