"""Where the slices of a prescription lie in the patient."""

from dataclasses import replace

import numpy as np

from discern.imaging.geometry import HEAD, LEFT, POSTERIOR, Points, SliceGeometry, Vector
from discern.phantom.anatomy import Spine
from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.settings import Scanner

SLICE_GAP = 1.1
"""Distance between slice centres, in slice thicknesses."""
AXIAL_DISCS = 5
AXIAL_SLICES_PER_DISC = 4
AXIAL_MATRIX_PX = 320
_AXIAL_FIELD_MM = 185.0
_SPINE_FROM_FRONT = 0.55
"""Where the lumbar bodies stand in a sagittal image, share of its width."""
_BELOW_S1 = 0.235
"""How far the top of the sacrum stands above the lower edge, share of the image height."""
_AXIAL_BEHIND_MM = 14.0
"""Middle of an axial image behind the middle of its disc."""

BlockPlane = tuple[int, SliceGeometry]


def sagittal_geometries(
    spine: Spine, scanner: Scanner, prescription: Prescription
) -> list[SliceGeometry]:
    """Return the parallel planes about the midline, in the order of the series.

    ``scanner`` holds what the prescription overrides.
    """
    slices, side_mm = prescription.sagittal_slices, scanner.field_of_view_mm
    step_mm = scanner.slice_thickness_mm * SLICE_GAP
    middle_y = np.mean([body.y_mm for body in spine.lumbar_bodies])
    middle_x = np.mean([spine.shift_mm(np.array(body.z_mm)) for body in spine.lumbar_bodies])
    front_mm = float(middle_y) - _SPINE_FROM_FRONT * side_mm
    top_mm = spine.sacrum[0].upper.z_mm + (1 - _BELOW_S1) * side_mm + prescription.shift_mm
    spacing_mm = side_mm / scanner.matrix_px
    center = (float(middle_x), front_mm + side_mm / 2, top_mm - side_mm / 2)
    turn = (
        turn_about(HEAD, prescription.head_turn_deg)
        @ turn_about(POSTERIOR, prescription.side_tilt_deg)
        @ turn_about(LEFT, prescription.rotation_deg)
    )
    planes = [
        SliceGeometry(
            position_lps_mm=(
                round(float(middle_x) + (index - (slices - 1) / 2) * step_mm, 4),
                round(front_mm + spacing_mm / 2, 4),
                round(top_mm - spacing_mm / 2, 4),
            ),
            along_row=POSTERIOR,
            along_column=(0.0, 0.0, -1.0),
            spacing_mm=(spacing_mm, spacing_mm),
        )
        for index in range(slices)
    ]
    turned = [_turned(plane, turn, center) for plane in planes]
    return turned[::-1] if prescription.reversed_order else turned


def axial_geometries(
    spine: Spine, scanner: Scanner, prescription: Prescription
) -> list[BlockPlane]:
    """Return (block, plane) of the axial slices in the order of the series, usually upwards."""
    step_mm = scanner.slice_thickness_mm * SLICE_GAP
    if prescription.axial_layout is AxialLayout.PER_DISC:
        planes = _per_disc(spine, step_mm, prescription)
    else:
        planes = _block(spine, step_mm, prescription)
    return planes[::-1] if prescription.reversed_order else planes


def _per_disc(spine: Spine, step_mm: float, prescription: Prescription) -> list[BlockPlane]:
    planes = []
    for block, level in enumerate(list(spine.discs)[:AXIAL_DISCS]):
        tilt = spine.discs[level].tilt_rad
        back = np.round([0.0, np.cos(tilt), np.sin(tilt)], 6)
        back /= np.linalg.norm(back)
        center = np.array(spine.disc_center_lps_mm(level)) + _AXIAL_BEHIND_MM * back
        stack = _stack(center, back, step_mm, AXIAL_SLICES_PER_DISC)
        planes += [(block, _rotated(plane, prescription)) for plane in stack]
    return planes


def _block(spine: Spine, step_mm: float, prescription: Prescription) -> list[BlockPlane]:
    """One stack about the lower lumbar spine; the tilt lifts its front."""
    tilt = -np.deg2rad(prescription.axial_tilt_deg)
    back = np.round([0.0, np.cos(tilt), np.sin(tilt)], 6)
    back /= np.linalg.norm(back)
    up = np.cross(LEFT, back)
    slices = prescription.axial_slices
    lowest = np.array(spine.center_lps_mm(spine.sacrum[0]))
    center = lowest + (slices - 1) / 2 * step_mm * up
    bodies = spine.lumbar_bodies
    z_mm, y_mm = (np.array([getattr(body, name) for body in bodies]) for name in ("z_mm", "y_mm"))
    center[1] = np.interp(center[2], z_mm, y_mm) + _AXIAL_BEHIND_MM
    center[0] = spine.shift_mm(center[2:])[0]
    return [(0, _rotated(one, prescription)) for one in _stack(center, back, step_mm, slices)]


def _stack(center: Points, back: Points, step_mm: float, slices: int) -> list[SliceGeometry]:
    """Return ``slices`` axial planes about ``center``, upwards; columns run along ``back``."""
    spacing_mm = _AXIAL_FIELD_MM / AXIAL_MATRIX_PX
    half_mm = (_AXIAL_FIELD_MM - spacing_mm) / 2
    up = np.cross(LEFT, back)
    planes = []
    for index in range(slices):
        offset_mm = (index - (slices - 1) / 2) * step_mm
        corner = center + offset_mm * up - half_mm * (back + np.array(LEFT))
        x, y, z = (round(float(place), 4) for place in corner)
        along_column = (0.0, float(back[1]), float(back[2]))
        planes.append(SliceGeometry((x, y, z), LEFT, along_column, (spacing_mm, spacing_mm)))
    return planes


def _rotated(plane: SliceGeometry, prescription: Prescription) -> SliceGeometry:
    """Turn an axial plane in itself, about its middle."""
    middle = np.array([[AXIAL_MATRIX_PX / 2, AXIAL_MATRIX_PX / 2]])
    normal = _vector(plane.normal)
    turn = turn_about(normal, prescription.axial_rotation_deg)
    return _turned(plane, turn, _vector(plane.pixel_to_lps(middle)[0]))


def turn_about(axis: Vector, angle_deg: float) -> Points:
    """Return the (3, 3) rotation about a unit ``axis`` (Rodrigues' formula).

    >>> turn_about(HEAD, 90).round(3) @ LEFT
    array([0., 1., 0.])
    """
    angle = np.deg2rad(angle_deg)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Points = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn


def _turned(plane: SliceGeometry, turn: Points, center: Vector) -> SliceGeometry:
    """Turn a plane about ``center``; directions keep the eight digits that a header holds."""
    if np.array_equal(turn, np.eye(3)):
        return plane
    offset = turn @ (np.array(plane.position_lps_mm) - center)
    return replace(
        plane,
        position_lps_mm=_vector(np.round(center + offset, 4)),
        along_row=_vector(turn @ plane.along_row),
        along_column=_vector(turn @ plane.along_column),
    )


def _vector(values: Points) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
