import csv
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from evaluation_cases import perfect, random_case, truth_of
from page_cases import FEW, noise, readable
from PIL import Image

from discern.errors import DatasetError, OutputError
from discern.evaluation.material import Material
from discern.evaluation.metrics import evaluate
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.pages.review import MOST_SLICES
from discern.evaluation.results import Extras, Results
from discern.evaluation.review import COLUMNS
from discern.evaluation.run import run_evaluation, run_side_by_side, summary

pytestmark = pytest.mark.slow  # every run draws ten files

NUMBERS = {"metrics.json", "predictions.json", "tables.md", "evaluation.html"}
PAGES = {"gallery.html", "review.html"}
DRAWINGS = {
    *("confusion", "roc", "agreement"),
    *("froc-herniation-sagittal", "precision-recall-herniation-sagittal"),
    "roc-herniation-sagittal",
}


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def of_case(seed: int, patients: int = 6) -> Material:
    case = random_case(seed, patients=patients)
    return Material(case.truths, case.predictions, digest="d")


@dataclass(frozen=True)
class Run:
    material: Material
    results: Results
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return one run with everything that needs no other file; drawing it takes seconds."""
    sexes = {f"p{i}": {"sex": "mf"[i % 2]} for i in range(4)}
    material = replace(readable(), attributes=sexes)
    folder = tmp_path_factory.mktemp("first")
    return Run(material, run_evaluation(material, folder, FEW), content(folder))


def test_everything_is_written_and_equal_runs_are_equal_bytes(first: Run, tmp_path: Path) -> None:
    run_evaluation(first.material, tmp_path, FEW)

    assert content(tmp_path) == first.files
    assert {name for name in first.files if "/" not in name} == NUMBERS | PAGES
    assert {name for name in first.files if name.startswith("figures/")} == {
        f"figures/{name}.{kind}" for name in DRAWINGS for kind in ("png", "svg")
    }
    assert {name for name in first.files if name.startswith("tables/")} == {
        f"tables/{table.name}.{kind}"
        for table in first.results.tables
        for kind in ("txt", "csv", "tex", "html")
    }


def test_metrics_json_holds_the_figures_and_the_subgroups(first: Run) -> None:
    document = json.loads(first.files["metrics.json"])
    by_sex = document.pop("subgroups")["sex"]
    assert document.pop("weights_sha256") is None  # predictions were given
    assert document.pop("warning") is None

    assert document == json.loads(metrics_to_json(first.results.metrics))
    assert document["data_digest"] == "a" * 64
    assert set(by_sex["groups"]) == {"m", "f"}
    assert "tables/subgroups-sex.csv" in first.files


def test_the_drawings_differ_with_the_figures(first: Run, tmp_path: Path) -> None:
    best = replace(first.material, predictions=perfect(list(first.material.truths)), read=None)
    run_evaluation(best, tmp_path, FEW)

    better = content(tmp_path)
    assert PAGES.isdisjoint(better)  # no pixels, no page that shows them
    for name in DRAWINGS:
        picture = first.files[f"figures/{name}.png"]
        assert picture != better[f"figures/{name}.png"], name
        with Image.open(io.BytesIO(picture)) as opened:
            assert min(opened.size) > 900


def test_nothing_is_left_where_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(OutputError, match="out"):
        run_evaluation(of_case(3, patients=2), tmp_path / "out", FEW)

    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_data_set_without_truth_still_gives_its_files(tmp_path: Path) -> None:
    run_evaluation(Material([], {}), tmp_path, FEW)

    assert set(content(tmp_path)) >= NUMBERS


def test_the_summary_is_the_beginning_of_the_tables(first: Run) -> None:
    text = first.files["tables.md"].decode()
    sections = summary(first.results).split("\n\n## ")

    assert all(section.rstrip("\n") in text for section in sections)
    assert sections[1].startswith("Table 4.")
    assert "Table 6." in text
    assert "Table 6." not in summary(first.results)


def test_another_reader_of_the_same_images_is_compared_patient_by_patient(tmp_path: Path) -> None:
    material = of_case(5)
    best = perfect(list(material.truths))

    results = run_evaluation(material, tmp_path, FEW, Extras(against=best))

    document = json.loads((tmp_path / "comparison.json").read_text())
    assert (document["reference"], document["other"]) == ("Reference", "Evaluated")
    exact = document["figures"]["exact_all"]
    assert exact["reference"]["value"] == 1.0
    assert exact["difference"]["value"] < 0
    assert (tmp_path / "tables" / "comparison-evaluated-reference.txt").is_file()
    assert "Difference: Evaluated minus Reference" in summary(results)


def test_predictions_to_compare_with_must_be_of_the_same_images(tmp_path: Path) -> None:
    material = of_case(5)
    few = dict(list(material.predictions.items())[1:])

    with pytest.raises(DatasetError, match="no predictions for 1 of 12 images"):
        run_evaluation(material, tmp_path, FEW, Extras(against=few))
    assert not list(tmp_path.iterdir())


def test_more_slices_than_a_browser_takes_have_no_review_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    truths = [truth_of(image=str(i), patient=str(i % 3)) for i in range(MOST_SLICES + 1)]
    many = Material(truths, {truth.image: () for truth in truths}, read=noise)

    run_evaluation(many, tmp_path, FEW)

    assert "review.html left out: 2001 slices" in caplog.text
    assert "--images or --split" in caplog.text
    assert (tmp_path / "gallery.html").is_file()
    assert "review.html" not in (tmp_path / "evaluation.html").read_text()


def review_of(run: Run, path: Path, rejected: int) -> Path:
    digests = run.results.digests
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        for i, truth in enumerate(run.material.truths):
            verdict = "rejected" if i < rejected else "accepted"
            writer.writerow([truth.image, truth.plane, verdict, digests.data, digests.predictions])
    return path


def test_a_review_of_these_predictions_gives_its_share(first: Run, tmp_path: Path) -> None:
    review = review_of(first, tmp_path / "review.csv", rejected=2)

    run_evaluation(replace(first.material, read=None), tmp_path / "out", FEW, Extras(review=review))

    files = content(tmp_path / "out")
    sagittal = json.loads(files["review.json"])["clinically_acceptable"]["sagittal"]
    assert (sagittal["value"], sagittal["images"]) == (0.75, 8)
    assert "0.750 [" in files["tables/clinically-acceptable.txt"].decode()
    assert files["metrics.json"] == first.files["metrics.json"]  # an opinion changes no figure


def test_a_review_of_other_predictions_is_refused(first: Run, tmp_path: Path) -> None:
    review = review_of(first, tmp_path / "review.csv", rejected=2)
    other = replace(first.material, predictions=perfect(list(first.material.truths)))

    with pytest.raises(DatasetError, match=r"review\.csv, line 2: .* other predictions"):
        run_evaluation(other, tmp_path / "out", FEW, Extras(review=review))
    assert not (tmp_path / "out").exists()


def test_two_evaluations_are_put_side_by_side(tmp_path: Path) -> None:
    documents = {}
    for side, seed in (("internal", 6), ("external", 7)):
        case = random_case(seed, patients=6)
        text = metrics_to_json(evaluate(case.truths, case.predictions, options=FEW))
        (tmp_path / side).mkdir()
        (tmp_path / side / "metrics.json").write_text(text)
        documents[side] = json.loads(text)

    text = run_side_by_side(tmp_path / "internal", tmp_path / "external", tmp_path / "both")

    files = content(tmp_path / "both")
    assert files["tables.md"].decode() == text
    assert {"evaluation.html", "tables/table-5-external.tex"} <= set(files)
    both = files["tables/tables-4-5-slice-wise.csv"].decode()
    third = next(row for row in csv.DictReader(io.StringIO(both)) if row[""].endswith("grade 3"))
    for side, document in documents.items():
        recall = document["slice_wise"]["pfirrmann"]["per_grade"]["3"]["recall"]
        assert third[f"Recall, {side}"] == f"{recall['value']:.4f}"
        assert third[f"Recall, {side} ci95 low"] == f"{recall['ci95'][0]:.4f}"
