from pathlib import Path

from dataset_folder import graded_patients
from typer.testing import CliRunner

from discern.cli.dataset import dataset_app
from discern.dataset.splits import read_split


def test_a_split_is_written_for_one_run_or_for_folds(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", [1, 2, 3, 4, 5] * 4)
    out = tmp_path / "split.json"
    arguments = ["split", str(dataset.folder), "--out", str(out)]
    said = CliRunner().invoke(dataset_app, arguments, catch_exceptions=False)
    assert said.output == "split.json: 14 training, 4 validation, 2 test patients\n"
    assert len(read_split(out, dataset).train) == 14
    folder = tmp_path / "folds"
    arguments = ["split", str(dataset.folder), "--out", str(folder), "--folds", "5"]
    CliRunner().invoke(dataset_app, arguments, catch_exceptions=False)
    folds = [read_split(path, dataset) for path in sorted(folder.glob("fold-*.json"))]
    assert sorted(patient for fold in folds for patient in fold.test) == list(dataset.patients)
