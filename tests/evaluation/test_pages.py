"""Gallery, review page and overview: what they hold, and that nothing can get in or out."""

import base64
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_cases import predicted, truth_of
from page_cases import FEW, Tags, noise, readable
from PIL import Image

from discern.evaluation.material import Material
from discern.evaluation.mistakes import MistakeKind, find_mistakes
from discern.evaluation.pages.gallery import gallery_page
from discern.evaluation.pages.index import index_page
from discern.evaluation.pages.pictures import displayed, region_around
from discern.evaluation.pages.review import review_page
from discern.evaluation.review import Digests
from discern.evaluation.run import run_evaluation
from discern.evaluation.table_formats import Table
from discern.spine import Label

POINT = FEW.operating_point
DIGESTS = Digests("a" * 64, "b" * 64)
HOSTILE = "1_<script>alert(1)</script>\"'&"


def gallery_of(material: Material, crops_per_kind: int = 24) -> str:
    mistakes = find_mistakes(material.truths, material.predictions, POINT, {})
    return gallery_page(mistakes, material.counted(POINT), noise, crops_per_kind)


def review_of(material: Material) -> str:
    return review_page(material.counted(POINT).values(), noise, DIGESTS)


def picture(uri: str) -> Image.Image:
    kind, _, content = uri.partition(";base64,")
    assert kind in {"data:image/png", "data:image/jpeg"}
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize("name", ["gallery", "review", "index"])
def test_a_page_admits_its_own_style_and_script_and_nothing_else(name: str) -> None:
    pages = {
        "gallery": gallery_of(readable()),
        "review": review_of(readable()),
        "index": index_page("Evaluation", "about", (), {}, ()),
    }
    html = pages[name]
    (policy,) = (m["content"] for m in Tags(html).of("meta") if "http-equiv" in m)

    assert policy.startswith("default-src 'none'; img-src data:;")
    blocks = re.findall(r"<(style|script)>(.*?)</\1>", html, re.DOTALL)
    for kind, text in blocks:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(blocks) == (2 if name == "review" else 1)
    outside = [a for _, a, _ in Tags(html).all for key in ("src", "href") if key in a]
    for attributes in outside:
        link = attributes.get("src") or attributes["href"]
        assert link.startswith(("data:image/", "#"))
    assert not re.search(r"\son\w+=", html)


def test_names_from_files_are_escaped_on_every_page() -> None:
    disc = (40.0, 40.0, 90.0, 60.0)
    truth = truth_of((Label.PFIRRMANN_1, disc), image=HOSTILE, patient="1")
    material = Material([truth], {HOSTILE: (predicted(Label.PFIRRMANN_5, disc),)}, read=noise)
    table = Table("t", HOSTILE, (HOSTILE,), ((HOSTILE,),))

    for html in (
        gallery_of(material),
        review_of(material),
        index_page(HOSTILE, HOSTILE, (table,), {}, ()),
    ):
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html


def test_the_gallery_shows_the_worst_of_each_kind_and_counts_all() -> None:
    material = readable(patients=8)
    mistakes = find_mistakes(material.truths, material.predictions, POINT, {})
    html = gallery_of(material, crops_per_kind=3)

    for kind in MistakeKind:
        total = sum(mistake.kind is kind for mistake in mistakes)
        assert f"{kind.value}: {total}" in Tags(html).text_of("h2")
    crops = Tags(html).of("image")
    assert len(crops) == sum(min(3, sum(m.kind is k for m in mistakes)) for k in MistakeKind)
    for crop in crops:
        shown = picture(crop["href"])
        assert shown.format == "PNG"
        assert shown.size == (int(crop["width"]), int(crop["height"]))
    worst = next(m for m in mistakes if m.kind is MistakeKind.GRADE)
    assert Tags(html).text_of("strong")[0] == worst.image


def test_a_crop_is_a_piece_of_the_image_with_both_boxes_drawn() -> None:
    disc, answer = (40.0, 40.0, 90.0, 60.0), (41.0, 40.0, 92.0, 61.0)
    truth = truth_of((Label.PFIRRMANN_1, disc), image="7_a", patient="7")
    material = Material([truth], {"7_a": (predicted(Label.PFIRRMANN_5, answer),)}, read=noise)

    html = gallery_of(material)

    (crop,) = Tags(html).of("image")
    x, y, width, height = (int(crop[key]) for key in ("x", "y", "width", "height"))
    grey = displayed(noise("7_a"))
    assert np.array_equal(np.asarray(picture(crop["href"])), grey[y : y + height, x : x + width])
    focus = [m for m in Tags(html).of("rect", "focus") if "x" in m and float(m["x"]) > 30]
    assert [(m["class"], m["x"], m["width"]) for m in focus] == [
        ("mark truth focus", "40.0", "50.0"),
        ("mark answer focus", "41.0", "51.0"),
    ]


@pytest.mark.parametrize("shape", [(40, 300), (300, 40), (12, 9)])
def test_a_region_lies_inside_the_image(shape: tuple[int, int]) -> None:
    rows, columns = shape
    box = (columns - 6.0, rows - 4.0, float(columns), float(rows))
    region = region_around([box], shape, times=3, fewest_px=50)

    assert 0 <= region.x <= region.x + region.width <= columns
    assert 0 <= region.y <= region.y + region.height <= rows


def test_the_review_shows_the_answers_without_the_truth() -> None:
    disc, missed = (40.0, 40.0, 90.0, 60.0), (40.0, 100.0, 90.0, 120.0)
    truth = truth_of(
        (Label.PFIRRMANN_1, disc), (Label.PFIRRMANN_5, missed), image="7_a", patient="7"
    )
    boxes = (
        predicted(Label.PFIRRMANN_2, disc),
        predicted(Label.PFIRRMANN_3, disc, score=0.5),  # weaker, on the same disc
        predicted(Label.HERNIATION, missed, score=0.7),
        predicted(Label.HIZ, missed, score=0.05),  # below the threshold
    )
    html = review_of(Material([truth], {"7_a": boxes}, read=noise))

    titles = Tags(html).text_of("title")
    assert titles[1:] == ["grade II", "herniation"]
    (figure,) = Tags(html).of("figure", "slice")
    assert (figure["data-image"], figure["data-plane"]) == ("7_a", "sagittal")
    (body,) = Tags(html).of("body")
    assert body["data-data-digest"] == DIGESTS.data
    assert body["data-prediction-digest"] == DIGESTS.predictions


def test_large_slices_are_embedded_small() -> None:
    truth = truth_of(image="7_a", patient="7")
    html = review_page(
        Material([truth], {"7_a": ()}).counted(POINT).values(),
        lambda _: np.zeros((1200, 2000), np.float32),
        DIGESTS,
    )

    (image,) = Tags(html).of("image")
    assert picture(image["href"]).size == (640, 384)
    assert (image["width"], image["height"]) == ("2000", "1200")


def test_the_overview_embeds_every_table_and_drawing_of_its_folder(tmp_path: Path) -> None:
    run_evaluation(readable(), tmp_path, FEW)
    html = (tmp_path / "evaluation.html").read_text()

    tables = {path.stem for path in (tmp_path / "tables").glob("*.html")}
    assert {table["id"] for table in Tags(html).of("table")} == tables
    drawings = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert {image["alt"].removeprefix("figures/") for image in Tags(html).of("img")} == drawings
    links = {a["href"] for a in Tags(html).of("a") if not a["href"].startswith("#")}
    assert links == {"gallery.html", "review.html"}
