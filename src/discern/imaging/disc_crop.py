"""One disc cut out of a slice, as large as any other: shared by training and inference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.pixels import Image
from discern.imaging.placement import Placement, resample

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CropRules:
    """Size of a crop, and how much of the image it shows.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        disc_widths: Width of the crop in widths of the disc's box.
    """

    rows: int = 64
    columns: int = 96
    disc_widths: float = 1.5


def crop_placement(
    box_xyxy_px: Box, rules: CropRules, spacing_mm: tuple[float, float] | None = None
) -> Placement:
    """Return how an image is shown in the crop about a disc: the box in its middle.

    Args:
        box_xyxy_px: The disc, in pixels of the image.
        rules: Size of the crop.
        spacing_mm: Between rows and between columns; the crop has square pixels. None means that
            the image has them already.

    >>> shown = crop_placement((10, 20, 50, 36), CropRules(64, 96, 1.5))
    >>> shown.scale_xy, shown.focus, shown.target
    ((1.6, 1.6), (30.0, 28.0), (48.0, 32.0))
    """
    x1, y1, x2, y2 = box_xyxy_px
    row_mm, column_mm = spacing_mm or (1.0, 1.0)
    across = rules.columns / (rules.disc_widths * (x2 - x1))
    return Placement(
        scale_xy=(across, across * row_mm / column_mm),
        rotation_deg=0.0,
        focus=((x1 + x2) / 2, (y1 + y2) / 2),
        target=(rules.columns / 2, rules.rows / 2),
    )


def disc_crop(image: NDArray[np.floating], placement: Placement, rules: CropRules) -> Image:
    """Return the (rows, columns) crop of a windowed (H, W) image, black where the image ends."""
    return np.asarray(resample(image, placement, (0, 0, rules.columns, rules.rows)))
