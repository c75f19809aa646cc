import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_cases import truth_of

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.errors import DatasetError
from discern.evaluation.reader_files import read_reader
from discern.spine import Label, Plane

DISC = (60.0, 80.0, 110.0, 96.0)
TRUTHS = [truth_of((Label.PFIRRMANN_3, DISC), image=name, patient=name) for name in ("a", "b")]
KNOWN = {"a", "b", "unread"}


def write(folder: Path, *truths: GroundTruth) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for truth in truths:
        write_labelme(folder / f"{truth.image}.json", truth, image_path=f"{truth.image}.png")
    return folder


def drew(image: str, *boxes: tuple[Label, tuple[float, float, float, float]]) -> GroundTruth:
    return truth_of(*boxes, image=image)


def refused(folder: Path, truths: Sequence[GroundTruth], *words: str) -> None:
    with pytest.raises(DatasetError) as error:
        read_reader(folder, truths, KNOWN)
    for word in words:
        assert word in str(error.value)


def test_a_bare_folder_and_one_with_annotations_are_the_same(tmp_path: Path) -> None:
    bare = write(tmp_path / "bare", *TRUTHS)
    write(tmp_path / "whole" / "annotations", *TRUTHS)
    (tmp_path / "whole" / "notes.json").write_text("not an annotation")

    first, second = (read_reader(folder, TRUTHS, KNOWN) for folder in (bare, tmp_path / "whole"))

    assert first == second
    (box,) = first["a"]
    assert (box.label, box.score, box.class_scores) == (Label.PFIRRMANN_3, 1.0, None)
    assert box.box_xyxy_px == DISC


def test_an_empty_file_was_looked_at_and_other_images_of_the_set_are_left_aside(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path / "r", drew("a"), TRUTHS[1], drew("unread", (Label.HIZ, DISC)))

    reading = read_reader(folder, TRUTHS, KNOWN)

    assert list(reading) == ["a", "b"]
    assert reading["a"] == ()


def test_a_folder_without_annotations(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", TRUTHS, "nowhere", "no annotations", "*.json")


def test_an_image_that_was_not_read_is_named(tmp_path: Path) -> None:
    refused(
        write(tmp_path / "ann", TRUTHS[1]),
        TRUTHS,
        *("ann: 1 of the 2 images have no annotation (a)", "without shapes", "--images"),
    )


def test_an_annotation_of_no_image_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "ann", *TRUTHS, drew("A"))

    refused(folder, TRUTHS, "ann", "A.json", "name them as the images are named")


def test_an_image_of_another_size(tmp_path: Path) -> None:
    folder = write(tmp_path / "ann", TRUTHS[0], replace(TRUTHS[1], shape_px=(400, 300)))

    refused(folder, TRUTHS, "ann: b.json", "300 x 400", "200 x 200")


def test_two_grades_on_one_disc(tmp_path: Path) -> None:
    twice = drew("a", (Label.PFIRRMANN_3, DISC), (Label.PFIRRMANN_4, (60.0, 81.0, 110.0, 97.0)))

    refused(
        write(tmp_path / "ann", twice, TRUTHS[1]),
        TRUTHS,
        *("ann: a.json", "pfirrmann_3 at (60, 80, 110, 96)", "pfirrmann_4", "delete one"),
    )


def test_a_lesion_may_lie_on_a_graded_disc(tmp_path: Path) -> None:
    both = drew("a", (Label.PFIRRMANN_3, DISC), (Label.HERNIATION, DISC))

    reading = read_reader(write(tmp_path / "ann", both, TRUTHS[1]), TRUTHS, KNOWN)

    assert [box.label for box in reading["a"]] == [Label.PFIRRMANN_3, Label.HERNIATION]


def test_a_grade_on_an_axial_image(tmp_path: Path) -> None:
    axial = replace(TRUTHS[0], plane=Plane.AXIAL, boxes=(TruthBox(Label.HERNIATION, DISC),))

    refused(write(tmp_path / "ann", *TRUTHS), [axial, TRUTHS[1]], "ann: a.json", "axial", "delete")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": "3.21.1"}, "LabelMe '3.21.1'"),
        ({"version": "6.0"}, "versions 4 and 5"),
        ({"shapes": [{"label": "grade III", "shape_type": "rectangle"}]}, "'grade III'"),
        ({"imageHeight": None}, "imageHeight"),
    ],
)
def test_a_file_that_labelme_did_not_write_so(
    tmp_path: Path, change: dict[str, object], word: str
) -> None:
    folder = write(tmp_path / "ann", *TRUTHS)
    document = json.loads((folder / "a.json").read_text())
    (folder / "a.json").write_text(json.dumps(document | change))

    refused(folder, TRUTHS, "ann: a.json", word)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    folder = write(tmp_path / "ann", *TRUTHS)
    (folder / "b.json").write_text("{")

    refused(folder, TRUTHS, "ann: b.json", "not JSON")
