"""Drawings are PNG at 300 dpi and SVG with selectable text, the same bytes each time."""

import io
from xml.etree import ElementTree

from matplotlib.figure import Figure as Canvas
from PIL import Image

from discern.evaluation.drawing_files import drawing_files

SVG = "{http://www.w3.org/2000/svg}"


def draw(canvas: Canvas) -> None:
    canvas.add_subplot().plot([0, 1], [0, 1], label="Pfirrmann")
    canvas.axes[0].set(title="Grades I-V")


def test_png_has_its_size_at_300_dots_an_inch() -> None:
    files = drawing_files("roc", draw, (3.0, 2.0))

    assert list(files) == ["figures/roc.png", "figures/roc.svg"]
    with Image.open(io.BytesIO(files["figures/roc.png"])) as picture:
        assert picture.size == (900, 600)
        assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]


def test_svg_keeps_text_as_text() -> None:
    root = ElementTree.fromstring(drawing_files("roc", draw, (3.0, 2.0))["figures/roc.svg"])  # noqa: S314 - our own file
    assert "Grades I-V" in [one.text for one in root.iter(f"{SVG}text")]


def test_equal_drawings_give_equal_bytes_without_time_or_program() -> None:
    first, second = (drawing_files("roc", draw, (3.0, 2.0)) for _ in range(2))

    assert first == second
    for content in first.values():
        assert b"Matplotlib" not in content
        assert b"dc:date" not in content
