"""Where axial slices cross the axis of the spine, and the lines they share with sagittal ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import POSTERIOR, Points, SliceGeometry, Vector
from discern.imaging.plane_geometry import normals_of
from discern.imaging.study import Slice

_LEAST_COSINE = 0.3  # of slice normal and axis: flatter cuts run along the spine
_NEAR_MM = 8.0  # of the axis: a sagittal slice farther to the side shows the rim of the disc
_LEAST_SINE = 0.5  # between two planes, under which they have no sharp line in common


@dataclass(frozen=True, slots=True)
class Crossing:
    """A place of the axis in a slice.

    Attributes:
        along_mm: How far down the axis it lies.
        point_lps_mm: Where it lies.
        cosine: Of the angle between the axis and the normal of the slice.
    """

    along_mm: float
    point_lps_mm: Vector
    cosine: float


def crossings_of(
    points_lps_mm: Points, along_mm: NDArray[np.float64], slices: Sequence[Slice]
) -> list[Crossing | None]:
    """Return where each slice crosses the axis, the place nearest to the middle of its matrix.

    None for a slice without geometry and for one whose matrix does not hold a crossing.

    Args:
        points_lps_mm: (N, 3) points of the axis, head to foot.
        along_mm: (N,) length of the axis up to each of them.
        slices: Axial slices in any order.
    """
    known = [one.geometry for one in slices if one.geometry is not None]
    if not known:
        return [None] * len(slices)
    normals = normals_of(known)  # (S, 3)
    corners = np.array([one.position_lps_mm for one in known])  # (S, 3)
    distances = iter(normals @ points_lps_mm.T - (normals * corners).sum(axis=1)[:, None])
    return [
        None if one.geometry is None else _crossing(points_lps_mm, along_mm, one, next(distances))
        for one in slices
    ]


@dataclass(frozen=True, slots=True)
class CommonLines:
    """Lines that some of S axial slices share with a sagittal one, about the axis of the spine.

    Attributes:
        rows: (L,) the axial slices that cross the axis near the sagittal slice.
        middles_lps_mm: (L, 3) points of the lines nearest to the crossings.
        along: (L, 3) unit directions of the lines, towards the back.
    """

    rows: NDArray[np.intp]
    middles_lps_mm: Points
    along: Points

    def points_lps_mm(self, places_mm: NDArray[np.float64]) -> Points:
        """Return (L, P, 3) points at (L, P) or (P,) places from the middles of the lines."""
        places = np.broadcast_to(places_mm, (len(self.rows), np.shape(places_mm)[-1]))
        points: Points = self.middles_lps_mm[:, None] + places[:, :, None] * self.along[:, None]
        return points


def common_lines(normals: Points, crossings_lps_mm: Points, sagittal: SliceGeometry) -> CommonLines:
    """Return the lines that axial slices share with a sagittal one.

    Args:
        normals: (S, 3) of the axial slices.
        crossings_lps_mm: (S, 3) where they cross the axis of the spine.
        sagittal: Place of the sagittal slice.
    """
    across = sagittal.normal
    offset = -sagittal.distance_mm(crossings_lps_mm)  # (S,)
    cosine = normals @ across
    usable = (np.abs(offset) <= _NEAR_MM) & (1 - cosine**2 >= _LEAST_SINE**2)
    rows = np.flatnonzero(usable)
    normals, cosine = normals[rows], cosine[rows, None]
    sideways = (across - cosine * normals) / (1 - cosine**2)  # a mm across takes so much
    along = np.cross(normals, across)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    along *= np.where(along @ np.array(POSTERIOR) < 0, -1.0, 1.0)[:, None]
    return CommonLines(rows, crossings_lps_mm[rows] + offset[rows, None] * sideways, along)


def _crossing(
    points_lps_mm: Points,
    along_mm: NDArray[np.float64],
    slice_: Slice,
    distance_mm: NDArray[np.float64],
) -> Crossing | None:
    """Return the crossing of a slice from the signed distances (N,) of the axis to its plane."""
    geometry = slice_.geometry
    below = distance_mm < 0
    before = np.flatnonzero(below[:-1] != below[1:])
    if geometry is None or not before.size:
        return None
    change = distance_mm[before + 1] - distance_mm[before]  # (C,)
    share = -distance_mm[before] / change
    steps = points_lps_mm[before + 1] - points_lps_mm[before]  # (C, 3)
    points = points_lps_mm[before] + share[:, None] * steps
    lengths = along_mm[before + 1] - along_mm[before]
    cosine = np.abs(change) / lengths
    size_xy = np.array(slice_.shape_px[::-1])
    pixels = geometry.lps_to_pixel(points)
    inside = ((pixels >= 0) & (pixels <= size_xy)).all(axis=1) & (cosine >= _LEAST_COSINE)
    if not inside.any():
        return None
    off_middle = np.where(inside, np.linalg.norm(pixels - size_xy / 2, axis=1), np.inf)
    best = int(off_middle.argmin())
    x, y, z = points[best].tolist()
    along = float(along_mm[before[best]] + share[best] * lengths[best])
    return Crossing(along, (x, y, z), float(cosine[best]))
