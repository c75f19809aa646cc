"""Where a technician would lay the slices of the synthetic study."""

import numpy as np

from discern.imaging.geometry import LEFT, POSTERIOR, SliceGeometry
from discern.phantom.anatomy import Spine
from discern.phantom.settings import Scanner
from discern.spine import Level

SLICE_GAP = 1.1
"""Distance between slice centres, in slice thicknesses."""
AXIAL_LEVELS = (Level.L5_S1, Level.L4_L5, Level.L3_L4, Level.L2_L3, Level.L1_L2)
AXIAL_SLICES_PER_DISC = 4
AXIAL_MATRIX_PX = 320
_AXIAL_FIELD_MM = 185.0
_SPINE_FROM_FRONT = 0.55
"""Where the lumbar bodies stand in a sagittal image, share of its width."""
_BELOW_S1 = 0.235
"""How far the upper plate of S1 stands above the lower edge, share of the image height."""


def sagittal_geometries(spine: Spine, scanner: Scanner, slices: int) -> list[SliceGeometry]:
    """Return ``slices`` parallel planes about the midline, patient right to left."""
    side_mm, size_px = scanner.field_of_view_mm, scanner.matrix_px
    step_mm = scanner.slice_thickness_mm * SLICE_GAP
    middle_y = np.mean([body.y_mm for body in spine.bodies[:5]])
    middle_x = np.mean([spine.shift_mm(np.array(body.z_mm)) for body in spine.bodies[:5]])
    front_mm = float(middle_y) - _SPINE_FROM_FRONT * side_mm
    top_mm = spine.sacrum[0].upper.z_mm + (1 - _BELOW_S1) * side_mm
    spacing_mm = side_mm / size_px
    return [
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


def axial_geometries(spine: Spine, scanner: Scanner) -> list[tuple[int, SliceGeometry]]:
    """Return (block, plane) of four slices along each disc, foot to head."""
    step_mm = scanner.slice_thickness_mm * SLICE_GAP
    spacing_mm = _AXIAL_FIELD_MM / AXIAL_MATRIX_PX
    half_mm = (_AXIAL_FIELD_MM - spacing_mm) / 2
    planes = []
    for block, level in enumerate(AXIAL_LEVELS):
        disc = spine.discs[level]
        tilt = disc.tilt_rad
        back = np.round([0.0, np.cos(tilt), np.sin(tilt)], 6)
        back /= np.linalg.norm(back)
        up = np.cross(LEFT, back)
        center = np.array(spine.disc_center_lps_mm(level)) + 14.0 * back
        for index in range(AXIAL_SLICES_PER_DISC):
            offset_mm = (index - (AXIAL_SLICES_PER_DISC - 1) / 2) * step_mm
            corner = center + offset_mm * up - half_mm * (back + np.array(LEFT))
            x, y, z = (round(float(place), 4) for place in corner)
            along_column = (0.0, float(back[1]), float(back[2]))
            geometry = SliceGeometry((x, y, z), LEFT, along_column, (spacing_mm, spacing_mm))
            planes.append((block, geometry))
    return planes
