"""Height of each vertebral body between two discs, from the contours of these discs."""

import numpy as np

from discern.quantities.axes import disc_axes
from discern.quantities.plates import find_plates
from discern.quantities.profiles import sample_profiles
from discern.quantities.shape import STATIONS, contours_at, shape_of
from discern.quantities.slices import Array, TissueSlice


def vertebral_heights(maps: TissueSlice, boxes_xyxy_px: Array) -> Array:
    """Return the (N - 1, 3) anterior, middle and posterior heights between N discs, head to foot.

    The points that Genant et al. (J Bone Miner Res 8:1137, 1993) place on a radiograph: here they
    are where the lower contour of the disc above and the upper contour of the disc below lie at a
    tenth, half and nine tenths of their depth. In the unit of the slice; NaN where a contour cannot
    be told.
    """
    points = _contour_points(maps, np.asarray(boxes_xyxy_px, float).reshape(-1, 4))
    heights: Array = np.linalg.norm(points[1:, 0] - points[:-1, 1], axis=-1)
    return heights


def _contour_points(maps: TissueSlice, boxes_xyxy_px: Array) -> Array:
    """Return (N, 2, 3, 2): upper and lower contour of each disc at three stations, as x and y."""
    points = np.full((len(boxes_xyxy_px), 2, len(STATIONS), 2), np.nan)
    axes = disc_axes(maps, boxes_xyxy_px)
    if axes.rows.size == 0:
        return points
    plates, walls = find_plates(sample_profiles(maps, axes), axes)
    shape = shape_of(plates, walls)
    for place, row in enumerate(axes.rows):
        at = shape.front[place] + np.array(STATIONS) * shape.depth[place]
        contours = contours_at(plates, place, float(shape.tilt[place]), at)
        angle = axes.angle[place] + shape.tilt[place]
        back = np.array([np.cos(angle), np.sin(angle)])
        down = np.array([-np.sin(angle), np.cos(angle)])
        for side, across in enumerate(contours):
            points[row, side] = axes.center[place] + at[:, None] * back + across[:, None] * down
    return points
