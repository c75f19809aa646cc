import json
from pathlib import Path

import matplotlib.image as mpl_image
import pytest
from evaluation_cases import perfect, random_case

from discern.errors import OutputError
from discern.evaluation.metrics import EvaluationOptions, metrics_to_json
from discern.evaluation.run import run_evaluation
from discern.evaluation.tables import tables_markdown

FEW = EvaluationOptions(resamples=30)
FILES = ["confusion.png", "metrics.json", "predictions.json", "roc.png", "tables.md"]


def test_everything_is_written_and_equal_runs_are_equal_bytes(tmp_path: Path) -> None:
    case = random_case(1)
    runs = [tmp_path / "a", tmp_path / "b"]
    for out_dir in runs:
        metrics = run_evaluation(case.truths, case.predictions, out_dir, FEW, "digest")

    assert sorted(path.name for path in runs[0].iterdir()) == FILES
    assert (runs[0] / "metrics.json").read_text() == metrics_to_json(metrics)
    assert json.loads((runs[0] / "metrics.json").read_text())["data_digest"] == "digest"
    for name in FILES:
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()


def test_the_plots_are_pictures_that_differ_with_the_figures(tmp_path: Path) -> None:
    case = random_case(2)
    run_evaluation(case.truths, case.predictions, tmp_path / "some", FEW, "")
    run_evaluation(case.truths, perfect(case.truths), tmp_path / "best", FEW, "")

    for name in ("confusion.png", "roc.png"):
        some, best = (mpl_image.imread(tmp_path / run / name) for run in ("some", "best"))
        assert some.shape[0] > 500
        assert some.shape == best.shape
        assert (some != best).any()


def test_nothing_is_left_where_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    case = random_case(3, patients=2)

    with pytest.raises(OutputError, match="out"):
        run_evaluation(case.truths, case.predictions, tmp_path / "out", FEW, "")

    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_data_set_without_truth_still_gives_its_files(tmp_path: Path) -> None:
    run_evaluation([], {}, tmp_path, FEW, "")

    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_the_table_has_a_row_for_every_grade_and_lesion_in_the_truth(tmp_path: Path) -> None:
    case = random_case(4)
    text = tables_markdown(run_evaluation(case.truths, case.predictions, tmp_path, FEW, ""))

    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line[:1] == "|"}
    document = json.loads((tmp_path / "metrics.json").read_text())
    third = document["slice_wise"]["pfirrmann"]["per_grade"]["3"]
    assert f"{third['recall']['value']:.3f} [" in rows["Pfirrmann grade 3"]
    assert rows["Pfirrmann grade 3"].rstrip(" |").endswith(str(third["support"]))
    assert {f"Pfirrmann grade {grade}" for grade in range(1, 6)} < set(rows)
    assert "Herniation (sagittal), IoU 0.5" in rows
    assert not any(row.startswith("High-intensity zone") for row in rows)
    assert len({len(line) for line in rows.values()}) == 2  # two tables, columns aligned


def test_kappa_comes_with_a_warning_where_discs_were_missed(tmp_path: Path) -> None:
    truths = random_case(5).truths
    found = perfect(truths)
    few = found | {truths[0].image: (), truths[1].image: ()}

    all_found = run_evaluation(truths, found, tmp_path, FEW, "")
    some_missed = run_evaluation(truths, few, tmp_path, FEW, "")

    assert "not to be quoted" in tables_markdown(some_missed)
    assert "not to be quoted" not in tables_markdown(all_found)
