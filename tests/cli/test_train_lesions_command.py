from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from discern.cli.main import run
from four_images import write_four_images


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "a", "--fold-files", "b"], "exclude each other"),
        (["--fold-files", "b"], "need each other"),
        (["--epochs", "0"], "at least 1"),
        (["--phantom-patients", "-1"], "--phantom-patients -1 must be at least 0"),
    ],
)
def test_contradictions_are_named(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(["train-lesions", str(tmp_path), "--out", str(tmp_path / "out"), *options])

    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_data_set_without_lesions_or_masks_needs_synthetic_patients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_four_images(tmp_path / "four")
    out = tmp_path / "out"
    arguments = [str(tmp_path / "four"), "--out", str(out), "--phantom-patients", "0"]

    with pytest.raises(SystemExit) as stop:
        run(["train-lesions", *arguments])

    assert stop.value.code == 2
    assert "nothing to learn from" in capsys.readouterr().err
    assert not (out / "weights.onnx").exists()
