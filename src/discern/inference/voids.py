"""Signal voids beside and within the spine, as metal leaves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.imaging.pixels import Image
from discern.inference.detect import THUMBNAIL_STEP
from discern.quantities.slices import TissueSlice
from discern.spine import Tissue

DARK = 0.12
"""Signal of a void over that of the marrow at its height. Cortical bone, ligaments and worn discs
are as dark, but thin."""
THICK = 0.29
"""Diameter, in disc distances (10 mm), from which a void is one of metal. SPIDER patients of even
number: at most 0.28, facets and ligaments beside the middle."""
_INSET, _BEHIND = 0.08, 1.0
"""The corridor reaches from so much of a disc's depth inside its front to so much behind it."""
_FEWEST_DISCS = 3
_FEWEST_PX = 12
_FULL = 0.999
_MAJORITY = 0.5
_SMOOTH_PX = 2
_SQUARE = 0.7
"""Side of the largest square in a circle, in diameters, a little less."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corridor:
    """Where the spine runs in a thumbnail of the usual view, between the outermost discs.

    Attributes:
        rows: (R,) rows of the thumbnail.
        front, back: (R,) columns between which it lies.
        marrow: (R,) usual signal of vertebral bodies.
        distance: Between neighbouring discs, in the unit of ``scale``.
        scale: Length of a pixel of the thumbnail along (y, x).
    """

    rows: NDArray[np.intp]
    front: Floats
    back: Floats
    marrow: Floats
    distance: float
    scale: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Void:
    """The thickest void of a slice in disc distances, and the share of the corridor in thick ones.

    Both are 0 where none is as thick as ``THICK``.
    """

    thickness: float = 0.0
    share: float = 0.0


NO_VOID = Void()


def corridor_of(tissue: TissueSlice, boxes_xyxy_px: Floats) -> Corridor | None:
    """Return the corridor along (N, 4) boxes, head to foot; None of too few or without marrow."""
    if len(boxes_xyxy_px) < _FEWEST_DISCS:
        return None
    boxes = boxes_xyxy_px / THUMBNAIL_STEP
    image, bone = (
        full[::THUMBNAIL_STEP, ::THUMBNAIL_STEP]
        for full in (tissue.image, tissue.of(Tissue.VERTEBRA))
    )
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    rows = np.arange(max(int(centers[0, 1]), 0), min(int(centers[-1, 1]) + 1, len(image)))
    left, right = (np.interp(rows, centers[:, 1], boxes[:, side]) for side in (0, 2))
    between = [_signal_between(image, bone, upper, lower) for upper, lower in pairwise(boxes)]
    known = np.array([one is not None for one in between])
    if not rows.size or not known.any():
        return None
    middles = (centers[:-1, 1] + centers[1:, 1]) / 2
    signals = np.array([one for one in between if one is not None])
    scale = tissue.scale[::-1] * THUMBNAIL_STEP
    apart = np.linalg.norm(np.diff(centers, axis=0) * scale[::-1], axis=1)
    return Corridor(
        rows=rows,
        front=left + _INSET * (right - left),
        back=right + _BEHIND * (right - left),
        marrow=np.interp(rows, middles[known], signals),
        distance=float(np.median(apart)),
        scale=(float(scale[0]), float(scale[1])),
    )


def _signal_between(image: Image, bone: Image, upper: Floats, lower: Floats) -> float | None:
    """Return the median signal of the vertebral body between two boxes, None of too few pixels."""
    top, bottom = (int((box[1] + box[3]) / 2) for box in (upper, lower))
    left, right = int(min(upper[0], lower[0])), int(max(upper[2], lower[2]))
    inside = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
    values = image[inside][bone[inside] >= _MAJORITY]
    return float(np.median(values)) if values.size >= _FEWEST_PX else None


def unevenness(corridor: Corridor) -> float:
    """Return how many times brighter the brightest vertebral body is than the darkest."""
    return float(corridor.marrow.max() / max(corridor.marrow.min(), 1e-6))


def void_of(thumbnail: Image, corridor: Corridor) -> Void:
    """Return the thick voids of a thumbnail in the usual view along ``corridor``."""
    left, right = int(max(corridor.front.min(), 0)), int(corridor.back.max()) + 1
    crop = thumbnail[corridor.rows[0] : corridor.rows[-1] + 1, left:right]
    x = np.arange(left, left + crop.shape[1])
    inside = (x >= corridor.front[:, None]) & (x <= corridor.back[:, None])
    smooth = ndimage.uniform_filter(crop, _SMOOTH_PX, mode="nearest")
    dark = inside & (smooth < DARK * corridor.marrow[:, None])
    radius = THICK / 2 * corridor.distance
    if not _holds_square(dark, 2 * _SQUARE * radius, corridor.scale):
        return NO_VOID
    depth = _depth(dark, corridor.scale)
    if float(depth.max()) < radius:
        return NO_VOID
    near = ndimage.distance_transform_edt(depth < radius, sampling=corridor.scale) <= radius
    thickness = 2 * float(depth.max()) / corridor.distance
    return Void(thickness, float((near & dark).sum() / inside.sum()))


def _holds_square(dark: NDArray[np.bool_], side: float, scale: tuple[float, float]) -> bool:
    """Whether a dark square of this side fits in: quick, and no thick void goes without one."""
    size = [max(int(side / one), 1) for one in scale]
    filled = ndimage.uniform_filter(dark.astype(np.float32), size, mode="constant")
    return bool(filled.max(initial=0.0) >= _FULL)


def _depth(dark: NDArray[np.bool_], scale: tuple[float, float]) -> Floats:
    """Return how far each dark pixel lies from the next bright one; the crop ends bright."""
    padded = np.pad(dark, 1)
    depth: Floats = ndimage.distance_transform_edt(padded, sampling=scale)[1:-1, 1:-1]
    return depth


def worst(voids: Sequence[Void]) -> Void:
    """Return the largest thickness and share of several slices."""
    return Void(
        max((one.thickness for one in voids), default=0.0),
        max((one.share for one in voids), default=0.0),
    )
