"""Where each disc lies and how it is tilted, from its own pixels in its box."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from discern.quantities.slices import Array, Mask, TissueSlice
from discern.spine import Tissue

_MARGIN = 0.06
"""Share of the box by which it may miss the disc on each side."""
_FRAGMENT = 0.15
"""Smallest part of a disc worth joining, against its largest part; less is an island."""
_MIN_PIXELS = 20
_ROUNDEST = 0.8
"""Thickness over depth from which the long axis of a mask says nothing of the disc's tilt."""


@dataclass(frozen=True, slots=True)
class DiscAxes:
    """Axes of the N discs that could be placed, lengths in mm (or pixels without spacing).

    A point lies at ``center + u * back + v * down``: u runs from anterior to posterior along the
    disc, v across it towards the foot.

    Attributes:
        rows: (N,) row of the box each belongs to.
        center: (N, 2) x, y.
        angle: (N,) of ``back`` against the image's row, radians, positive turning to the foot.
        depth: (N,) first estimate of the anteroposterior length.
    """

    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    center: Array
    angle: Array
    depth: Array


def disc_axes(maps: TissueSlice, boxes_xyxy_px: Array) -> DiscAxes:
    """Return the principal axes of the disc pixels of each of the (N, 4) boxes.

    A disc cut by the image edge, one with hardly a pixel, and a mask too round to have a long
    axis are left out.
    """
    found = []
    for row, box in enumerate(boxes_xyxy_px):
        axes = _axes_of(maps, box)
        if axes is not None:
            found.append((row, *axes))
    table = np.array(found, float).reshape(-1, 5)
    return DiscAxes(table[:, 0].astype(np.intp), table[:, 1:3], table[:, 3], table[:, 4])


def _axes_of(maps: TissueSlice, box: Array) -> tuple[float, float, float, float] | None:
    height, width = maps.image.shape
    margin = _MARGIN * (box[2:] - box[:2]) + 1
    x1, y1 = np.floor(np.maximum(box[:2] - margin, 0)).astype(int)
    x2, y2 = np.ceil(np.minimum(box[2:] + margin, (width, height))).astype(int)
    inside = _own_pixels(maps.of(Tissue.DISC)[y1:y2, x1:x2] >= 0.5)  # noqa: PLR2004 - majority
    y, x = np.nonzero(inside)
    if x.size < _MIN_PIXELS:
        return None
    x, y = x + x1, y + y1
    if x.min() == 0 or y.min() == 0 or x.max() == width - 1 or y.max() == height - 1:
        return None
    points = (np.stack((x, y)) + 0.5) * maps.scale[:, None]  # (2, pixels)
    (xx, xy), (_, yy) = np.cov(points)
    spread = np.hypot((xx - yy) / 2, xy)
    longest, shortest = (xx + yy) / 2 + spread, (xx + yy) / 2 - spread
    if shortest > _ROUNDEST**2 * longest:
        return None
    center_x, center_y = points.mean(axis=1)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return float(center_x), float(center_y), float(angle), float(np.sqrt(12 * longest))


def _own_pixels(disc: Mask) -> Mask:
    """Keep the largest part and large fragments that lie in the middle of the crop."""
    labels, count = ndimage.label(disc)
    if count <= 1:
        return disc
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    keep = sizes >= _FRAGMENT * sizes.max()
    own: Mask = keep[labels]
    return own
