from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from discern.cli.main import run
from discern.weights import load_weights
from four_images import write_four_images


@pytest.mark.slow
def test_weights_with_a_grading_network_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_four_images(tmp_path / "four")
    out = tmp_path / "out"

    with pytest.raises(SystemExit) as stop:
        run(["train-grader", str(tmp_path / "four"), "--out", str(out), "--epochs", "1"])

    assert stop.value.code == 0
    assert str(out / "weights.onnx") in capsys.readouterr().out
    about = load_weights(out / "weights.onnx").metadata
    assert about.segmenter is not None
    assert about.grader is not None
    assert about.grader.epochs == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "a", "--fold-files", "b"], "exclude each other"),
        (["--fold-files", "b"], "need each other"),
        (["--share", "1.5"], "from 0 to 1"),
        (["--epochs", "0"], "at least 1"),
    ],
)
def test_contradictions_are_named(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(["train-grader", str(tmp_path), "--out", str(tmp_path / "out"), *options])

    assert stop.value.code == 2
    assert said in capsys.readouterr().err
