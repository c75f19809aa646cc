"""``discern evaluate`` as a command: what may be combined, and two evaluations side by side."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.cli.main import run
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.spine import Label, Plane

BOXES = (
    TruthBox(Label.PFIRRMANN_4, (20.0, 80.0, 60.0, 95.0), 1),
    TruthBox(Label.PFIRRMANN_2, (20.0, 50.0, 60.0, 62.0), 2),
)


def make_dataset(folder: Path) -> Path:
    """Write two patients with one image each and, beside it, predictions without an error."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    gray = np.random.default_rng(0).integers(0, 255, (128, 96), dtype=np.uint8)
    for name in ("a_1", "b_1"):
        Image.fromarray(gray).save(folder / "images" / f"{name}.png")
        truth = GroundTruth(name, name[0], Plane.SAGITTAL, (128, 96), BOXES)
        path = folder / "annotations" / f"{name}.json"
        write_labelme(path, truth, image_path=f"../images/{name}.png")
    found = tuple(PredictedBox(box.label, 0.9, None, box.box_xyxy_px) for box in BOXES)
    path = folder.with_name(f"{folder.name}.json")
    path.write_text(predictions_json({"a_1": found, "b_1": found}))
    return folder


def status_of(*words: object) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        run(["evaluate", *map(str, words)])
    return stop.value.code


def test_data_set_and_out_are_enough_to_run_and_the_pages_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = make_dataset(tmp_path / "data"), tmp_path / "out"

    given = ("--predictions", tmp_path / "data.json", "--resamples", 100, "--crops", 0)
    assert status_of(data, "--out", out, *given) == 0

    said = capsys.readouterr().out
    assert "Table 4." in said
    assert str(out / "evaluation.html") in said
    assert "slice_wise" in json.loads((out / "metrics.json").read_text())


def test_two_evaluations_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_dataset(tmp_path / "data")
    given = ("--predictions", tmp_path / "data.json", "--resamples", 100, "--crops", 0)
    assert status_of(data, "--out", tmp_path / "A", *given) == 0

    both = ("--internal", tmp_path / "A", "--external", tmp_path / "A")
    assert status_of(*both, "--out", tmp_path / "both") == 0

    assert "Tables 4 and 5. Internal and external test set" in capsys.readouterr().out
    assert (tmp_path / "both" / "tables" / "tables-4-5-slice-wise.tex").is_file()
    figures = tmp_path / "both" / "figures"
    for kind in ("png", "svg"):
        drawn = (tmp_path / "A" / "figures" / f"roc.{kind}").read_bytes()
        assert (figures / f"figure-5-internal-roc.{kind}").read_bytes() == drawn
        assert (figures / f"figure-6-external-roc.{kind}").read_bytes() == drawn


WRONG = {
    "no data": ((), "name a DATASET to evaluate, or two evaluations with --internal"),
    "one side": (("--internal", "A"), "go together"),
    "other side": (("data", "--external", "A"), "go together"),
    "both and data": (("data", "--internal", "A", "--external", "B"), "leave DATASET"),
    "both and an option": (
        ("--internal", "A", "--external", "B", "--review", "r.csv"),
        "leave DATASET and the options about it away",
    ),
    "no evaluation": (("--internal", "A", "--external", "B"), "A/metrics.json: cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_contradictions_end_with_status_2_and_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words, message = WRONG[name]

    assert status_of(*words, "--out", tmp_path / "out") == 2

    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_out_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("data") == 2
    assert "--out" in capsys.readouterr().err
