"""A spine known as a formula, axial stacks laid through it, and their names by brute force."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.imaging.study import Image, Series, Slice
from discern.inference.axial_spine import PlacedDisc
from discern.spine import Level, Plane, Vertebra, Weighting

LEVELS = (
    Level.T11_T12,
    Level.T12_L1,
    Level.L1_L2,
    Level.L2_L3,
    Level.L3_L4,
    Level.L4_L5,
    Level.L5_S1,
)
BODIES = (
    Vertebra.T12,
    Vertebra.L1,
    Vertebra.L2,
    Vertebra.L3,
    Vertebra.L4,
    Vertebra.L5,
)
DISTANCE_MM = 35.0
HEIGHT_MM = 10.0
FINE_MM = 0.02

Array = NDArray[np.float64]


def spine_points(along_mm: Array) -> Array:
    """Return (N, 3) points of a lordotic, scoliotic spine by their height (head positive)."""
    x = 12.0 * np.sin(np.pi * along_mm / 210.0)
    y = 30.0 * np.cos(np.pi * along_mm / 220.0) - 40.0
    return np.stack([x, y, along_mm], axis=1)


@dataclass(frozen=True)
class KnownSpine:
    """Finely sampled curve, head to foot, and where the discs sit on it."""

    points: Array
    along: Array
    middles: Array

    def disc(self, index: int) -> Array:
        """Return the place (3,) of one disc."""
        place: Array = self.points[np.argmin(np.abs(self.along - self.middles[index]))]
        return place

    def down(self, index: int) -> Array:
        """Return the direction (3,) of the curve towards the foot at one disc."""
        here = int(np.argmin(np.abs(self.along - self.middles[index])))
        step = self.points[here + 1] - self.points[here - 1]
        return np.asarray(step / np.linalg.norm(step))

    def placed(self, indices: Sequence[int] = range(len(LEVELS))) -> list[PlacedDisc]:
        """Return the discs as the network would have found them."""
        return [
            PlacedDisc(LEVELS[i], (float(x), float(y), float(z)), HEIGHT_MM, 35.0)
            for i in indices
            for x, y, z in [self.disc(i)]
        ]


def known_spine() -> KnownSpine:
    """Return the curve from above the highest to below the lowest disc."""
    points = spine_points(np.arange(140.0, -140.0, -FINE_MM))
    along: Array = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    )
    middles = 35.0 + DISTANCE_MM * np.arange(len(LEVELS), dtype=np.float64)
    return KnownSpine(points, along, middles)


def unread() -> Image:
    """Stand where geometry alone is asked for."""
    raise AssertionError("pixels are not needed to name a slice")


def slice_at(
    center: Array, normal: Array, index: int, *, turn_deg: float = 0.0, side_mm: float = 160.0
) -> Slice:
    """Return a square slice about ``center``, turned in its plane."""
    row = np.cross([0.0, 1.0, 0.0], normal)
    row /= np.linalg.norm(row)
    column = np.cross(normal, row)
    angle = np.radians(turn_deg)
    row, column = (
        np.cos(angle) * row + np.sin(angle) * column,
        np.cos(angle) * column - np.sin(angle) * row,
    )
    size_px, spacing_mm = 200, side_mm / 200
    corner = center - (side_mm - spacing_mm) / 2 * (row + column)
    geometry = SliceGeometry(
        (float(corner[0]), float(corner[1]), float(corner[2])),
        (float(row[0]), float(row[1]), float(row[2])),
        (float(column[0]), float(column[1]), float(column[2])),
        (spacing_mm, spacing_mm),
    )
    shape, spacing = (size_px, size_px), geometry.spacing_mm
    return Slice(index, shape, geometry, spacing, unread, f"1.2.{index}", None, f"{index}.dcm")


def axial_series(slices: Sequence[Slice]) -> Series:
    """Return the slices as an axial series."""
    uid, described = "1.2.3", "Ax T2"
    return Series("s2", uid, described, Plane.AXIAL, Weighting.T2, tuple(slices), used=True)


def expected(
    spine: KnownSpine, slice_: Slice, slab_mm: float
) -> tuple[Level | Vertebra | None, float]:
    """Return the name of a slice by brute force, and how near (mm) it is to getting another.

    The curve point nearest to the slice plane is looked up among fine samples.
    """
    geometry = slice_.geometry
    assert geometry is not None
    row, column = np.array(geometry.along_row), np.array(geometry.along_column)
    offsets = spine.points - np.array(geometry.position_lps_mm)
    best = int(np.abs(offsets @ np.cross(row, column)).argmin())
    across, along = offsets[best] @ row, offsets[best] @ column
    side = slice_.shape_px[0] * geometry.spacing_mm[0]
    if not (0 <= across <= side and 0 <= along <= side):
        return None, 1e9
    here = max(1, min(best, len(spine.points) - 2))
    step = spine.points[here + 1] - spine.points[here - 1]
    slab_mm /= abs(float(step @ np.cross(row, column)) / float(np.linalg.norm(step)))
    away = np.abs(spine.middles - spine.along[best])
    margin = float(np.abs(away - max(HEIGHT_MM, slab_mm) / 2).min())
    if away.min() <= max(HEIGHT_MM, slab_mm) / 2:
        return LEVELS[int(away.argmin())], margin
    index = int(np.searchsorted(spine.middles, spine.along[best]))
    if 0 < index < len(LEVELS):
        return BODIES[index - 1], margin
    # Beyond the last disc the vertebra goes on until the next disc may begin.
    margin = min(margin, abs(float(away.min()) - (DISTANCE_MM - HEIGHT_MM / 2 - 4)))
    if away.min() > DISTANCE_MM - HEIGHT_MM / 2 - 4:
        return None, margin
    return (Vertebra.S1 if index else Vertebra.T11), margin
