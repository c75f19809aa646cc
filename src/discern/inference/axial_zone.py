"""Side and zone of a lesion on an axial slice, from its distance to the midline in mm.

Zones follow Fardon et al. (Spine J 14:2525, 2014): central up to the medial edge of the facet,
subarticular up to the medial border of the pedicle, foraminal up to its lateral border, and
extraforaminal beyond. The pedicles are those of the vertebra above the disc; their borders are not
seen by the network, so mean distances stand in for them: half the width of the canal (Panjabi et
al., Spine 17:299, 1992) and the width of the pedicle (Zindrick et al., Spine 12:160, 1987). The
facet's edge is put halfway to the pedicle, the limit between zones A and B of Mysliwiec et al. (Eur
Spine J 19:1087, 2010). All distances grow with the depth of the disc. It is the middle of the
box that is placed: the widest reach of a lesion may lie in the next zone.

A box far from the disc is none of its lesions, whatever the network calls it: a high-intensity zone
lies within the annulus, a herniation behind or beside the disc, up to the far side of the canal.
"""

from collections.abc import Sequence

import numpy as np

from discern.findings import Side, Zone
from discern.imaging.geometry import POSTERIOR, SliceGeometry, Vector
from discern.imaging.plane_geometry import along_slice
from discern.spine import Label, Level, Vertebra, vertebra_above

_CANAL_WIDTH_MM = {
    Vertebra.L1: 23.7,
    Vertebra.L2: 23.8,
    Vertebra.L3: 24.3,
    Vertebra.L4: 25.4,
    Vertebra.L5: 27.1,
}
_PEDICLE_WIDTH_MM = {
    Vertebra.L1: 8.7,
    Vertebra.L2: 8.9,
    Vertebra.L3: 10.3,
    Vertebra.L4: 12.9,
    Vertebra.L5: 18.0,
}
_USUAL_DEPTH_MM = 35.0  # of a lumbar disc (Panjabi 1992: depth of the endplate)
_SCALES = (0.8, 1.25)  # a box is too rough a measure of a body to be followed farther
_FACET_SHARE = 0.5  # of the half width of the canal
_HALF_WIDTH_MM = 26.0  # of a disc of the usual depth (Panjabi 1992: half the endplate's width)
_WITHIN_ANNULUS = 1.25  # half axes of the disc's ellipse: the middle of a box lies on its margin
_CANAL_DEPTH_MM, _BESIDE_MM = 16.0, 12.0
_MIDLINE_SHARE = 0.2  # of the half width of the canal: about 2.5 mm, the doubt about the midline


def offset_mm(
    box_xyxy_px: Sequence[float], geometry: SliceGeometry, midline_lps_mm: Vector, left: Vector
) -> float:
    """Return how far the middle of a box lies from the midline towards ``left``.

    Args:
        box_xyxy_px: In the stored matrix.
        geometry: Of the slice.
        midline_lps_mm: Where the slice crosses the axis of the spine.
        left: A direction, usually to the patient's left; the offset is measured along the slice.
    """
    x1, y1, x2, y2 = box_xyxy_px
    middle = geometry.pixel_to_lps(np.array([[(x1 + x2) / 2, (y1 + y2) / 2]]))[0]
    return float((middle - np.asarray(midline_lps_mm)) @ along_slice(left, geometry))


def lies_at_disc(
    box_xyxy_px: Sequence[float],
    label: Label,
    geometry: SliceGeometry,
    place: tuple[Vector, Vector],
    depth_mm: float,
) -> bool:
    """Return whether a lesion may be one of the disc that the slice shows.

    Args:
        box_xyxy_px: In the stored matrix.
        label: Herniation or high-intensity zone.
        geometry: Of the slice.
        place: Where the slice crosses the axis of the spine, and the direction to the left.
        depth_mm: Of the disc, front to back.
    """
    axis_lps_mm, left = place
    across_mm = offset_mm(box_xyxy_px, geometry, axis_lps_mm, left)
    behind_mm = offset_mm(box_xyxy_px, geometry, axis_lps_mm, POSTERIOR)
    half_width, half_depth = _HALF_WIDTH_MM * _scale(depth_mm), depth_mm / 2
    if label is Label.HIZ:
        return bool(np.hypot(across_mm / half_width, behind_mm / half_depth) <= _WITHIN_ANNULUS)
    is_beside = abs(across_mm) <= half_width + _BESIDE_MM
    return is_beside and 0 <= behind_mm <= half_depth + _CANAL_DEPTH_MM


def side_of(offset_mm: float, level: Level, depth_mm: float) -> Side:
    """Return the side of an offset: central within a tenth of the width of the canal.

    >>> side_of(4.0, Level.L4_L5, 35.0), side_of(-1.0, Level.L4_L5, 35.0)
    (<Side.LEFT: 'left'>, <Side.CENTRAL: 'central'>)
    """
    if abs(offset_mm) <= _MIDLINE_SHARE * _half_canal_mm(level, depth_mm):
        return Side.CENTRAL
    return Side.LEFT if offset_mm > 0 else Side.RIGHT


def zone_of(offset_mm: float, level: Level, depth_mm: float) -> Zone:
    """Return the axial zone of an offset; see the module for the limits.

    >>> [str(zone_of(x, Level.L4_L5, 35.0)) for x in (-4.0, 9.0, 18.0, 30.0)]
    ['central', 'subarticular', 'foraminal', 'extraforaminal']
    """
    half = _half_canal_mm(level, depth_mm)
    pedicle = _PEDICLE_WIDTH_MM[_lumbar(level)] * _scale(depth_mm)
    limits = (_FACET_SHARE * half, half, half + pedicle)
    return tuple(Zone)[int(np.searchsorted(limits, abs(offset_mm)))]


def _half_canal_mm(level: Level, depth_mm: float) -> float:
    return _CANAL_WIDTH_MM[_lumbar(level)] / 2 * _scale(depth_mm)


def _scale(depth_mm: float) -> float:
    return float(np.clip(depth_mm / _USUAL_DEPTH_MM, *_SCALES))


def _lumbar(level: Level) -> Vertebra:
    """Return the vertebra above the disc, or the lumbar one nearest to it."""
    order = tuple(Vertebra)
    first, last = order.index(Vertebra.L1), order.index(Vertebra.L5)
    return order[min(max(order.index(vertebra_above(level)), first), last)]
