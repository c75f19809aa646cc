"""Truth boxes of a synthetic slice, by the convention of the SPIDER boxes."""

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth, TruthBox
from discern.phantom.canvas import Window
from discern.phantom.discs import DiscFootprint
from discern.phantom.spine_model import PhantomParameters
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, Level, Plane

BoxXyxy = tuple[float, float, float, float]

_MIN_LENGTH_MM = 14.0
"""A disc seen over less than this, far off the midline, is an ignore region."""
_MIN_HERNIATION_MM2 = 10.0
_MIN_ZONE_MM2 = 1.5
"""A zone seen over less is an ignore region: no reader would draw it."""
READERS_MARGIN_MM = 1.5
"""Room that a reader leaves round a small lesion."""


def truth_of(
    footprints: list[DiscFootprint],
    parameters: PhantomParameters,
    empty: GroundTruth,
    spacing_mm: tuple[float, float],
) -> GroundTruth:
    """Return ``empty`` filled with the boxes of ``footprints``.

    Sagittal slices carry grades (a box tight round each whole disc, pixel edges, right and bottom
    exclusive), herniations and high-intensity zones; axial slices carry lesions only. On sagittal
    slices a herniation's box covers the posterior third of the disc together with the protruded
    material, as SPIDER's do; on axial slices it is the protruded material, and a zone's box is the
    zone on both, with ``READERS_MARGIN_MM`` round them. Discs cut by the image edge or barely
    grazed, remnants within the sacrum, discs above T9-T10 and zones too faint to see are ignore
    regions.
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
        if level is not None:
            lesions, unsure = _lesions(footprint, empty, spacing_mm)
            group = disc_number(level, parameters)
            boxes += [TruthBox(label, place, group) for label, place in lesions]
            ignored += unsure
    shown = {
        disc_number(one.level, parameters)
        for one in footprints
        if one.disc.any() and one.level in parameters.levels
    }
    annotated = (*GRADE_LABELS, *LESION_LABELS)
    return GroundTruth(
        image=empty.image,
        patient=empty.patient,
        plane=empty.plane,
        shape_px=empty.shape_px,
        boxes=tuple(boxes),
        annotated=frozenset(annotated if empty.plane is Plane.SAGITTAL else annotated[5:]),
        ignored=tuple(ignored),
        discs_shown=frozenset(shown) if empty.plane is Plane.AXIAL else None,
    )


def _lesions(
    footprint: DiscFootprint, empty: GroundTruth, spacing_mm: tuple[float, float]
) -> tuple[list[tuple[Label, BoxXyxy]], list[BoxXyxy]]:
    """Return the boxes of what a reader would draw, and those of what is too faint to judge."""
    pixel_mm2, window = spacing_mm[0] * spacing_mm[1], footprint.window
    is_sagittal = empty.plane is Plane.SAGITTAL
    seen: list[tuple[Label, BoxXyxy]] = []
    faint: list[BoxXyxy] = []
    if footprint.herniated.sum() * pixel_mm2 >= _MIN_HERNIATION_MM2:
        mask = footprint.posterior if is_sagittal else footprint.herniated
        margin_mm = 0.0 if is_sagittal else READERS_MARGIN_MM
        seen.append((Label.HERNIATION, _wider(_bounds(mask, window), margin_mm, empty, spacing_mm)))
    if footprint.zone.sum() * pixel_mm2 >= _MIN_ZONE_MM2:
        box = _bounds(footprint.zone, window)
        seen.append((Label.HIZ, _wider(box, READERS_MARGIN_MM, empty, spacing_mm)))
    elif footprint.faint_zone.any():
        box = _bounds(footprint.faint_zone, window)
        faint.append(_wider(box, READERS_MARGIN_MM, empty, spacing_mm))
    return seen, faint


def _wider(
    box: BoxXyxy, margin_mm: float, empty: GroundTruth, spacing_mm: tuple[float, float]
) -> BoxXyxy:
    """Return ``box`` with room round it, within the image."""
    row, column = (margin_mm / size_mm for size_mm in spacing_mm)
    (rows, columns), (x1, y1, x2, y2) = empty.shape_px, box
    return (
        max(x1 - column, 0.0),
        max(y1 - row, 0.0),
        min(x2 + column, float(columns)),
        min(y2 + row, float(rows)),
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
