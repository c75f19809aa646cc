"""Patient-frame arithmetic for any orientation, against plain linear algebra and rotation."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from discern.imaging.geometry import (
    LEFT,
    SliceGeometry,
    Turn,
    Vector,
    cross,
    orthonormal,
    plane_of,
    travel_mm,
    usual_view,
    volume_turn,
)
from discern.spine import Plane

steady = settings(deadline=None, derandomize=True, database=None)
coordinates = st.floats(-300, 300, allow_nan=False)
spacings = st.floats(0.2, 3.0)
angles = st.tuples(*[st.floats(-180, 180)] * 3)
planes = st.sampled_from([Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL])
small_tilts = st.tuples(*[st.floats(-25, 25)] * 3)
shapes = st.tuples(st.integers(2, 9), st.integers(2, 9))

USUAL = {
    Plane.SAGITTAL: ((0, 1, 0), (0, 0, -1)),
    Plane.AXIAL: ((1, 0, 0), (0, 1, 0)),
    Plane.CORONAL: ((1, 0, 0), (0, 0, -1)),
}


def vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(one) for one in values)
    return x, y, z


def turned(axes: NDArray[np.float64], degrees: tuple[float, ...]) -> tuple[Vector, Vector]:
    row, column = Rotation.from_euler("xyz", degrees, degrees=True).apply(axes)
    return vector(row), vector(column)


def pixel_centres(rows: int, columns: int) -> NDArray[np.float64]:
    """Return (rows * columns, 2) pixel coordinates, row by row."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    return np.stack((x, y), axis=1).astype(np.float64) + 0.5


@st.composite
def geometries(draw: st.DrawFn) -> SliceGeometry:
    row, column = turned(np.array([(1, 0, 0), (0, 1, 0)], float), draw(angles))
    position = draw(st.tuples(coordinates, coordinates, coordinates))
    return SliceGeometry(position, row, column, (draw(spacings), draw(spacings)))


@st.composite
def stored_geometries(draw: st.DrawFn) -> tuple[Plane, SliceGeometry]:
    """A slice near a plane, stored in any of its eight orientations."""
    plane = draw(planes)
    row, column = turned(np.array(USUAL[plane], float), draw(small_tilts))
    if draw(st.booleans()):
        row, column = column, row
    if draw(st.booleans()):
        row = vector(-np.array(row))
    if draw(st.booleans()):
        column = vector(-np.array(column))
    return plane, SliceGeometry((0, 0, 0), row, column, (draw(spacings), draw(spacings)))


@steady
@given(geometries(), st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=4))
def test_pixels_go_to_the_patient_and_back(
    geometry: SliceGeometry, points: list[tuple[float, float]]
) -> None:
    pixels = np.array(points)
    places = geometry.pixel_to_lps(pixels)
    np.testing.assert_allclose(geometry.lps_to_pixel(places), pixels, atol=1e-6)
    np.testing.assert_allclose(geometry.distance_mm(places), 0, atol=1e-6)


@steady
@given(geometries(), st.integers(0, 40), st.integers(0, 40))
def test_pixel_centres_lie_where_the_standard_puts_them(
    geometry: SliceGeometry, row: int, column: int
) -> None:
    """Equation C.7.6.2.1-1 of PS3.3, written out."""
    row_mm, column_mm = geometry.spacing_mm
    matrix = np.zeros((4, 4))
    matrix[:3, 0] = np.array(geometry.along_row) * column_mm
    matrix[:3, 1] = np.array(geometry.along_column) * row_mm
    matrix[:3, 3] = geometry.position_lps_mm
    expected = (matrix @ (column, row, 0, 1))[:3]
    place = geometry.pixel_to_lps(np.array([[column + 0.5, row + 0.5]]))[0]
    np.testing.assert_allclose(place, expected, atol=1e-6)


@steady
@given(geometries(), st.floats(-80, 80), st.tuples(coordinates, coordinates))
def test_a_point_off_the_plane_falls_on_its_foot(
    geometry: SliceGeometry, distance_mm: float, point: tuple[float, float]
) -> None:
    foot = geometry.pixel_to_lps(np.array([point]))
    above = foot + distance_mm * geometry.normal
    np.testing.assert_allclose(geometry.lps_to_pixel(above), [point], atol=1e-6)
    np.testing.assert_allclose(geometry.distance_mm(above), distance_mm, atol=1e-6)
    assert cross(geometry.along_row, geometry.along_column) == pytest.approx(
        tuple(geometry.normal), abs=1e-9
    )


@pytest.mark.parametrize(("slope_deg", "plane"), [(50, Plane.AXIAL), (65, Plane.CORONAL)])
def test_slices_along_a_steep_lumbosacral_disc_are_axial(slope_deg: float, plane: Plane) -> None:
    slope = np.radians(slope_deg)
    back = (0.0, float(np.cos(slope)), float(np.sin(slope)))
    geometry = SliceGeometry((0.0, 0.0, 0.0), LEFT, back, (1.0, 1.0))

    assert plane_of(geometry) is plane
    assert usual_view(geometry).flip_rows is (plane is Plane.CORONAL)


@steady
@given(stored_geometries())
def test_plane_survives_tilts_and_storage(stored: tuple[Plane, SliceGeometry]) -> None:
    plane, geometry = stored
    assert plane_of(geometry) is plane


@steady
@given(stored_geometries(), shapes)
def test_the_usual_view_has_its_axes_in_place(
    stored: tuple[Plane, SliceGeometry], shape_px: tuple[int, int]
) -> None:
    """Images of patient coordinates, turned, must grow along the plane's usual axes."""
    plane, geometry = stored
    rows, columns = shape_px
    places = geometry.pixel_to_lps(pixel_centres(rows, columns)).reshape(rows, columns, 3)
    turn = usual_view(geometry)
    for direction, axis in zip(USUAL[plane], (1, 0), strict=True):
        along = (places @ np.array(direction, float)).astype(np.float32)
        assert (np.diff(turn.apply(along), axis=axis) > 0).all()


@steady
@given(st.builds(Turn, st.booleans(), st.booleans(), st.booleans()), shapes, st.data())
def test_boxes_go_back_with_their_pixels(
    turn: Turn, shape_px: tuple[int, int], data: st.DataObject
) -> None:
    """Mark a rectangle of the turned image; its restored box must frame it in the stored one."""
    rows, columns = shape_px[::-1] if turn.transpose else shape_px
    x1 = data.draw(st.integers(0, columns - 1))
    y1 = data.draw(st.integers(0, rows - 1))
    x2 = data.draw(st.integers(x1 + 1, columns))
    y2 = data.draw(st.integers(y1 + 1, rows))
    stored_index = np.arange(rows * columns, dtype=np.float32).reshape(shape_px)
    marked = np.isin(stored_index, turn.apply(stored_index)[y1:y2, x1:x2])
    down, right = np.nonzero(marked)
    expected = [[right.min(), down.min(), right.max() + 1, down.max() + 1]]
    box = np.array([[x1, y1, x2, y2]], float)
    np.testing.assert_array_equal(turn.restore_boxes(box, shape_px), expected)


@steady
@given(
    planes,
    small_tilts,
    st.floats(0.5, 8),
    st.integers(2, 12),
    st.booleans(),
    st.tuples(coordinates, coordinates, coordinates),
)
def test_oblique_and_reversed_stacks_are_put_in_order(
    plane: Plane,
    tilt: tuple[float, float, float],
    step_mm: float,
    count: int,
    backwards: bool,  # noqa: FBT001
    start: tuple[float, float, float],
) -> None:
    row, column = turned(np.array(USUAL[plane], float), tilt)
    normal = np.cross(row, column)
    anatomical = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}[plane]
    normal = normal if normal[anatomical] > 0 else -normal
    steps = range(count)[::-1] if backwards else range(count)
    stack = [
        SliceGeometry(vector(np.array(start) + index * step_mm * normal), row, column, (0.7, 0.6))
        for index in steps
    ]
    ordered = sorted(stack, key=lambda one: travel_mm(plane, one, (40, 50)))
    assert ordered == (stack[::-1] if backwards else stack)


@steady
@given(
    st.permutations(range(3)), st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3), small_tilts, planes
)
def test_volumes_keep_every_voxel_in_its_place(
    order: list[int], signs: tuple[float, ...], tilt: tuple[float, ...], plane: Plane
) -> None:
    shape = (3, 4, 5)
    affine = np.eye(4)
    directions = np.zeros((3, 3))
    directions[order, range(3)] = np.array(signs) * (1.0, 2.0, 3.0)
    affine[:3, :3] = Rotation.from_euler("xyz", tilt, degrees=True).as_matrix() @ directions
    affine[:3, 3] = (10, -20, 30)
    turn = volume_turn(affine, shape, plane)
    stored = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    stored_lps = stored * (-1, -1, 1)
    turned_volume = stored_lps.transpose(*turn.axes, 3)
    for axis, flipped in enumerate(turn.flips):
        turned_volume = np.flip(turned_volume, axis) if flipped else turned_volume
    for index in range(turned_volume.shape[0]):
        geometry = turn.slice_geometry(index)
        rows, columns = turned_volume.shape[1:3]
        places = geometry.pixel_to_lps(pixel_centres(rows, columns)).reshape(rows, columns, 3)
        np.testing.assert_allclose(places, turned_volume[index], atol=1e-6)
        assert plane_of(geometry) is plane
        assert usual_view(geometry) == Turn()


def test_vectors_that_are_no_orientation() -> None:
    for axes in permutations(np.eye(3), 2):
        flat = tuple(float(value) for value in np.concatenate(axes))
        assert orthonormal(flat) == (vector(axes[0]), vector(axes[1]))
    assert orthonormal((1, 0, 0, 1, 0, 0)) is None
    assert orthonormal((1, 0, 0, 0, 0.5, 0)) is None
    nearly = orthonormal((0.9999, 0.001, 0, 0, 1.0005, 0))
    assert nearly is not None
    assert [np.linalg.norm(one) for one in nearly] == pytest.approx([1, 1])
