"""The bench of the public peer, driven with a stand-in for the Python that has the peer."""

import csv
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, write_split
from discern.evaluation.predictions import read_predictions
from discern.spine import GRADE_LABELS, Label, Plane

BENCH = Path(__file__).resolve().parents[1] / "bench" / "public_peers.py"
GRADES = (0, 2, 4, 3)
# A peer that knows the truth: it answers with the labels it was given for the test images.
KNOWS_THE_TRUTH = """#!{python}
import json, sys
from pathlib import Path
from PIL import Image
job = json.loads(Path(sys.argv[2]).read_text()); folder = Path(sys.argv[2]).parent
trained = (folder / json.loads(Path(job["data"]).read_text())["train"]).read_text().split()
assert not set(trained) & set(job["images"])
assert all(Path(name).is_file() for name in (*trained, *job["images"]))
answers = {{}}
for name in job["images"]:
    width, height = Image.open(name).size
    boxes = []
    labels = Path(name.replace("/images/", "/labels/")).with_suffix(".txt")
    for line in labels.read_text().splitlines():
        kind, x, y, w, h = map(float, line.split())
        scores = [0.0] * len(job["classes"])
        scores[int(kind)] = 0.9
        box = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
        label = job["classes"][int(kind)]
        boxes.append({{"label": label, "score": 0.9, "class_scores": scores, "box_xyxy_px": box}})
    answers[Path(name).stem] = boxes
(folder / "predictions.json").write_text(json.dumps(answers))
facts = {{"train_seconds": 1.5, "epochs": job["epochs"], "parameters": 7, "device": "cpu",
         "torch": "0", "ultralytics": "0", "weights_sha256": "0"}}
(folder / "facts.json").write_text(json.dumps(facts))
(folder / "starts").open("a").write("once\\n")
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four patients, two slices each, wider than high; the grades differ."""
    folder = tmp_path / "data"
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for patient, first in enumerate(GRADES):
        for name in (f"{patient}_t2_mid", f"{patient}_t2space_5"):
            boxes = [
                TruthBox(
                    GRADE_LABELS[(first + disc) % 5], (20, 10 + 12 * disc, 51, 17 + 12 * disc), disc
                )
                for disc in range(1, 7)
            ]
            boxes.append(TruthBox(Label.HERNIATION, (45, 20, 55, 30), 1))
            truth = GroundTruth(name, str(patient), Plane.SAGITTAL, (100, 130), tuple(boxes))
            image = f"{name}.png"
            PillowImage.new("L", (130, 100), 40 * patient + 9).save(folder / "images" / image)
            write_labelme(
                folder / "annotations" / f"{name}.json", truth, image_path=f"../images/{image}"
            )
    return read_dataset(folder)


@pytest.fixture
def splits(tmp_path: Path, dataset: Dataset) -> Path:
    """Two folds, one with a validation patient."""
    folder = tmp_path / "splits"
    folder.mkdir()
    write_split(Split(dataset.digest, ("0",), ("1",), ("2", "3")), folder / "fold-1.json")
    write_split(Split(dataset.digest, ("2", "3"), (), ("0", "1")), folder / "fold-2.json")
    return folder


def _run(
    dataset: Dataset, splits: Path, out: Path, peer: str, epochs: int = 3
) -> subprocess.CompletedProcess[str]:
    python = out.parent / "peer-python"
    python.write_text(peer.format(python=sys.executable), encoding="utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    words: list[object] = [
        sys.executable,
        BENCH,
        dataset.folder,
        "--fold-files",
        splits,
        "--out",
        out,
    ]
    words += ["--models", "yolov5n", "--epochs", epochs, "--python", python, "--jobs", "2"]
    return subprocess.run([str(w) for w in words], check=False, capture_output=True, text=True)


@pytest.mark.slow
def test_a_peer_that_answers_with_its_labels_is_always_right_and_starts_once_a_fold(
    dataset: Dataset, splits: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the train extra")
    out = tmp_path / "out"
    for _ in range(2):
        ended = _run(dataset, splits, out, KNOWS_THE_TRUTH)
        assert not ended.returncode, ended.stderr
    assert "disc_recall 1.000, exact 1.000, within_one 1.000" in ended.stdout
    assert "24 discs" in ended.stdout  # of the T2 slices alone

    pooled = read_predictions(out / "yolov5n.json")
    assert set(pooled) == {truth.image for truth in dataset.truths}
    for truth in dataset.truths:
        found = [box for box in pooled[truth.image] if box.label is not Label.HERNIATION]
        assert [box.label for box in found] == [box.label for box in truth.boxes[:6]]
        for box, drawn in zip(found, truth.boxes[:6], strict=True):
            assert box.box_xyxy_px == pytest.approx(drawn.box_xyxy_px, abs=0.01)
            assert box.class_scores is not None
            assert box.class_scores[6] == 0

    with (out / "ledger.csv").open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["arm"], row["fold"], row["exact"], row["epochs"]) for row in rows] == [
        ("yolov5n", "1", "1.0", "3"),
        ("yolov5n", "2", "1.0", "3"),
    ]
    assert [row["train_patients"] for row in rows] == ["2", "2"]
    assert len({row["run"] for row in rows}) == 2
    starts = [file.read_text(encoding="utf-8") for file in out.glob("runs/*/starts")]
    assert starts == ["once\n", "once\n"]

    ended = _run(dataset, splits, out, KNOWS_THE_TRUTH, epochs=4)
    assert ended.returncode == 1
    assert "trained with {'epochs': 3}; name another --out" in ended.stderr


@pytest.mark.slow
def test_a_peer_that_fails_is_named_with_its_log(
    dataset: Dataset, splits: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the train extra")
    ended = _run(
        dataset, splits, tmp_path / "out", "#!{python}\nraise SystemExit('no such network')\n"
    )
    assert ended.returncode == 1
    assert "yolov5n, fold 1 failed" in ended.stderr
    assert "log.txt" in ended.stderr
    assert "no such network" in ended.stderr
    assert not (tmp_path / "out" / "yolov5n.json").exists()
