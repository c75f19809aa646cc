import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_cases import predicted, random_case

from discern.errors import DatasetError
from discern.evaluation.predictions import (
    predictions_digest,
    predictions_json,
    read_predictions,
    require_same_images,
)
from discern.findings import Detection, ModelIdentity, Numbering, Source, StudyFindings
from discern.spine import Label, Plane

GOOD = {"label": "hiz", "score": 0.5, "box_xyxy_px": [1, 2, 3, 4]}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    predictions = random_case(1, patients=2).predictions | {"empty": ()}
    predictions["bare"] = (predicted(Label.HIZ, (0.0, 1.0, 2.0, 3.0), 0.25),)
    (tmp_path / "p.json").write_text(predictions_json(predictions), encoding="utf-8")

    assert read_predictions(tmp_path / "p.json") == predictions
    assert json.loads((tmp_path / "p.json").read_text())["schema"] == "discern.predictions/1"


def test_a_file_needs_no_schema_and_no_class_scores(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"a": [GOOD], "b": []}))

    assert read_predictions(tmp_path / "p.json") == {
        "a": (predicted(Label.HIZ, (1.0, 2.0, 3.0, 4.0), 0.5),),
        "b": (),
    }


def test_the_digest_depends_on_content_and_not_on_order() -> None:
    predictions = random_case(1, patients=2).predictions
    turned = dict(reversed(predictions.items()))
    changed = predictions | {"000": ()}

    assert predictions_digest(predictions) == predictions_digest(turned)
    assert predictions_digest(predictions) != predictions_digest(changed)
    assert len(predictions_digest(predictions)) == 64


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not a discern.predictions/1 document"),
        ("[]", "not a discern.predictions/1 document"),
        ('{"schema": "discern.findings/1"}', "schema is 'discern.findings/1'"),
        (json.dumps({"a": [GOOD, GOOD | {"label": "modic"}]}), "a, box 2: 'modic'"),
        (json.dumps({"a": [{"label": "hiz", "score": 1}]}), "a, box 1: no 'box_xyxy_px'"),
        (json.dumps({"a": [GOOD | {"box_xyxy_px": [1, 2, 3]}]}), "is not four numbers"),
        (json.dumps({"a": [GOOD | {"box_xyxy_px": [1, 2, float("nan"), 4]}]}), "not four numbers"),
        (json.dumps({"a": [GOOD | {"box_xyxy_px": [1, 4, 3, 4]}]}), "has no area"),
        (json.dumps({"a": [GOOD | {"score": 1.5}]}), "not within 0 and 1"),
        (json.dumps({"a": [GOOD | {"score": float("nan")}]}), "not within 0 and 1"),
        (json.dumps({"a": [GOOD | {"class_scores": [0.1] * 6}]}), "6 class scores instead of 7"),
        (json.dumps({"a": ["hiz"]}), "a, box 1:"),
        (json.dumps({"a": "no list"}), "a, box 1:"),
        (json.dumps({"a": 3}), "not a discern.predictions/1 document"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "p.json").write_text(content)

    with pytest.raises(DatasetError, match=r"^p\.json: ") as caught:
        read_predictions(tmp_path / "p.json")

    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"p\.json: cannot be read"):
        read_predictions(tmp_path / "p.json")


def test_missing_and_unknown_images_are_listed() -> None:
    images = [f"i{n}" for n in range(8)]
    require_same_images(dict.fromkeys(images, ()), images)

    with pytest.raises(DatasetError, match=r"for 7 of 8 images \(i1, i2, i3, i4, i5, \.\.\.\)"):
        require_same_images({"i0": ()}, images)
    with pytest.raises(DatasetError, match=r"1 images that the data set lacks \(other\)"):
        require_same_images(dict.fromkeys([*images, "other"], ()), images)


def findings_of(*files: str | None) -> StudyFindings:
    box = Detection(
        id="d1",
        series="s1",
        sop_instance_uid="1.2.3",
        file=None,
        frame_number=None,
        slice_index=0,
        plane=Plane.SAGITTAL,
        label=Label.PFIRRMANN_3,
        score=0.75,
        class_scores=(0.0, 0.1, 0.75, 0.0, 0.0, 0.25, 0.0),
        box_xyxy_px=(10.0, 20.0, 60.5, 40.0),
    )
    return StudyFindings(
        source=Source.RASTER,
        study_instance_uid=None,
        model=ModelIdentity("m", "1", "0" * 64, "openvino", "fp32"),
        operating_point="default",
        warnings=(),
        numbering=Numbering(1.0),
        series=(),
        discs=(),
        detections=tuple(replace(box, file=file) for file in files),
    )


def test_a_folder_of_findings_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, files in {"one": ("in/a.png", "in/a.png"), "two": ("b.png", None)}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "findings.json").write_text(findings_of(*files).to_json())

    with caplog.at_level(logging.WARNING):
        predictions = read_predictions(tmp_path, images=["a", "b", "1.2.3", "nothing-found"])

    assert {name: len(boxes) for name, boxes in predictions.items()} == {
        "a": 2,
        "b": 1,
        "1.2.3": 1,
        "nothing-found": 0,
    }
    box = predictions["b"][0]
    assert (box.label, box.score, box.box_xyxy_px) == (
        Label.PFIRRMANN_3,
        0.75,
        (10.0, 20.0, 60.5, 40.0),
    )
    assert box.class_scores == (0.0, 0.1, 0.75, 0.0, 0.0, 0.25, 0.0)
    assert "no box on 1 images (nothing-found)" in caplog.text


def test_a_folder_without_findings_or_with_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no findings\.json in it"):
        read_predictions(tmp_path)

    (tmp_path / "findings.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"^findings\.json: not a discern\.findings/1"):
        read_predictions(tmp_path)
