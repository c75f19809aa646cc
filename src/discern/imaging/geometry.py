"""Patient-frame arithmetic: every sign and axis order of the DICOM patient frame lives here.

LPS: x grows to the patient's left, y to posterior, z to the head, in mm (PS3.3 C.7.6.2.1.1).
Pixel coordinates are (x, y) = (column, row) on the stored matrix, outer edges: the centre of the
first pixel is (0.5, 0.5) and lies at ImagePositionPatient.
"""

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from discern.spine import Plane

Points = NDArray[np.float64]
Vector = tuple[float, float, float]

HEAD: Vector = (0.0, 0.0, 1.0)
POSTERIOR: Vector = (0.0, 1.0, 0.0)
LEFT: Vector = (1.0, 0.0, 0.0)
STEEPEST_AXIAL_DEG = 60.0
"""A lumbosacral disc slopes by up to some 55 degrees; a coronal slice leans far less than 30."""


@dataclass(frozen=True, slots=True)
class SliceGeometry:
    """Place and orientation of one slice in the patient frame.

    Attributes:
        position_lps_mm: Centre of the first pixel (ImagePositionPatient).
        along_row: Unit vector of growing column index (first half of ImageOrientationPatient).
        along_column: Unit vector of growing row index (second half).
        spacing_mm: Distance between rows, and between columns (order of PixelSpacing).
    """

    position_lps_mm: Vector
    along_row: Vector
    along_column: Vector
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slice, right-handed with row and column."""
        (a, b, c), (x, y, z) = self.along_row, self.along_column
        cross: NDArray[np.float64] = np.array((b * z - c * y, c * x - a * z, a * y - b * x))
        return cross / np.linalg.norm(cross)

    def pixel_to_lps(self, points_xy_px: Points) -> Points:
        """Return the (N, 3) places in mm of (N, 2) pixel coordinates.

        >>> straight = SliceGeometry((0, 0, 0), (1, 0, 0), (0, 1, 0), spacing_mm=(2.0, 1.0))
        >>> straight.pixel_to_lps(np.array([[0.5, 0.5], [1.5, 1.5]]))
        array([[0., 0., 0.],
               [1., 2., 0.]])
        """
        row_mm, column_mm = self.spacing_mm
        steps_mm = (np.asarray(points_xy_px, float) - 0.5) * (column_mm, row_mm)  # (N, 2)
        axes = np.array([self.along_row, self.along_column])  # (2, 3)
        places: Points = np.asarray(self.position_lps_mm) + steps_mm @ axes
        return places

    def lps_to_pixel(self, points_lps_mm: Points) -> Points:
        """Return (N, 2) pixel coordinates of the feet of (N, 3) points on the slice plane."""
        row_mm, column_mm = self.spacing_mm
        offset = np.asarray(points_lps_mm, float) - np.asarray(self.position_lps_mm)  # (N, 3)
        axes = np.array([self.along_row, self.along_column])  # (2, 3)
        pixels: Points = np.linalg.lstsq(axes.T, offset.T, rcond=None)[0].T
        return pixels / (column_mm, row_mm) + 0.5

    def distance_mm(self, points_lps_mm: Points) -> NDArray[np.float64]:
        """Return the signed distance (N,) of (N, 3) points from the plane, along ``normal``."""
        offset = np.asarray(points_lps_mm, float) - np.asarray(self.position_lps_mm)
        distance: NDArray[np.float64] = offset @ self.normal
        return distance


def plane_of(geometry: SliceGeometry) -> Plane:
    """Return the plane of a slice by its normal, as :func:`plane_across`.

    >>> plane_of(SliceGeometry((0, 0, 0), (0, 1, 0), (0, 0, -1), (1, 1)))
    <Plane.SAGITTAL: 'sagittal'>
    """
    return plane_across(geometry.normal)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored matrix is brought into the usual view; exact, no resampling.

    Usual views: sagittal with head up and anterior on the left, axial with anterior up and the
    patient's right on the left. Steps in order: transpose, flip rows, flip columns.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def apply(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (rows, columns) image in the usual view, contiguous."""
        turned = image.T if self.transpose else image
        turned = turned[::-1] if self.flip_rows else turned
        turned = turned[:, ::-1] if self.flip_columns else turned
        return np.ascontiguousarray(turned)

    def restore(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return an image of the usual view as the stored matrix has it: undoes ``apply``.

        >>> turn = Turn(transpose=True, flip_rows=True)
        >>> turn.restore(turn.apply(np.array([[1.0, 2.0, 3.0]])))
        array([[1., 2., 3.]])
        """
        stored = image[:, ::-1] if self.flip_columns else image
        stored = stored[::-1] if self.flip_rows else stored
        return np.ascontiguousarray(stored.T if self.transpose else stored)

    def apply_points(self, points_xy_px: Points, shape_px: tuple[int, int]) -> Points:
        """Return (N, 2) points of the stored matrix of ``shape_px`` in the usual view.

        >>> Turn(transpose=True).apply_points(np.array([[1.0, 2.0]]), (10, 8))
        array([[2., 1.]])
        """
        rows, columns = shape_px[::-1] if self.transpose else shape_px
        x, y = np.asarray(points_xy_px, float).reshape(-1, 2).T
        if self.transpose:
            x, y = y, x
        x = columns - x if self.flip_columns else x
        y = rows - y if self.flip_rows else y
        return np.stack((x, y), axis=1)

    def apply_boxes(self, boxes_xyxy_px: Points, shape_px: tuple[int, int]) -> Points:
        """Return (N, 4) boxes of the stored matrix in the usual view: undoes ``restore_boxes``.

        >>> Turn(flip_columns=True).apply_boxes(np.array([[6.0, 1.0, 8.0, 3.0]]), (10, 8))
        array([[0., 1., 2., 3.]])
        """
        boxes = np.asarray(boxes_xyxy_px, float).reshape(-1, 4)
        start = self.apply_points(boxes[:, :2], shape_px)
        end = self.apply_points(boxes[:, 2:], shape_px)
        return np.hstack((np.minimum(start, end), np.maximum(start, end)))

    def restore_boxes(self, boxes_xyxy_px: Points, shape_px: tuple[int, int]) -> Points:
        """Return (N, 4) boxes of the usual view in the stored matrix of ``shape_px``.

        >>> Turn(flip_columns=True).restore_boxes(np.array([[0.0, 1.0, 2.0, 3.0]]), (10, 8))
        array([[6., 1., 8., 3.]])
        """
        rows, columns = shape_px[::-1] if self.transpose else shape_px
        x1, y1, x2, y2 = np.asarray(boxes_xyxy_px, float).reshape(-1, 4).T
        if self.flip_columns:
            x1, x2 = columns - x2, columns - x1
        if self.flip_rows:
            y1, y2 = rows - y2, rows - y1
        ordered = (y1, x1, y2, x2) if self.transpose else (x1, y1, x2, y2)
        return np.stack(ordered, axis=1)


_USUAL_DIRECTIONS: dict[Plane, tuple[Vector, Vector]] = {  # along the row, along the column
    Plane.SAGITTAL: (POSTERIOR, (0.0, 0.0, -1.0)),
    Plane.AXIAL: (LEFT, POSTERIOR),
    Plane.CORONAL: (LEFT, (0.0, 0.0, -1.0)),
}


def usual_view(geometry: SliceGeometry | None) -> Turn:
    """Return the turn that brings a slice into the usual view; no turn without geometry."""
    if geometry is None:
        return Turn()
    wanted_row, wanted_column = np.array(_USUAL_DIRECTIONS[plane_of(geometry)])
    row, column = np.array(geometry.along_row), np.array(geometry.along_column)
    transpose = bool(abs(row @ wanted_row) < abs(column @ wanted_row))
    if transpose:
        row, column = column, row
    return Turn(transpose, bool(column @ wanted_column < 0), bool(row @ wanted_row < 0))


def plane_intersection(
    on: SliceGeometry, other: SliceGeometry, other_shape_px: tuple[int, int]
) -> Points | None:
    """Return where the rectangle of slice ``other`` cuts the plane of ``on``.

    The (2, 2) ends of the segment are pixel coordinates on ``on``, which may lie outside its
    matrix. None when the rectangle does not reach the plane or is parallel to it.

    >>> sagittal = SliceGeometry((0, 0, 10), (0, 1, 0), (0, 0, -1), (1.0, 1.0))
    >>> axial = SliceGeometry((-5, 2, 4), (1, 0, 0), (0, 1, 0), (1.0, 1.0))
    >>> plane_intersection(sagittal, axial, (8, 10)).round(1)
    array([[ 2. ,  6.5],
           [10. ,  6.5]])
    >>> plane_intersection(sagittal, sagittal, (8, 10)) is None
    True
    """
    rows, columns = other_shape_px
    outline_px = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], float)
    corners = other.pixel_to_lps(outline_px)  # (4, 3)
    distance = on.distance_mm(corners)  # (4,)
    following, distance_after = np.roll(corners, -1, axis=0), np.roll(distance, -1)
    crossing = (distance < 0) != (distance_after < 0)
    if not crossing.any():
        return None
    share = distance[crossing] / (distance[crossing] - distance_after[crossing])
    ends = corners[crossing] + share[:, None] * (following - corners)[crossing]
    return on.lps_to_pixel(ends)


_LETTERS = ("LR", "PA", "HF")  # of growing and falling x, y, z
_OBLIQUE = 0.3  # direction cosine from which a second letter is shown (17 degrees off the axis)


def direction_letters(direction_lps: Vector) -> str:
    """Return the patient letters of a unit vector, main axis first: L, AH, ...

    >>> direction_letters((0.0, -0.9, 0.44)), direction_letters((1.0, 0.0, 0.1))
    ('AH', 'L')
    """
    strongest = sorted(range(3), key=lambda axis: -abs(direction_lps[axis]))
    shown = [axis for axis in strongest if abs(direction_lps[axis]) >= _OBLIQUE]
    return "".join(_LETTERS[axis][int(direction_lps[axis] < 0)] for axis in shown)


@dataclass(frozen=True, slots=True)
class EdgeLetters:
    """Patient directions at the four edges of a displayed slice."""

    left: str
    right: str
    top: str
    bottom: str


def edge_letters(geometry: SliceGeometry) -> EdgeLetters:
    """Return the orientation letters of a slice shown in its usual view.

    >>> edge_letters(SliceGeometry((0, 0, 0), (0, -1, 0), (0, 0, -1), (1.0, 1.0)))
    EdgeLetters(left='A', right='P', top='H', bottom='F')
    """
    turn = usual_view(geometry)
    axes = np.array([geometry.along_row, geometry.along_column])
    rightwards, downwards = axes[::-1] if turn.transpose else axes
    rightwards = -rightwards if turn.flip_columns else rightwards
    downwards = -downwards if turn.flip_rows else downwards
    left, right = direction_letters(tuple(-rightwards)), direction_letters(tuple(rightwards))
    top, bottom = direction_letters(tuple(-downwards)), direction_letters(tuple(downwards))
    return EdgeLetters(left, right, top, bottom)


_LARGEST_SKEW = 0.01  # of stated direction vectors, in length and in their dot product


def orthonormal(directions: tuple[float, ...]) -> tuple[Vector, Vector] | None:
    """Return the two unit vectors of an ImageOrientationPatient, None where it is no orientation.

    >>> orthonormal((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    >>> orthonormal((0.0, 0.0, 0.0, 0.0, 0.0, 0.0)) is None
    True
    """
    pair = np.array(directions, float).reshape(2, 3)
    lengths = np.linalg.norm(pair, axis=1)
    if np.abs(lengths - 1).max() > _LARGEST_SKEW or abs(pair[0] @ pair[1]) > _LARGEST_SKEW:
        return None
    row, column = pair / lengths[:, None]
    return _vector(row), _vector(column)


_SLICE_DIRECTIONS: dict[Plane, Vector] = {
    Plane.SAGITTAL: LEFT,
    Plane.AXIAL: HEAD,
    Plane.CORONAL: POSTERIOR,
}


def travel_mm(plane: Plane, geometry: SliceGeometry, shape_px: tuple[int, int]) -> float:
    """Return how far the centre of a slice lies along the direction in which slices are counted.

    Patient right to left (sagittal), foot to head (axial), front to back (coronal).
    """
    rows, columns = shape_px
    center = geometry.pixel_to_lps(np.array([[columns / 2, rows / 2]]))[0]
    return float(center @ np.array(_SLICE_DIRECTIONS[plane]))


_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class VolumeTurn:
    """How a stored volume becomes (slices, rows, columns) of the usual view; no resampling.

    Attributes:
        axes: Stored axis that becomes the slices, the rows, the columns.
        flips: Whether the slices, the rows, the columns run against the stored axis.
        lps_affine: (4, 4) indices of the turned volume to mm.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    lps_affine: Points

    def slice_geometry(self, index: int) -> SliceGeometry:
        """Return the place of slice ``index`` of the turned volume."""
        down, right = self.lps_affine[:3, 1], self.lps_affine[:3, 2]
        row_mm, column_mm = float(np.linalg.norm(down)), float(np.linalg.norm(right))
        corner = self.lps_affine[:3, 3] + index * self.lps_affine[:3, 0]
        return SliceGeometry(
            _vector(corner), _vector(right / column_mm), _vector(down / row_mm), (row_mm, column_mm)
        )


def volume_turn(ras_affine: Points, shape: tuple[int, int, int], plane: Plane) -> VolumeTurn:
    """Return how a NIfTI volume is cut into slices of ``plane``.

    Args:
        ras_affine: (4, 4) voxel indices to mm, x to the patient's right, y to anterior.
        shape: Voxels along the stored axes.
        plane: Plane of the slices.

    >>> volume_turn(np.diag([1.0, 1.0, 1.0, 1.0]), (5, 4, 3), Plane.SAGITTAL).axes
    (0, 2, 1)
    """
    stored_lps = _RAS_TO_LPS @ ras_affine
    directions = stored_lps[:3, :3] / np.linalg.norm(stored_lps[:3, :3], axis=0)
    along_row, along_column = _USUAL_DIRECTIONS[plane]
    wanted = np.array([_SLICE_DIRECTIONS[plane], along_column, along_row])  # (3, 3)
    cosines = wanted @ directions  # (wanted, stored)
    axes = max(permutations(range(3)), key=lambda order: np.abs(cosines[range(3), order]).sum())
    flips = cosines[range(3), axes] < 0
    to_stored = np.zeros((4, 4))  # turned indices to stored indices
    to_stored[3, 3] = 1
    for turned, (stored, flipped) in enumerate(zip(axes, flips, strict=True)):
        to_stored[stored, turned] = -1 if flipped else 1
        to_stored[stored, 3] = shape[stored] - 1 if flipped else 0
    slices, rows, columns = axes
    signs = (bool(flips[0]), bool(flips[1]), bool(flips[2]))
    return VolumeTurn((slices, rows, columns), signs, stored_lps @ to_stored)


def cross(first: Vector, second: Vector) -> Vector:
    """Return the right-handed cross product of two vectors, without numpy's cost for one pair.

    >>> cross((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    (0.0, 0.0, 1.0)
    """
    (ax, ay, az), (bx, by, bz) = first, second
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def plane_across(direction: Points) -> Plane:
    """Return the plane that lies across a (3,) direction.

    It is that of the nearest axis, but slices tilted forward or back by up to
    ``STEEPEST_AXIAL_DEG`` are axial: those along a steep lumbosacral disc pass 45 degrees.

    >>> slope = np.radians(50)
    >>> plane_across(np.array([0, np.sin(slope), np.cos(slope)]))
    <Plane.AXIAL: 'axial'>
    """
    x, y, z = np.abs(direction).tolist()
    if x >= max(y, z):
        return Plane.SAGITTAL
    return Plane.AXIAL if y <= z * math.tan(math.radians(STEEPEST_AXIAL_DEG)) else Plane.CORONAL


def _vector(values: Points) -> Vector:
    x, y, z = values.tolist()
    return x, y, z
