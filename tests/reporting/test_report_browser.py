"""The page in a real browser: the script runs under its own policy, and the viewers obey."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from report_cases import (
    Page,
    axial_series,
    make_findings,
    make_study,
    sagittal_series,
    whole_findings,
)

from discern.findings import LevelHypothesis, Numbering, StudyWarning
from discern.reporting.page import render_page
from discern.spine import Level

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium binary on PATH"),
]
Seen = dict[str, dict[str, object]]
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


def load(html: str, folder: Path) -> tuple[Page, list[str]]:
    """Return the page as it stands after its script ran, and what the console said."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [str(CHROMIUM), *QUIET, profile, "--dump-dom", file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return Page(done.stdout), [one for one in done.stderr.splitlines() if "CONSOLE" in one]


TRIALS = {
    "choose": """
        document.querySelectorAll('.stage').forEach((stage) => stage.dispatchEvent(
          new KeyboardEvent('keydown', {key: 'Home'})));
        document.querySelectorAll('tbody tr')[1].querySelector('button').click();
        const all = (css, read) => [...document.querySelectorAll(css)].map(read);
        seen.shown = all('.slice.shown', (one) => one.dataset.slice);
        seen.pressed = all('[aria-pressed]', (one) => one.ariaPressed);
        seen.marks = all('.mark.chosen', (one) => one.dataset.disc);
        seen.lines = all('.slice.shown line.current', (one) => one.dataset.of);
        seen.own = all('.slice.shown line.chosen', (one) => one.dataset.of);
        const visible = (css) => [...document.querySelectorAll(css)].filter(
          (one) => one.getClientRects().length > 0);
        seen.panels = visible('.panel').map((one) => one.querySelector('.name').textContent);
        seen.ticks = visible('[data-viewer=axial] .ticks line').map((one) => one.x1.baseVal.value);
        seen.cuts = document.querySelector('[data-viewer=axial] .cuts').textContent;
        document.querySelector('[data-viewer=axial] .own.shown .turn').click();
        seen.turned = all('.slice.shown', (one) => one.dataset.slice);
    """,
    "keys": """
        const press = (target, key) => target.dispatchEvent(
          new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
        const chosen = () => document.querySelector('tr.chosen').dataset.disc;
        seen.first = chosen();
        document.querySelectorAll('tbody button')[1].focus();
        press(document.activeElement, 'ArrowDown'); seen.down = chosen();
        seen.focus = document.activeElement.textContent;
        press(document.querySelector('.stage'), 'PageUp'); seen.page = chosen();
        press(document.querySelector('.stage'), 'PageUp'); seen.again = chosen();
        document.querySelector('.slice.shown .mark[data-disc="2"] text').dispatchEvent(
          new MouseEvent('click', {bubbles: true}));
        seen.name = chosen();
        seen.axial = document.querySelector('[data-viewer=axial] .slice.shown').dataset.slice;
    """,
    "anchor": """
        const form = () => document.querySelector('.anchor.shown');
        const command = () => form().querySelector('code').textContent;
        document.querySelector('.slice.shown .mark[data-disc="0"] rect').dispatchEvent(
          new MouseEvent('click', {bubbles: true}));
        seen.now = command();
        const select = form().querySelector('select');
        select.value = 'L2-L3'; select.dispatchEvent(new Event('change')); seen.chosen = command();
        navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
        form().querySelector('.copy').click();
        seen.selected = String(getSelection());
        document.querySelector('.alternative').click();
        seen.alternative = command();
    """,
    "move": """
        const stage = document.querySelector('.stage');
        const now = () => document.querySelector('.slice.shown').dataset.slice;
        const point = (type, x) => stage.dispatchEvent(new PointerEvent(type,
          {clientX: x, clientY: 9, pointerType: 'touch', button: 0, pointerId: 1}));
        stage.setPointerCapture = () => {};
        seen.first = now();
        stage.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown'})); seen.key = now();
        stage.dispatchEvent(new WheelEvent('wheel', {deltaY: -50, cancelable: true}));
        seen.wheel = now();
        const slider = document.querySelector('.through');
        slider.value = 4; slider.dispatchEvent(new Event('input')); seen.slider = now();
        document.querySelector('[data-step="-1"]').click(); seen.button = now();
        point('pointerdown', 100); point('pointermove', 63); seen.finger = now();
        seen.caption = document.querySelector('.caption').textContent;
    """,
    "window": """
        const red = document.querySelector('feFuncR');
        const state = () => ['slope', 'intercept'].map((name) => Number(red.getAttribute(name)));
        const stage = document.querySelector('.stage');
        stage.setPointerCapture = () => {};
        const width = document.querySelector('.window .width');
        const center = document.querySelector('.window .center');
        seen.first = state();
        width.value = 51; width.dispatchEvent(new Event('input'));
        center.value = 102; center.dispatchEvent(new Event('input'));
        seen.set = state();
        for (const [type, x, y] of [['pointerdown', 50, 50], ['pointermove', 152, 30]]) {
          const place = {clientX: x, clientY: y, pointerType: 'mouse'};
          stage.dispatchEvent(new PointerEvent(type, place));
        }
        seen.dragged = [width.value, center.value];
        document.querySelector('.reset').click();
        seen.reset = state();
    """,
    "layers": """
        const display = (css) => getComputedStyle(document.querySelector(css)).display;
        const off = (layer, target) => {
          document.querySelector(`[data-layer=${layer}]`).click();
          return display(target);
        };
        seen.boxes = off('boxes', '.slice.shown .mark rect');
        seen.stillNamed = display('.slice.shown .mark text') !== 'none';
        seen.names = off('names', '.slice.shown .mark text');
        seen.lines = off('lines', '.slice.shown .lines');
    """,
}
"""Steps of a second script, run after that of the page; ``seen`` is what is asked of it."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What every trial saw, each in a frame of its own, all in one start of the browser.

    The policy would rightly refuse the second script, so it is taken out for the trial. Made-up
    pointers cannot be captured, so the steps that use them switch capturing off.
    """
    study = make_study(sagittal_series(), axial_series(6))
    numbering = Numbering(0.6, (LevelHypothesis(Level.L6_S1, 0.3),))
    html = render_page(replace(whole_findings(study), numbering=numbering), study)
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    found, console = in_frames(
        [
            html.replace("</body>", f"<script>const seen = {{}}; {steps};</script></body>")
            for steps in TRIALS.values()
        ],
        [1200] * len(TRIALS),
        "one.contentWindow.eval('seen')",
        tmp_path_factory.mktemp("browser"),
    )
    assert console == []
    return dict(zip(TRIALS, found, strict=True))


def in_frames(
    pages: list[str], widths_px: list[int], ask: str, folder: Path
) -> tuple[list[Any], list[str]]:
    """Return the value of ``ask`` for each page in a frame ``one`` of its width, and the console.

    Frames stand in for windows: a headless window is never narrower than 500 px.
    """
    frames = "".join(
        f'<iframe width="{px}" height="900" srcdoc="{escape(page)}"></iframe>'
        for page, px in zip(pages, widths_px, strict=True)
    )
    question = f"""<script>window.onload = () => {{
      const answers = [...document.querySelectorAll('iframe')].map((one) => {ask});
      document.body.dataset.answers = JSON.stringify(answers);
    }};</script>"""
    page, console = load(f"<!doctype html><body>{frames}{question}</body>", folder)
    answers: list[Any] = json.loads(page.all("body")[0].attributes["data-answers"])
    return answers, console


def test_the_script_runs_under_the_policy_without_a_complaint(tmp_path: Path) -> None:
    study = make_study()
    page, console = load(render_page(make_findings(study), study), tmp_path)
    assert console == []
    assert page.all("html")[0].attributes["data-ready"] == "true"
    assert len(page.all("svg", "shown")) == 2


def test_choosing_a_row_turns_both_viewers_and_marks_the_box(seen: Seen) -> None:
    trial = seen["choose"]
    assert trial["shown"] == ["2", "3"]  # best sagittal slice, middle axial slice of L4-L5
    assert trial["pressed"] == ["false", "true", "false"]
    assert trial["marks"] == ["1", "1", "1"]  # on the three slices that show it
    assert trial["lines"] == ["3", "2"]
    assert trial["own"] == ["2", "3", "4"]
    assert trial["panels"] == ["L4-L5?"]
    assert trial["ticks"] == [2, 3, 4]
    assert trial["cuts"] == "L4-L5? disc"
    assert trial["turned"] == ["2", "2"]


def test_discs_are_chosen_by_keys_and_by_their_name_on_the_image(seen: Seen) -> None:
    assert seen["keys"] == {
        "first": "1", "down": "2", "focus": "L5-S1?", "page": "1", "again": "0", "name": "2",
        "axial": "0",
    }  # fmt: skip


def test_re_anchoring_gives_the_command_for_the_disc_and_the_name_chosen(seen: Seen) -> None:
    start = "discern analyze INPUT --out OUT --anchor"
    assert seen["anchor"] == {
        "now": f'{start} "L3-L4@0.0,-9.0,30.0"',
        "chosen": f'{start} "L2-L3@0.0,-9.0,30.0"',
        "selected": f'{start} "L2-L3@0.0,-9.0,30.0"',
        "alternative": f'{start} "L6-S1@0.0,-9.0,-18.0"',
    }


def test_slices_move_by_keys_wheel_slider_buttons_and_finger(seen: Seen) -> None:
    assert seen["move"] == {
        "first": "2", "key": "3", "wheel": "2", "slider": "4", "button": "3", "finger": "1",
        "caption": "Sag T2, slice 2 of 5",
    }  # fmt: skip


def test_the_window_follows_sliders_and_mouse_and_can_be_reset(seen: Seen) -> None:
    trial = seen["window"]
    assert trial["set"] == [5, 0.5 - 2]  # 255 / 51; black at 102 - 25.5, white at 102 + 25.5
    assert trial["dragged"] == ["102", "92"]
    assert trial["reset"] == pytest.approx(trial["first"], abs=1e-3)


def test_boxes_names_and_lines_can_be_switched_off(seen: Seen) -> None:
    assert seen["layers"] == {
        "boxes": "none", "stillNamed": True, "names": "none", "lines": "none"
    }  # fmt: skip


def test_the_page_fits_phone_tablet_laptop_and_screen(tmp_path: Path) -> None:
    study = make_study(sagittal_series(description="Very_long_" * 40), axial_series(6))
    numbering = Numbering(0.6, (LevelHypothesis(Level.L6_S1, 0.3),))
    findings = replace(whole_findings(study), numbering=numbering)
    findings = replace(findings, warnings=(StudyWarning("long", "unbroken" * 50),))
    html = render_page(findings, study)
    widths_px = [360, 390, 768, 1366, 1920]
    root = "one.contentDocument.documentElement"
    overflow_px, _ = in_frames(
        [html] * len(widths_px), widths_px, f"{root}.scrollWidth - {root}.clientWidth", tmp_path
    )
    assert overflow_px == [0] * len(widths_px), dict(zip(widths_px, overflow_px, strict=True))
