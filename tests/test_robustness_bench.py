"""The robustness bench from outside: synthetic patients, the shipped network, real files."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from discern.annotations import write_labelme
from discern.dataset.degrade import LADDERS
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, write_split
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_sagittal
from discern.phantom.sampling import sample_anatomy
from discern.weights import shipped_weights

ROOT = Path(__file__).resolve().parents[1]
BENCH, SPLITS = ROOT / "bench" / "robustness.py", ROOT / "docs" / "results" / "splits"
STEPS = 1 + sum(len(ladder.severities) for ladder in LADDERS.values())


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two synthetic patients of two vendors, with masks."""
    folder = tmp_path_factory.mktemp("rendered")
    for part in ("images", "annotations", "masks"):
        (folder / part).mkdir()
    for patient in range(2):
        rng = np.random.default_rng(patient)
        (one,) = render_sagittal(
            sample_anatomy(rng), rng, prescription=Prescription(sagittal_slices=1)
        )
        name = f"{patient}_t2_mid"
        grey = np.clip(one.image * (255 / np.percentile(one.image, 99.9)), 0, 255)
        PillowImage.fromarray(grey.astype(np.uint8)).save(folder / "images" / f"{name}.png")
        PillowImage.fromarray(one.tissues).save(folder / "masks" / f"{name}.png")
        write_labelme(
            folder / "annotations" / f"{name}.json", one.truth, image_path=f"../images/{name}.png"
        )
    (folder / "patients.csv").write_text("patient,manufacturer\n0,SIEMENS\n1,Philips\n")
    return read_dataset(folder)


def _weights(folder: Path, folds: int) -> Path:
    folder.mkdir()
    for fold in range(1, folds + 1):
        shutil.copyfile(shipped_weights(), folder / f"fold-{fold}.onnx")
    return folder


def _run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.slow
def test_every_step_is_read_once_and_the_tables_follow_from_the_file(
    dataset: Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the train extra")  # the folds
    splits, out = tmp_path / "splits", tmp_path / "out"
    splits.mkdir()
    write_split(Split(dataset.digest, ("1",), (), ("0",)), splits / "fold-1.json")
    write_split(Split(dataset.digest, ("0",), (), ("1",)), splits / "fold-2.json")
    folder = _weights(tmp_path / "weights", 2)
    words = (dataset.folder, "--fold-files", splits, "--runs", f"shipped={folder}", "--out", out)

    ended = _run(*words)
    assert not ended.returncode, ended.stderr
    rows = (out / "robustness.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + STEPS
    assert rows[0] == "run,weights,degradation,unit,severity,0,1"
    assert rows[1].startswith("shipped,")
    assert ",untouched,,0," in rows[1]
    assert ended.stdout.count("minutes left") == STEPS

    whole = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "robustness.csv").write_text("\n".join(rows[:-2]) + "\n", encoding="utf-8")
    ended = _run(*words)  # goes on where it stopped
    assert ended.stdout.count("minutes left") == 2
    assert {path: path.read_bytes() for path in whole} == whole

    (out / "robustness.md").unlink()
    assert not _run(dataset.folder, "--tables-only", "--out", out).returncode
    assert {path: path.read_bytes() for path in whole} == whole


@pytest.mark.slow
def test_weights_that_have_seen_the_patients_are_refused(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the train extra")
    folder = _weights(tmp_path / "weights", 4)
    words = ("--fold-files", SPLITS, "--runs", f"shipped={folder}", "--out", tmp_path / "out")
    ended = _run(shared_data / "spider-lumbar", *words)
    assert ended.returncode == 1
    assert "43 of 43 patients were used to train these weights" in ended.stderr
    assert not (tmp_path / "out").exists()
