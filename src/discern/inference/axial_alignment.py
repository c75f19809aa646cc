"""How far a patient moved between the sagittal and an axial series, read off the pictures.

Minutes lie between two series. A patient who slides on the table moves by a few mm, up to half the
height of a disc, and the geometry in the files does not know of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, uniform_filter1d

from discern.errors import UnreadableFile
from discern.imaging.geometry import HEAD, Points, SliceGeometry, Vector
from discern.imaging.plane_geometry import normals_of, step_between_mm
from discern.imaging.study import Image, Series, Slice
from discern.inference.axial_crossing import common_lines, crossings_of
from discern.inference.axial_spine import axis_through

_FARTHEST_MM = 7.0
_STEP_MM = 0.5
_SHIFTS = np.arange(-_FARTHEST_MM, _FARTHEST_MM + _STEP_MM, _STEP_MM)
_PLACES = np.linspace(-16.0, 16.0, 33)  # mm before and behind the axis: within the column
_LEAST_SLICES = 6
_LEAST_LIKENESS = 0.4
_LEAST_GAIN = 0.02

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A slice with its pixels."""

    geometry: SliceGeometry
    image: Image

    def at(self, points_lps_mm: Points) -> Floats:
        """Return the signal at (N, 3) points, NaN off the image."""
        x, y = self.geometry.lps_to_pixel(points_lps_mm).T - 0.5
        found: Floats = map_coordinates(self.image.astype(float), (y, x), order=1, cval=np.nan)
        return found


def shift_towards_head_mm(
    series: Series, centers_lps_mm: Points, sagittal: Sequence[Slice]
) -> float:
    """Return how much nearer to the head an axial series shows the patient than its files say.

    About each place where the axis of the spine crosses a slice, the axial signal is compared with
    the sagittal signal higher and lower. The shift is where their correlation over all slices is
    best; zero where that is weak, not clearly better than without a shift, or out of reach.

    Args:
        series: An axial series; slices that cannot be read are left out.
        centers_lps_mm: (D, 3) middles of the discs, head to foot.
        sagittal: Middle sagittal slices; those that cannot be read are left out.
    """
    if not len(centers_lps_mm):
        return 0.0
    crossings = crossings_of(*axis_through(centers_lps_mm), series.slices)
    shown = [
        (picture, crossing.point_lps_mm)
        for slice_, crossing in zip(series.slices, crossings, strict=True)
        if crossing is not None and (picture := _picture(slice_)) is not None
    ]
    if len(shown) < _LEAST_SLICES:
        return 0.0
    beside = [picture for one in sagittal if (picture := _picture(one)) is not None]
    signals = [_signals(one, shown) for one in beside]
    here = np.concatenate([np.zeros(0), *(one[0] for one in signals)])  # (N,)
    there = np.concatenate([_NOTHING, *(one[1] for one in signals)], axis=1)  # (K, N)
    slab_mm = step_between_mm([picture.geometry for picture, _ in shown])
    there = uniform_filter1d(there, max(1, round(slab_mm / _STEP_MM)), axis=0, mode="nearest")
    return _best(_correlations(here, there))


_NOTHING = np.zeros((len(_SHIFTS), 0))


def _picture(slice_: Slice) -> _Picture | None:
    if slice_.geometry is None:
        return None
    try:
        return _Picture(slice_.geometry, slice_.read())
    except UnreadableFile:
        return None


def _signals(sagittal: _Picture, shown: Sequence[tuple[_Picture, Vector]]) -> tuple[Floats, Floats]:
    """Return (N,) axial signals on the common lines, and (K, N) sagittal ones that much higher."""
    normals = normals_of([picture.geometry for picture, _ in shown])
    lines = common_lines(normals, np.array([point for _, point in shown]), sagittal.geometry)
    if not lines.rows.size:
        return np.zeros(0), _NOTHING
    points = lines.points_lps_mm(_PLACES)  # (L, P, 3)
    rows = lines.rows.tolist()
    here = [shown[row][0].at(line) for row, line in zip(rows, points, strict=True)]
    across, head = sagittal.geometry.normal, np.array(HEAD)
    upwards = head - (head @ across) * across  # within the sagittal slice
    higher = points.reshape(1, -1, 3) + _SHIFTS[:, None, None] * upwards  # (K, N, 3)
    return np.concatenate(here), sagittal.at(higher.reshape(-1, 3)).reshape(len(_SHIFTS), -1)


def _correlations(here: Floats, there: Floats) -> Floats:
    """Return the (K,) correlations of (N,) signals with each row of (K, N) others.

    Only columns without NaN count; 0 where there is nothing to compare.
    """
    known = np.isfinite(here) & np.isfinite(there).all(axis=0)
    here, there = here[known], there[:, known]
    if not here.size:
        return np.zeros(len(there))
    here, there = here - here.mean(), there - there.mean(axis=1, keepdims=True)
    scale = np.sqrt((here**2).sum() * (there**2).sum(axis=1))
    found: Floats = np.divide(there @ here, scale, out=np.zeros(len(there)), where=scale > 0)
    return found


def _best(likeness: Floats) -> float:
    """Return the shift at the top of a (K,) curve, between its samples; 0 without a clear top."""
    top = int(likeness.argmax())
    gain = likeness[top] - likeness[np.abs(_SHIFTS).argmin()]
    if likeness[top] < _LEAST_LIKENESS or gain < _LEAST_GAIN or not 0 < top < len(_SHIFTS) - 1:
        return 0.0
    before, here, after = likeness[top - 1 : top + 2]
    return float(_SHIFTS[top] + _STEP_MM * (before - after) / (2 * (before - 2 * here + after)))
