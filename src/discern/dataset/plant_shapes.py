"""Shapes of planted lesions and two independent ways to draw them.

A network tested with the renderer it was trained with could learn the renderer. ``SMOOTH`` is for
training, ``SAMPLED`` for tests: another outline, another edge, another point spread.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.spine import Label

Plane2d = NDArray[np.float64]
_FINE = 5
"""Sample points along the side of a pixel, of the sampled renderer."""


class Renderer(StrEnum):
    """How coverage is drawn."""

    SMOOTH = "smooth"  # an ellipse with a linear edge under a Gaussian point spread
    SAMPLED = "sampled"  # a ragged outline, sampled finely, cut off in k-space


@dataclass(frozen=True, slots=True)
class Shape:
    """One lesion in the frame of its disc; lengths in pixels.

    Attributes:
        label: Herniation or high-intensity zone.
        back_px: Its middle behind the middle of the disc.
        down_px: Its middle below the axis of the disc.
        half_back_px: Half size along the axis.
        half_down_px: Half size across it.
        turn_rad: Turned within the image.
        bend: Curvature per pixel: a rim bends round the end of the disc.
        blur_px: Standard deviation of the point spread.
        seed: Of a ragged outline.
    """

    label: Label
    back_px: float
    down_px: float
    half_back_px: float
    half_down_px: float
    turn_rad: float = 0.0
    bend: float = 0.0
    blur_px: float = 0.6
    seed: int = 0


def coverage(shape: Shape, back_px: Plane2d, down_px: Plane2d, renderer: Renderer) -> Plane2d:
    """Return the share (H, W) of each pixel that the lesion fills, blurred.

    ``back_px`` and ``down_px`` are where the pixels lie in the frame of the disc.
    """
    if renderer is Renderer.SMOOTH:
        distance = _radius(shape, back_px, down_px) - 1
        edge = distance * min(shape.half_back_px, shape.half_down_px)
        filled: Plane2d = ndimage.gaussian_filter(np.clip(0.5 - edge, 0, 1), shape.blur_px)
        return filled
    return _sampled(shape, back_px, down_px)


def _radius(shape: Shape, back_px: Plane2d, down_px: Plane2d) -> Plane2d:
    """Return the elliptic radius, 1 on the outline."""
    along, across = back_px - shape.back_px, down_px - shape.down_px
    cos, sin = np.cos(shape.turn_rad), np.sin(shape.turn_rad)
    u, v = along * cos + across * sin, across * cos - along * sin
    u = u + shape.bend * v**2
    radius: Plane2d = np.hypot(u / shape.half_back_px, v / shape.half_down_px)
    return radius


def _sampled(shape: Shape, back_px: Plane2d, down_px: Plane2d) -> Plane2d:
    """Average fine samples of a ragged outline, then keep the low spatial frequencies."""
    rng = np.random.default_rng(shape.seed)
    phases, sizes = rng.uniform(0, 2 * np.pi, 4), rng.uniform(0.03, 0.12, 4)
    steps = (np.arange(_FINE) - (_FINE - 1) / 2) / _FINE
    total = np.zeros(back_px.shape)
    for row in steps:
        for column in steps:
            along, across = back_px + column, down_px + row
            angle = np.arctan2(across - shape.down_px, along - shape.back_px)
            ragged = sum(
                size * np.sin((order + 2) * angle + phase)
                for order, (size, phase) in enumerate(zip(sizes, phases, strict=True))
            )
            total += _radius(shape, along, across) < 1 + ragged
    return _without_fine_detail(total / _FINE**2, shape.blur_px)


def _without_fine_detail(image: Plane2d, blur_px: float) -> Plane2d:
    """Multiply the spectrum by a raised cosine that ends where a Gaussian has fallen to a tenth."""
    rows, columns = (np.fft.fftfreq(size) for size in image.shape)
    frequency = np.hypot(rows[:, None], columns[None, :])
    end = min(np.sqrt(2 * np.log(10)) / (2 * np.pi * blur_px), 0.6)
    window = np.where(frequency < end, 0.5 + 0.5 * np.cos(np.pi * frequency / end), 0.0)
    return np.asarray(np.fft.ifft2(np.fft.fft2(image) * window).real)
