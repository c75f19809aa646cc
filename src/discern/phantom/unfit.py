"""Spines that are not to be read: with metal, or of half the size.

Every function takes a rendered slice and returns one of the same matrix; the truth boxes are not
changed. Shapes are our own: they are there to be noticed, not to be diagnosed.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import SliceGeometry
from discern.phantom.anatomy import Spine
from discern.phantom.render import PhantomSlice
from discern.spine import Level, Vertebra

Field = NDArray[np.float32]
Point = NDArray[np.float64]

_SCREW_X_MM = 15.0
"""Pedicle screws run so far beside the midline."""
_SCREW_FRONT_MM, _SCREW_BACK_MM = 6.0, 46.0
"""From the middle of the body forwards, and backwards to the rod."""
_CAGE_HALF_MM = 9.0
_RIM = 1.25
"""Signal displaced by the metal piles up between one and so many radii of the void."""
_RIM_GAIN = 1.7
_NOISE = 0.02
_UNITS = 900.0
_SMALLER = 0.5


@dataclass(frozen=True, slots=True)
class Metal:
    """Screws with rods in ``vertebrae`` and cages in ``discs``.

    ``radius_mm`` is how far the signal is lost round the axis of a screw: about 6 mm for titanium
    on a fast spin echo at 1.5 T, 12 mm and more for steel; both are our guess.
    """

    vertebrae: tuple[Vertebra, ...] = ()
    discs: tuple[Level, ...] = ()
    radius_mm: float = 6.0


def with_metal(slice_: PhantomSlice, spine: Spine, metal: Metal, seed: int) -> PhantomSlice:
    """Return the slice with the voids and bright rims of ``metal``."""
    points = _points(slice_.geometry, slice_.image.shape)
    apart = np.full(slice_.image.shape, np.inf)
    for start, end in _rods(spine, metal):
        apart = np.minimum(apart, _distance(points, start, end))
    image = slice_.image.copy()
    rim = (apart >= metal.radius_mm) & (apart < _RIM * metal.radius_mm)
    image[rim] *= _RIM_GAIN
    lost = apart < metal.radius_mm
    noise = np.random.default_rng(seed).rayleigh(_NOISE * _UNITS, image.shape)
    image[lost] = noise[lost]
    return replace(slice_, image=_stored(image))


def _rods(spine: Spine, metal: Metal) -> list[tuple[Point, Point]]:
    """Return the axes of screws, rods and cages as pairs of ends in the patient frame."""
    found: list[tuple[Point, Point]] = []
    centers = [np.array(spine.center_lps_mm(spine.vertebra(one))) for one in metal.vertebrae]
    for side in (-_SCREW_X_MM, _SCREW_X_MM):
        fronts = [center + np.array([side, -_SCREW_FRONT_MM, 0.0]) for center in centers]
        backs = [center + np.array([side, _SCREW_BACK_MM, 0.0]) for center in centers]
        found += list(zip(fronts, backs, strict=True))
        found += list(pairwise(backs))
    for level in metal.discs:
        center = np.array(spine.disc_center_lps_mm(level))
        half = np.array([0.0, _CAGE_HALF_MM, 0.0])
        found.append((center - half, center + half))
    return found


def _points(geometry: SliceGeometry, shape: tuple[int, ...]) -> Point:
    """Return the (H, W, 3) centres of the pixels in the patient frame."""
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    flat = geometry.pixel_to_lps(np.stack([columns.ravel(), rows.ravel()], axis=1))
    points: Point = flat.reshape(*shape, 3)
    return points


def _distance(points: Point, start: Point, end: Point) -> NDArray[np.float64]:
    """Return how far each point lies from the line between two ends."""
    along = end - start
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    apart: NDArray[np.float64] = np.linalg.norm(points - start - share[..., None] * along, axis=-1)
    return apart


def smaller(slice_: PhantomSlice) -> PhantomSlice:
    """Return the slice as that of a spine of half the size, as a cervical one is."""
    geometry = slice_.geometry
    x, y, z = geometry.position_lps_mm
    spacing_mm = (geometry.spacing_mm[0] * _SMALLER, geometry.spacing_mm[1] * _SMALLER)
    here = replace(geometry, position_lps_mm=(x, y * _SMALLER, z * _SMALLER), spacing_mm=spacing_mm)
    return replace(slice_, geometry=here)


def _stored(units: Field) -> Field:
    stored: Field = np.clip(np.rint(units), 0, 4095).astype(np.float32)
    return stored
