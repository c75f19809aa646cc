"""One disc cut out of a slice, as large as any other: shared by training and inference.

A sagittal slice is cut about the box of a disc, an axial one about the place of the spine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.pixels import Image
from discern.imaging.placement import Placement, resample

Box = tuple[float, float, float, float]
AXIAL_SIDE_MM = 80.0
"""What is cut out of an axial slice: the disc, the canal, the roots and what lies beside them."""
AXIAL_BEHIND_MM = 14.0
"""Its middle behind that of the disc: lesions lie towards the canal."""
_AXIAL_SHARE = 0.43  # of the longer side of an axial image that does not say how large it is


@dataclass(frozen=True, slots=True)
class CropRules:
    """Size of a crop, and how much of the image it shows.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        disc_widths: Width of the crop in widths of the box that it is laid about.
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


def axial_box(
    shape_px: tuple[int, int],
    spacing_mm: tuple[float, float] | None = None,
    middle_px: tuple[float, float] | None = None,
) -> Box:
    """Return the box that the crop of an axial slice is laid about.

    Args:
        shape_px: Rows and columns of the image.
        spacing_mm: Between rows and between columns; None takes the share of the longer side that
            is as much of a usual field of view of 185 mm.
        middle_px: Of the crop, x and y; None means that of the image.

    >>> axial_box((400, 400))
    (114.0, 114.0, 286.0, 286.0)
    >>> axial_box((400, 200), (0.5, 1.0), (100.0, 220.0))
    (60.0, 140.0, 140.0, 300.0)
    """
    rows, columns = shape_px
    x, y = middle_px or (columns / 2, rows / 2)
    half_x = half_y = _AXIAL_SHARE * max(rows, columns) / 2
    if spacing_mm is not None:
        half_y, half_x = (AXIAL_SIDE_MM / 2 / one for one in spacing_mm)
    return (x - half_x, y - half_y, x + half_x, y + half_y)
