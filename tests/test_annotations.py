import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discern.annotations import GroundTruth, TruthBox, read_labelme, write_labelme
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Label, Plane

TRUTH = GroundTruth(
    image="12_t2_mid",
    patient="12",
    plane=Plane.SAGITTAL,
    shape_px=(300, 200),
    boxes=(
        TruthBox(Label.PFIRRMANN_3, (10.0, 20.5, 60.0, 40.0), disc=1),
        TruthBox(Label.HERNIATION, (50.0, 18.0, 70.0, 42.0)),
    ),
)


def shape(**changes: object) -> dict[str, Any]:
    plain = {"label": "hiz", "points": [[1, 2], [30, 40]], "shape_type": "rectangle"}
    return plain | {"group_id": None, "flags": {}} | changes


def labelme(tmp_path: Path, *shapes: object, **changes: object) -> Path:
    document: dict[str, Any] = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "../images/one.png",
        "imageData": None,
        "imageHeight": 100,
        "imageWidth": 80,
    }
    path = tmp_path / "one.json"
    kept = {key: value for key, value in (document | changes).items() if value != "absent"}
    path.write_text(json.dumps(kept))
    return path


def read(path: Path) -> GroundTruth:
    return read_labelme(path, patient="12", plane=Plane.SAGITTAL)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "12_t2_mid.json"
    write_labelme(path, TRUTH, image_path="../images/12_t2_mid.png")

    assert read(path) == TRUTH
    document = json.loads(path.read_text())
    assert document["imagePath"] == "../images/12_t2_mid.png"
    assert (document["imageHeight"], document["imageWidth"]) == (300, 200)
    assert document["shapes"][0]["points"] == [[10.0, 20.5], [60.0, 40.0]]


def test_ignored_places_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "12_t2_mid.json"
    truth = replace(TRUTH, ignored=((1.0, 2.0, 30.0, 40.0),))
    write_labelme(path, truth, image_path="../images/12_t2_mid.png")
    assert read(path) == truth


@pytest.mark.parametrize("wrong", [{"shape_type": "circle"}, {"points": [[1, 2]]}])
def test_an_ignored_place_is_a_rectangle_or_a_polygon(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(DatasetError, match="draw a rectangle or a polygon"):
        read(labelme(tmp_path, shape(label="ignored", **wrong)))


def test_what_the_file_cannot_say_comes_from_the_caller(tmp_path: Path) -> None:
    truth = read_labelme(
        labelme(tmp_path, shape()),
        patient="7",
        plane=Plane.AXIAL,
        annotated=frozenset({Label.HIZ}),
        ignored=[(1.0, 2.0, 3.0, 4.0)],
        ungraded_above_px=9.0,
    )

    assert (truth.image, truth.patient, truth.plane) == ("one", "7", Plane.AXIAL)
    assert truth.annotated == {Label.HIZ}
    assert truth.ignored == ((1.0, 2.0, 3.0, 4.0),)
    assert truth.ungraded_above_px == 9


def test_corners_come_in_any_order_and_a_polygon_becomes_its_bounding_box(tmp_path: Path) -> None:
    path = labelme(
        tmp_path,
        shape(points=[[30, 2], [1, 40]]),
        shape(points=[[30, 40], [1, 2]], group_id=4),
        shape(points=[[10, 2], [30, 20], [12, 40], [1, 21]], shape_type="polygon"),
    )

    truth = read(path)

    assert [box.box_xyxy_px for box in truth.boxes] == [(1, 2, 30, 40)] * 3
    assert [box.disc for box in truth.boxes] == [None, 4, None]


def test_boxes_are_clipped_to_the_image(tmp_path: Path) -> None:
    truth = read(labelme(tmp_path, shape(points=[[-3, 50], [90, 130]])))

    assert truth.boxes[0].box_xyxy_px == (0, 50, 80, 100)


@pytest.mark.parametrize("version", ["4.5.6", "5.0.0"])
def test_versions_4_and_5_are_read(tmp_path: Path, version: str) -> None:
    assert len(read(labelme(tmp_path, shape(), version=version)).boxes) == 1


@pytest.mark.parametrize(
    ("shapes", "changes", "said"),
    [
        ([shape(label="pfirrmann_6")], {}, "shape 1 is labelled 'pfirrmann_6'; rename it to one"),
        ([shape(), shape(points=[[5, 5], [5, 9]])], {}, "shape 2 has no area inside the image"),
        ([shape(points=[[90, 5], [95, 9]])], {}, "shape 1 has no area inside the image"),
        ([shape(points=[[float("nan"), 5], [9, 9]])], {}, "a point that is no number"),
        ([shape(points=[[5, 5]])], {}, "a rectangle of 1 points; draw a rectangle or a polygon"),
        ([shape(shape_type="circle")], {}, "a circle of 2 points; draw a rectangle or a polygon"),
        ([shape(group_id="L5")], {}, "group_id 'L5'; make it the disc's number"),
        ([shape(points=[[5, 5, 5], [9, 9, 9]])], {}, "cannot reshape"),
        (["hiz"], {}, "not laid out as LabelMe does"),
        ([], {"version": "3.1"}, "written by LabelMe '3.1'"),
        ([], {"version": None}, "written by LabelMe None"),
        ([], {"shapes": "absent"}, "no 'shapes', so not a LabelMe file"),
        ([], {"imageHeight": None}, "imageHeight is None; open and save the file"),
        ([], {"imageWidth": 0}, "imageWidth is 0; open and save the file"),
    ],
)
def test_a_bad_file_is_named_with_its_fault_and_the_remedy(
    tmp_path: Path, shapes: list[object], changes: dict[str, object], said: str
) -> None:
    with pytest.raises(DatasetError, match=r"^one\.json: ") as caught:
        read(labelme(tmp_path, *shapes, **changes))

    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b'{"version": "5.4.1", "shap', b"\xff\xfe\x00", b""])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.json").write_bytes(content)

    with pytest.raises(DatasetError, match=r"^one\.json: not JSON .*; restore the file"):
        read(tmp_path / "one.json")


@pytest.mark.parametrize("content", ["[]", "3", "null"])
def test_json_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "one.json").write_text(content)

    with pytest.raises(DatasetError, match=r"^one\.json: not laid out as LabelMe does"):
        read(tmp_path / "one.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^gone\.json: cannot be read"):
        read(tmp_path / "gone.json")


def test_boxes_are_chosen_by_label() -> None:
    assert TRUTH.boxes_of(GRADE_LABELS).tolist() == [[10.0, 20.5, 60.0, 40.0]]
    assert TRUTH.boxes_of((Label.HIZ,)).shape == (0, 4)


def test_every_real_annotation_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "spider-lumbar" / "annotations").glob("*.json"))
    truths = [read(path) for path in files]

    labels = Counter(str(box.label) for truth in truths for box in truth.boxes)
    assert labels == {
        "pfirrmann_1": 305,
        "pfirrmann_2": 510,
        "pfirrmann_3": 636,
        "pfirrmann_4": 488,
        "pfirrmann_5": 318,
        "herniation": 54,
    }
    sizes = np.array([t.shape_px for t in truths])
    assert (sizes > 100).all()
