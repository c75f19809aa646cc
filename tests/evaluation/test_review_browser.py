"""The review page in a real browser: keys, filter, what is kept, and the file it gives back."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from page_cases import Tags, noise, readable

from discern.errors import DatasetError
from discern.evaluation.metrics import EvaluationOptions
from discern.evaluation.mistakes import find_mistakes
from discern.evaluation.pages.gallery import gallery_page
from discern.evaluation.pages.review import review_page
from discern.evaluation.review import Digests, Verdict, read_review

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium binary on PATH"),
]
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
]
POINT = EvaluationOptions().operating_point
DIGESTS = Digests("a" * 64, "b" * 64)
TRIAL = """
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", {key}));
const shown = () => [...document.querySelectorAll(".slice")].findIndex((one) => !one.hidden);
const state = () => [shown(), document.querySelector("progress").value];
const seen = {start: state()};
press("a"); seen.accepted = state();
press("r"); seen.rejected = state();
press("ArrowRight"); press("ArrowRight"); seen.right = state();
press("ArrowLeft"); seen.left = state();
press("a");
press("f"); seen.onlyUndecided = [shown(), document.querySelectorAll(".cell:not([hidden])").length];
press("ArrowLeft"); seen.backToUndecided = shown();
press("ArrowLeft"); seen.noneBefore = shown();
press("f");
document.querySelectorAll(".cell")[0].click(); seen.clicked = state();
seen.pressed = document.querySelector(".verdict.accepted").ariaPressed;
press("u"); seen.undecided = state();
document.querySelector(".verdict.rejected").click(); seen.button = state();
press("b"); seen.boxes = getComputedStyle(document.querySelector(".boxes")).display;
seen.kept = Object.fromEntries(stored());
seen.part = reviewCsv();
slices.forEach((slice, i) => { now = i; press("a"); });
press("r");
seen.words = document.querySelector(".count").textContent;
seen.whole = reviewCsv();
document.body.dataset.seen = JSON.stringify(seen);
"""


def load(html: str, folder: Path) -> tuple[Tags, list[str]]:
    """Return the page as it stands after its script ran, and what the console said."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [str(CHROMIUM), *QUIET, profile, "--dump-dom", file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return Tags(done.stdout), [one for one in done.stderr.splitlines() if "CONSOLE" in one]


def page() -> str:
    return review_page(readable().counted(POINT).values(), noise, DIGESTS)


IMAGES = [truth.image for truth in readable().truths]  # eight


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything the trial saw; the policy would refuse its script, so it is taken out."""
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page())
    html = html.replace("</body>", f"<script>{TRIAL}</script></body>")
    tags, console = load(html, tmp_path_factory.mktemp("browser"))
    assert console == []
    answer: dict[str, Any] = json.loads(tags.of("body")[0]["data-seen"])
    return answer


@pytest.mark.parametrize("name", ["review", "gallery"])
def test_the_page_runs_under_its_policy_without_a_complaint(tmp_path: Path, name: str) -> None:
    material = readable()
    mistakes = find_mistakes(material.truths, material.predictions, POINT, {})
    pages = {"review": page(), "gallery": gallery_page(mistakes, material.counted(POINT), noise)}

    tags, console = load(pages[name], tmp_path)

    assert console == []
    if name == "review":
        assert tags.of("html")[0]["data-ready"] == "true"


def test_keys_decide_and_move(seen: dict[str, Any]) -> None:
    assert seen["start"] == [0, 0]
    assert seen["accepted"] == [1, 1]
    assert seen["rejected"] == [2, 2]
    assert seen["right"] == [4, 2]
    assert seen["left"] == [3, 2]
    assert seen["clicked"] == [0, 3]
    assert seen["pressed"] == "true"
    assert seen["undecided"] == [0, 2]
    assert seen["button"] == [1, 3]
    assert seen["boxes"] == "none"
    assert seen["words"] == "8 of 8 decided, 0 to go"


def test_the_filter_leaves_the_undecided(seen: dict[str, Any]) -> None:
    assert seen["onlyUndecided"] == [4, 5]  # after 0, 1 and 3 were decided
    assert seen["backToUndecided"] == 2
    assert seen["noneBefore"] == 2


def test_verdicts_are_kept_in_the_browser(seen: dict[str, Any]) -> None:
    assert seen["kept"] == {IMAGES[0]: "rejected", IMAGES[1]: "rejected", IMAGES[3]: "accepted"}


def test_evaluate_reads_the_file_back(seen: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text(seen["whole"])
    verdicts = read_review(path, IMAGES, DIGESTS)
    assert [verdicts[image] for image in IMAGES] == [Verdict.ACCEPTED] * 7 + [Verdict.REJECTED]

    path.write_text(seen["part"])
    with pytest.raises(DatasetError, match="5 of 8 images undecided"):
        read_review(path, IMAGES, DIGESTS)
