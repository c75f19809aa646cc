"""The published figures are rebuilt from the committed predictions, bit for bit."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS, BENCH = ROOT / "docs" / "results", ROOT / "bench"
BY_OTHER_BENCHES = {
    *("levels", "phantom-lesions", "phantom-transfer", "planted", "axial-real"),
    *("quality", "robustness", "second-look", "vendors", "lesions", "both-planes"),
    *("styled-training", "three-slices"),
}
"""They need weights or trainings."""


@pytest.mark.slow
def test_every_table_and_figure_follows_from_the_predictions(
    shared_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the train extra")  # the arms of the studies
    for kept in (
        *("predictions.json", "detector.json", "splits"),
        *("studies/ledger.csv", "studies/predictions", "peers", "best-448"),
    ):
        source, target = RESULTS / kept, tmp_path / kept
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, target)

    command = [sys.executable, str(BENCH / "results.py"), str(shared_data / "spider-lumbar")]
    subprocess.run([*command, "--results", str(tmp_path)], check=True)

    rebuilt = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    published = {path.relative_to(RESULTS) for path in RESULTS.rglob("*") if path.is_file()}
    given = {path for path in published - rebuilt if len(path.parts) > 1}
    assert {path for path in given if path.parts[0] not in BY_OTHER_BENCHES} == set()
    for path in sorted(rebuilt):
        assert (tmp_path / path).read_bytes() == (RESULTS / path).read_bytes(), path


def test_the_tables_of_robustness_follow_from_the_tallies(tmp_path: Path) -> None:
    published = RESULTS / "robustness"
    shutil.copyfile(published / "robustness.csv", tmp_path / "robustness.csv")

    command = [sys.executable, str(BENCH / "robustness.py"), "unread", "--out", str(tmp_path)]
    subprocess.run([*command, "--tables-only"], check=True, capture_output=True)

    for path in filter(Path.is_file, published.rglob("*")):
        rebuilt = tmp_path / path.relative_to(published)
        assert rebuilt.read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_the_level_names_follow_from_predictions_tissue_maps_and_scores_of_studies(
    shared_data: Path, tmp_path: Path
) -> None:
    for kept in ("predictions.json", "splits", "levels/tissues.json", "levels/phantoms.csv"):
        source, target = RESULTS / kept, tmp_path / kept
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, target)

    command = [sys.executable, str(BENCH / "levels.py"), str(shared_data / "spider-lumbar")]
    subprocess.run([*command, "--results", str(tmp_path)], check=True, capture_output=True)

    for name in ("spider.txt", "mistakes.txt"):
        rebuilt = (tmp_path / "levels" / name).read_bytes()
        assert rebuilt == (RESULTS / "levels" / name).read_bytes(), name


QUOTED = ("disc_recall", "false_per_image", "exact", "within_one", "exact_all", "within_one_all")
HERNIATION = (
    *("precision", "recall", "specificity", "roc_auc", "average_precision"),
    "false_alarm_on_bulging",
)
KAPPAS = ("kappa_linear", "kappa_quadratic", "balanced_accuracy")


def test_the_model_card_quotes_the_published_figures() -> None:
    card = (RESULTS.parents[1] / "MODEL_CARD.md").read_text()
    metrics = json.loads((RESULTS / "t2-mid" / "metrics.json").read_text())
    by_slice, by_disc = metrics["slice_wise"], metrics["disc_wise"]["herniation"]["sagittal"]
    herniation = by_slice["herniation"]["sagittal"]
    figures = [by_slice["pfirrmann"][name] for name in (*QUOTED, *KAPPAS)]
    figures += [herniation["precision"], herniation["recall"]]

    for figure in [*figures, *(by_disc[name] for name in HERNIATION)]:
        low, high = figure["ci95"]
        assert f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]" in card


PAGES = (
    *("comparison", "ceiling", "robustness/robustness", "second-look/second-look"),
    *("lesions/lesions-real", "both-planes/lesions-fitted", "three-slices/lesions-fitted"),
    *("phantom-lesions/lesions-fitted", "phantom-lesions/lesions-default"),
    *("phantom-lesions/lesions-alone", "styled-training/lesions-fitted"),
)


def planted_figures() -> list[str]:
    """Return every figure of the planted tests as the pages quote it."""
    found = []
    for name in ("planted", "both-planes", "three-slices", "styled-training"):
        document = json.loads((RESULTS / name / "planted.json").read_text())
        for point in (one for one in document.values() if isinstance(one, dict)):
            for figure in (one for one in point.values() if isinstance(one, dict)):
                low, high = figure["ci95"]
                found.append(f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]")
    return found


def test_the_model_card_quotes_the_planted_figures() -> None:
    card = (RESULTS.parents[1] / "MODEL_CARD.md").read_text()
    document = json.loads((RESULTS / "planted" / "planted.json").read_text())
    for point in ("at_operating_point", "at_most_0.2_alarms"):
        for name in ("recall", "alarms_a_sham_slice"):
            low, high = document[point][name]["ci95"]
            assert f"{document[point][name]['value']:.3f} [{low:.3f}, {high:.3f}]" in card


def test_every_interval_in_the_results_page_stands_in_a_table() -> None:
    page = (RESULTS / "README.md").read_text()
    files = (*RESULTS.glob("**/tables/*.txt"), *(RESULTS / f"{name}.md" for name in PAGES))
    tables = "".join([path.read_text() for path in files] + planted_figures())

    quoted = re.findall(r"-?\d\.\d{3} \[-?\d\.\d{3}, -?\d\.\d{3}\]", page)

    assert quoted
    assert [figure for figure in quoted if figure not in tables] == []
