"""Height, depth, wedge and slip of each disc from its endplates and walls."""

from dataclasses import dataclass

import numpy as np

from discern.quantities.plates import Plates, Walls
from discern.quantities.slices import Array

STATIONS = (0.1, 0.5, 0.9)
"""Anterior, middle and posterior height, in shares of the depth: a tenth of the depth inside the
corners, because masks round them off."""
_WINDOW = np.linspace(-0.04, 0.04, 5)
_CORNER = 0.03
"""Distance in depths (1 mm) of a bone's corner from the border of the disc."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of N discs, lengths in the unit of the slice; NaN where it cannot be told.

    Attributes:
        tilt: (N,) of the bisector of the endplates against the disc's first axis, radians.
        front, back: (N,) ends of the endplates along the bisector.
        heights: (N, 3) anterior, middle and posterior.
        wedge_deg: (N,) angle between the endplates, positive open anteriorly.
        slip: (N,) forward offset of the upper vertebra.
    """

    tilt: Array
    front: Array
    back: Array
    heights: Array
    wedge_deg: Array
    slip: Array

    @property
    def depth(self) -> Array:
        """(N,) anteroposterior length of the endplates."""
        return self.back - self.front


def shape_of(plates: Plates, walls: Walls) -> Shape:
    """Measure N discs.

    Heights: distance between the two contours across the bisector of the endplates, at a tenth,
    half and nine tenths of the depth (the three-point method of Fyllos et al., Surg Radiol Anat
    40:1055, 2018). Wedge: angle between the lines fitted to the endplates.
    """
    upper, lower = np.arctan(plates.upper_slope), np.arctan(plates.lower_slope)
    tilt = (upper + lower) / 2
    cos, sin = np.cos(tilt), np.sin(tilt)
    front, back = (_along(plates, end, cos, sin) for end in (plates.front, plates.back))
    shares = (np.array(STATIONS)[:, None] + _WINDOW).ravel()
    at = front[:, None] + shares * (back - front)[:, None]  # (N, 3 * window)
    borders = [contours_at(plates, row, tilt[row], at[row]) for row in range(len(tilt))]
    gaps = np.array([low - high for high, low in borders], float)
    heights = gaps.reshape(len(tilt), len(STATIONS), len(_WINDOW)).mean(axis=2)
    return Shape(tilt, front, back, heights, np.rad2deg(upper - lower), _slip(plates, walls, tilt))


def _along(plates: Plates, end: Array, cos: Array, sin: Array) -> Array:
    """Turn an end, given along the first axis, to the bisector."""
    middle = plates.upper_start + plates.lower_start
    middle = (middle + (plates.upper_slope + plates.lower_slope) * end) / 2
    along: Array = end * cos + middle * sin
    return along


def contours_at(plates: Plates, row: int, tilt: float, at: Array) -> tuple[Array, Array]:
    """Return upper and lower contour of disc ``row`` at places ``at``, both along its bisector."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    borders = []
    for contour in (plates.upper[row], plates.lower[row]):
        known = ~np.isnan(contour)
        if not known.any():
            return np.full(at.size, np.nan), np.full(at.size, np.nan)
        u, v = plates.u[row, known], contour[known]
        borders.append(np.interp(at, u * cos + v * sin, v * cos - u * sin))
    return borders[0], borders[1]


def _slip(plates: Plates, walls: Walls, tilt: Array) -> Array:
    """Return the forward offset of the upper vertebra along the bisector of the endplates.

    It lies between the posterior corners, where the wall lines meet the endplates, and is taken
    along the bisector (Frobin et al., Clin Biomech 12 Suppl 1:S1, 1997), which favours neither
    vertebra. Meyerding (1932) and Taillard (1954) give it as a share of the endplate's depth.
    """
    inset = _CORNER * (plates.back - plates.front)
    upper_u, upper_v = _meet(
        plates.upper_start - inset, plates.upper_slope, walls.upper_start, walls.upper_slope
    )
    lower_u, lower_v = _meet(
        plates.lower_start + inset, plates.lower_slope, walls.lower_start, walls.lower_slope
    )
    slip: Array = (lower_u - upper_u) * np.cos(tilt) + (lower_v - upper_v) * np.sin(tilt)
    return slip


def _meet(v_start: Array, v_slope: Array, u_start: Array, u_slope: Array) -> tuple[Array, Array]:
    """Return where v = v_start + v_slope * u meets u = u_start + u_slope * v."""
    u = (u_start + u_slope * v_start) / (1 - u_slope * v_slope)
    return u, v_start + v_slope * u
