"""Truth boxes of a synthetic slice, by the convention of the SPIDER boxes."""

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth, TruthBox
from discern.phantom.canvas import Window
from discern.phantom.discs import DiscFootprint
from discern.phantom.spine_model import PhantomParameters
from discern.spine import GRADE_LABELS, Label, Level, Plane

BoxXyxy = tuple[float, float, float, float]

_MIN_LENGTH_MM = 14.0
"""A disc seen over less than this, far off the midline, is an ignore region."""
_MIN_HERNIATION_MM2 = 10.0


def truth_of(
    footprints: list[DiscFootprint],
    parameters: PhantomParameters,
    empty: GroundTruth,
    spacing_mm: tuple[float, float],
) -> GroundTruth:
    """Return ``empty`` filled with the boxes of ``footprints``.

    Sagittal slices carry grades (a box tight round each whole disc, pixel edges, right and bottom
    exclusive) and herniations; axial slices carry herniations only. A herniation's box covers the
    posterior third of the disc together with the protruded material. Discs cut by the image edge
    or barely grazed, remnants within the sacrum, and discs above T9-T10 are ignore regions.
    """
    boxes: list[TruthBox] = []
    ignored: list[BoxXyxy] = []
    for footprint in footprints:
        if not footprint.disc.any():
            continue
        level = footprint.level if footprint.level in parameters.levels else None
        box = _bounds(footprint.disc, footprint.window)
        if empty.plane is Plane.SAGITTAL:
            if level is None or _is_partial(box, empty.shape_px, spacing_mm):
                ignored.append(box)
                continue
            grade = parameters.grade_of(level)
            boxes.append(TruthBox(GRADE_LABELS[grade - 1], box, disc_number(level, parameters)))
        herniated_mm2 = footprint.herniated.sum() * spacing_mm[0] * spacing_mm[1]
        if level is not None and herniated_mm2 >= _MIN_HERNIATION_MM2:
            behind = _bounds(footprint.posterior, footprint.window)
            boxes.append(TruthBox(Label.HERNIATION, behind, disc_number(level, parameters)))
    annotated = (*GRADE_LABELS, Label.HERNIATION)
    return GroundTruth(
        image=empty.image,
        patient=empty.patient,
        plane=empty.plane,
        shape_px=empty.shape_px,
        boxes=tuple(boxes),
        annotated=frozenset(annotated if empty.plane is Plane.SAGITTAL else annotated[5:]),
        ignored=tuple(ignored),
    )


def disc_number(level: Level, parameters: PhantomParameters) -> int:
    """Return SPIDER's number of a presacral disc, counted upwards from the lowest, which is 1."""
    return len(parameters.levels) - parameters.levels.index(level)


def _bounds(mask: NDArray[np.bool_], window: Window) -> BoxXyxy:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = window.rows.start, window.columns.start
    return (
        float(left + columns[0]),
        float(top + rows[0]),
        float(left + columns[-1] + 1),
        float(top + rows[-1] + 1),
    )


def _is_partial(box: BoxXyxy, shape_px: tuple[int, int], spacing_mm: tuple[float, float]) -> bool:
    x1, y1, x2, y2 = box
    is_cut = x1 <= 0 or y1 <= 0 or x2 >= shape_px[1] or y2 >= shape_px[0]
    length_mm = np.hypot((x2 - x1) * spacing_mm[1], (y2 - y1) * spacing_mm[0])
    return bool(is_cut or length_mm < _MIN_LENGTH_MM)
