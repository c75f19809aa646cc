"""Sagittal slices of a head and of a knee, to be refused: a few shapes with their T2 signals.

Shapes and signals are our own, after the usual look of such images.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from discern.phantom.render import PhantomSlice

Field = NDArray[np.float32]
Pair = tuple[float, float]

_NOISE = 0.02
_UNITS = 900.0
_BLUR_PX = 0.8
_GRAIN = 0.012
"""Scale of the texture, share of the image."""


class Outline(Enum):
    """Form of a part."""

    ELLIPSE = auto()
    BAR = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """A part of the body: (x, y) centre and half size in shares of the image.

    ``lean`` shifts it sideways with its height; ``texture`` is added to its signal.
    """

    outline: Outline
    center: Pair
    half: Pair
    signal: float
    texture: float = 0.0
    lean: float = 0.0


_ELLIPSE, _BAR = Outline.ELLIPSE, Outline.BAR
_AIR = 0.015
_HEAD = (
    Shape(_BAR, (0.55, 0.85), (0.17, 0.15), 0.55),
    Shape(_ELLIPSE, (0.5, 0.45), (0.44, 0.40), 0.6),
    Shape(_ELLIPSE, (0.5, 0.45), (0.415, 0.375), 0.05),
    Shape(_ELLIPSE, (0.5, 0.45), (0.395, 0.355), 0.95),
    Shape(_ELLIPSE, (0.5, 0.44), (0.38, 0.34), 0.45, texture=0.08),
    Shape(_ELLIPSE, (0.48, 0.42), (0.13, 0.035), 0.95),
    Shape(_ELLIPSE, (0.48, 0.46), (0.15, 0.012), 0.3),
    Shape(_ELLIPSE, (0.68, 0.66), (0.10, 0.08), 0.45, texture=0.12),
    Shape(_ELLIPSE, (0.53, 0.62), (0.05, 0.07), 0.42),
    Shape(_BAR, (0.56, 0.84), (0.035, 0.16), 0.95, lean=0.1),
    Shape(_BAR, (0.56, 0.82), (0.022, 0.18), 0.38, lean=0.1),
    Shape(_BAR, (0.49, 0.87), (0.03, 0.035), 0.4, texture=0.03),
    Shape(_BAR, (0.49, 0.96), (0.03, 0.035), 0.4, texture=0.03),
)
_KNEE = (
    Shape(_BAR, (0.52, 0.5), (0.34, 0.5), 0.62),
    Shape(_BAR, (0.74, 0.5), (0.08, 0.5), 0.14, texture=0.02),
    Shape(_ELLIPSE, (0.48, 0.37), (0.18, 0.16), 0.8),
    Shape(_ELLIPSE, (0.48, 0.55), (0.19, 0.03), 0.8),
    Shape(_BAR, (0.48, 0.17), (0.10, 0.19), 0.5, texture=0.05),
    Shape(_ELLIPSE, (0.48, 0.36), (0.16, 0.14), 0.5, texture=0.05),
    Shape(_ELLIPSE, (0.48, 0.63), (0.18, 0.085), 0.5, texture=0.05),
    Shape(_BAR, (0.48, 0.82), (0.09, 0.18), 0.5, texture=0.05),
    Shape(_ELLIPSE, (0.25, 0.34), (0.045, 0.09), 0.5, texture=0.05),
    Shape(_BAR, (0.23, 0.52), (0.012, 0.12), 0.05),
    Shape(_ELLIPSE, (0.34, 0.525), (0.05, 0.018), 0.05),
    Shape(_ELLIPSE, (0.62, 0.525), (0.05, 0.018), 0.05),
    Shape(_BAR, (0.50, 0.49), (0.018, 0.06), 0.08, lean=-0.5),
)


def as_head(slice_: PhantomSlice, seed: int) -> PhantomSlice:
    """Return a slice of a head in the place of a slice of the spine."""
    return _drawn(slice_, _HEAD, seed)


def as_knee(slice_: PhantomSlice, seed: int) -> PhantomSlice:
    """Return a slice of a knee in the place of a slice of the spine."""
    return _drawn(slice_, _KNEE, seed)


def _drawn(slice_: PhantomSlice, shapes: tuple[Shape, ...], seed: int) -> PhantomSlice:
    rng = np.random.default_rng(seed)
    rows, columns = slice_.image.shape
    y, x = (np.mgrid[:rows, :columns] + 0.5) / np.array([rows, columns])[:, None, None]
    grain = gaussian_filter(rng.standard_normal((rows, columns)), _GRAIN * rows)
    grain /= grain.std()
    signal = np.full((rows, columns), _AIR)
    for shape in shapes:
        inside = _inside(shape, x, y)
        signal[inside] = shape.signal + shape.texture * grain[inside]
    real, imaginary = _NOISE * rng.standard_normal((2, rows, columns))
    units = np.hypot(gaussian_filter(signal, _BLUR_PX) + real, imaginary) * _UNITS
    image: Field = np.rint(units).astype(np.float32)
    return replace(slice_, image=image)


def _inside(shape: Shape, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    across = (x - shape.center[0] - shape.lean * (y - shape.center[1])) / shape.half[0]
    down = (y - shape.center[1]) / shape.half[1]
    found: NDArray[np.bool_] = (
        np.hypot(across, down) < 1
        if shape.outline is Outline.ELLIPSE
        else np.maximum(abs(across), abs(down)) < 1
    )
    return found
