"""Several slices taken together: the direction across the patient, and how far slices lie apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import LEFT, SliceGeometry, Vector

USUAL_STEP_MM = 4.0
"""Distance between lumbar slices where a series does not show its own."""
_PARALLEL_COSINE = 0.9994  # two degrees
_STEP_MM = (0.5, 12.0)  # nearer: the same place twice; farther: one slice a disc, not a stack


def normals_of(slices: Sequence[SliceGeometry]) -> NDArray[np.float64]:
    """Return the unit normals (S, 3) of slices at once; see ``SliceGeometry.normal``."""
    rows = np.array([one.along_row for one in slices])
    columns = np.array([one.along_column for one in slices])
    across = np.cross(rows, columns)
    unit: NDArray[np.float64] = across / np.linalg.norm(across, axis=1, keepdims=True)
    return unit


def left_of(sagittal: Sequence[SliceGeometry]) -> Vector:
    """Return the direction to the patient's left: the mean normal of sagittal slices.

    Slices are laid along the patient, so that a patient who lies turned keeps left and right.
    Without slices it is the x axis.

    >>> left_of([SliceGeometry((0, 0, 0), (0, 1, 0), (0, 0, -1), (1.0, 1.0))])
    (1.0, 0.0, 0.0)
    """
    if not sagittal:
        return LEFT
    normals = normals_of(sagittal)  # (N, 3)
    turned = normals * np.where(normals @ np.array(LEFT) < 0, -1.0, 1.0)[:, None]
    mean = turned.mean(axis=0)
    x, y, z = (mean / np.linalg.norm(mean) + 0.0).tolist()
    return x, y, z


def along_slice(direction: Vector, geometry: SliceGeometry) -> NDArray[np.float64]:
    """Return the unit vector (3,) in the plane of a slice that lies nearest to ``direction``."""
    normal = geometry.normal
    flat = np.asarray(direction, float) - (np.asarray(direction, float) @ normal) * normal
    unit: NDArray[np.float64] = flat / np.linalg.norm(flat)
    return unit


def step_between_mm(slices: Sequence[SliceGeometry]) -> float:
    """Return the usual distance between neighbouring parallel slices, gap included.

    For blocks laid disc by disc it is the distance inside a block. Median over the slices of the
    distance to the nearest slice parallel to it; ``USUAL_STEP_MM`` where there is none.
    """
    if not slices:
        return USUAL_STEP_MM
    normals = normals_of(slices)  # (S, 3)
    corners = np.array([one.position_lps_mm for one in slices])  # (S, 3)
    apart = np.abs(np.einsum("sd,std->st", normals, corners[None] - corners[:, None]))
    parallel = np.abs(normals @ normals.T) > _PARALLEL_COSINE
    least, most = _STEP_MM
    nearest = np.where(parallel & (apart > least), apart, np.inf).min(axis=1)
    known = nearest[nearest <= most]
    return float(np.median(known)) if known.size else USUAL_STEP_MM
