import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from report_cases import (
    SPACING_MM,
    Page,
    axial_series,
    geometry_at,
    make_findings,
    make_slice,
    make_study,
    sagittal_series,
)

from discern.imaging.geometry import SliceGeometry, Turn, Vector, plane_intersection
from discern.imaging.study import Image, Series, Study
from discern.reporting.overlay import crossing
from discern.reporting.page import render_page
from discern.spine import Level, Plane, Weighting

POSTERIOR, ANTERIOR = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)
HEAD, FOOT = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
SHAPE_PX = (60, 44)
BOX = (8.0, 30.0, 20.0, 36.0)  # in the stored matrix
turns = st.builds(Turn, st.booleans(), st.booleans(), st.booleans())


@given(turns, st.integers(0, 7), st.integers(0, 9))
def test_a_turned_pixel_is_where_its_box_is(turn: Turn, column: int, row: int) -> None:
    image = np.zeros((10, 8), np.float32)
    image[row, column] = 1
    box = np.array([[column, row, column + 1, row + 1]], float)
    ((x1, y1, x2, y2),) = turn.apply_boxes(box, image.shape)
    ((seen_row, seen_column),) = np.argwhere(turn.apply(image))
    assert (x1, y1, x2, y2) == (seen_column, seen_row, seen_column + 1, seen_row + 1)


@given(turns, st.lists(st.floats(0, 8), min_size=4, max_size=4))
def test_restoring_undoes_applying(turn: Turn, edges: list[float]) -> None:
    x1, x2 = sorted(edges[:2])
    y1, y2 = sorted(edges[2:])
    box = np.array([[x1, y1, x2, y2]])
    back = turn.restore_boxes(turn.apply_boxes(box, (10, 8)), (10, 8))
    np.testing.assert_allclose(back, box, atol=1e-12)


@given(st.floats(-1.2, 1.2), st.floats(-0.5, 0.5), st.floats(-40, 40))
def test_plane_intersection_lies_on_both_slices(tilt: float, turn: float, shift_mm: float) -> None:
    """Both ends lie on the sagittal plane and on an edge of the (oblique) axial rectangle."""
    row = np.array([np.cos(turn), np.sin(turn), 0.0])
    column = np.cross((0.0, 0.0, 1.0), row) * np.cos(tilt) + np.array([0, 0, np.sin(tilt)])
    axial = SliceGeometry(_vector((-40.0, -30.0, shift_mm)), _vector(row), _vector(column), (1, 2))
    sagittal = geometry_at((0.0, -20.0, 40.0), (POSTERIOR, FOOT))
    ends = plane_intersection(sagittal, axial, (50, 60))
    assert ends is not None
    places = sagittal.pixel_to_lps(ends)
    np.testing.assert_allclose(places[:, 0], 0, atol=1e-9)
    np.testing.assert_allclose(axial.distance_mm(places), 0, atol=1e-9)
    x, y = axial.lps_to_pixel(places).T
    nearest_edge = np.min(np.abs([x, x - 60, y, y - 50]), axis=0)
    np.testing.assert_allclose(nearest_edge, 0, atol=1e-9)


def _vector(values: np.ndarray | tuple[float, float, float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def test_a_slice_beside_the_other_draws_no_line() -> None:
    sagittal, far = sagittal_series().slices[0], axial_series().slices[0]
    beside = geometry_at((100.0, 0.0, 0.0), ((1.0, 0.0, 0.0), POSTERIOR))
    assert crossing(sagittal, replace(far, geometry=beside)) is None
    assert crossing(sagittal, replace(far, geometry=None)) is None


def test_axial_slices_are_lines_at_their_height_on_the_sagittal_slice() -> None:
    study = make_study()
    page = Page(render_page(make_findings(study), study))
    lines = [e.attributes for e in page.all("line") if "data-of" in e.attributes]
    first = {int(line["data-of"]): line for line in lines[:4]}
    # Sagittal rows are 2 mm from z = 41 (outer edge), 80 mm = 1000 units high; its columns start
    # at y = -20.5. Axial slice 1 is at z = -18, from y = -31 to y = 49 mm, so 10.5 mm out of view.
    assert float(first[1]["y1"]) == pytest.approx((41 + 18) / 80 * 1000, abs=0.1)
    assert float(first[1]["y2"]) == pytest.approx(float(first[1]["y1"]))
    ends = sorted(float(first[1][name]) for name in ("x1", "x2"))
    assert ends == pytest.approx([-10.5 / 80 * 1000, 69.5 / 80 * 1000], abs=0.1)


def painted_study(along_row: Vector, along_column: Vector) -> Study:
    """One slice, dark but for a bright patch exactly under ``BOX``."""

    def read() -> Image:
        image = np.full(SHAPE_PX, 5, np.float32)
        x1, y1, x2, y2 = (int(edge) for edge in BOX)
        image[y1:y2, x1:x2] = 800
        return image

    geometry = SliceGeometry((0.0, 0.0, 0.0), along_row, along_column, SPACING_MM)
    slices = (make_slice(2, geometry, read, SHAPE_PX),)
    return make_study(
        Series("s1", None, "Sag", Plane.SAGITTAL, Weighting.T2, slices, used=True, reason="")
    )


@pytest.mark.parametrize(
    ("along_row", "along_column"),
    [
        (POSTERIOR, FOOT),
        (ANTERIOR, FOOT),
        (POSTERIOR, HEAD),
        (ANTERIOR, HEAD),
        (FOOT, POSTERIOR),
        (HEAD, ANTERIOR),
    ],
)
def test_the_drawn_box_lies_on_the_pixels_it_was_found_on(
    along_row: Vector, along_column: Vector
) -> None:
    study = painted_study(along_row, along_column)
    findings = make_findings(study, levels=(Level.L4_L5,))
    moved = tuple(replace(one, box_xyxy_px=BOX) for one in findings.detections)
    page = Page(render_page(replace(findings, detections=moved), study))
    (picture,) = page.all("image")
    (box,) = (e for e in page.all("rect") if e.attributes.get("rx") == "6")
    encoded = picture.attributes["href"].removeprefix("data:image/jpeg;base64,")
    grey = np.asarray(PillowImage.open(io.BytesIO(base64.b64decode(encoded))))
    rows, columns = np.nonzero(grey > 128)
    unit_x = float(picture.attributes["width"]) / grey.shape[1]
    unit_y = float(picture.attributes["height"]) / grey.shape[0]
    drawn = {name: float(box.attributes[name]) for name in ("x", "y", "width", "height")}
    assert drawn["x"] == pytest.approx(columns.min() * unit_x, abs=0.2)
    assert drawn["y"] == pytest.approx(rows.min() * unit_y, abs=0.2)
    assert drawn["width"] == pytest.approx((np.ptp(columns) + 1) * unit_x, abs=0.2)
    assert drawn["height"] == pytest.approx((np.ptp(rows) + 1) * unit_y, abs=0.2)
    letters = [e.words for e in page.all("text") if e.words in set("HFAPLR")]
    assert letters == ["H", "F", "A", "P"]


def test_pixels_that_are_not_square_are_drawn_in_true_proportion() -> None:
    study = make_study()
    page = Page(render_page(make_findings(study), study))
    sizes = {e.attributes["viewbox"] for e in page.all("svg", "slice")}
    assert sizes == {"0 0 400.0 1000.0"}  # 32 columns of 1 mm, 40 rows of 2 mm
