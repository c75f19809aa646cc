import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_folder import graded_patients, pixels_of, write_image
from PIL import Image as PillowImage

from discern.dataset.check import check_dataset
from discern.dataset.problems import Kind, Severity, problem_tables
from discern.dataset.sources import read_dataset
from discern.dataset.splits import Split, fold_splits, split_patients, write_split
from discern.evaluation.table_formats import table_text

GRADES = [1, 2, 3, 4, 5, 1, 2, 3]
ALWAYS = {Kind.ABSENT_CLASS}  # no lesion is drawn in these sets
Change = Callable[[Path], None]


def _kinds(folder: Path, *splits: Path) -> set[Kind]:
    return {problem.kind for problem in check_dataset(folder, splits).problems} - ALWAYS


def _edited(**changes: Any) -> Change:  # noqa: ANN401 - values of a JSON file
    """Return what overwrites keys of the first annotation, or of its first shape."""

    def edit(folder: Path) -> None:
        path = folder / "annotations" / "p000_x.json"
        document = json.loads(path.read_text())
        for key, value in changes.items():
            of_shape = key in document["shapes"][0] and key != "flags"
            owner = document["shapes"][0] if of_shape else document
            owner[key] = value
        path.write_text(json.dumps(document))

    return edit


def _rewritten(*drawn: tuple[str, tuple[float, float, float, float], int | None]) -> Change:
    return lambda folder: write_image(folder, "p000_x", drawn)


def _axial(folder: Path) -> None:
    write_image(folder, "p000_x", [("pfirrmann_2", (5, 5, 20, 12), 1)], {"axial": True})


def _same_disc_elsewhere(folder: Path) -> None:
    write_image(folder, "p000_y", [("pfirrmann_5", (5, 5, 20, 12), 1)])


def _lone_annotation(folder: Path) -> None:
    (folder / "images" / "p000_x.png").unlink()


def _lone_image(folder: Path) -> None:
    (folder / "annotations" / "p000_x.json").unlink()


def _damaged_image(folder: Path) -> None:
    path = folder / "images" / "p000_x.png"
    path.write_bytes(path.read_bytes()[:100])


def _other_size(folder: Path) -> None:
    pixels = pixels_of("p000_x", (80, 40))
    PillowImage.fromarray(pixels).save(folder / "images" / "p000_x.png")


def _blank(folder: Path) -> None:
    PillowImage.fromarray(np.zeros((60, 40), np.uint8)).save(folder / "images" / "p000_x.png")


def _two_images(folder: Path) -> None:
    PillowImage.fromarray(pixels_of("another")).save(folder / "images" / "p000_x.tif")


def _copy_of_another(folder: Path) -> None:
    PillowImage.fromarray(pixels_of("p003_x")).save(folder / "images" / "p000_x.png")


def _repeated(folder: Path) -> None:
    write_image(folder, "p000_y", [("pfirrmann_1", (5, 5, 20, 12), 1)])
    PillowImage.fromarray(pixels_of("p000_x")).save(folder / "images" / "p000_y.png")


def _text(text: str) -> Change:
    return lambda folder: _write(folder / "annotations" / "p000_x.json", text)


def _table(name: str, text: str) -> Change:
    return lambda folder: _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


BOX = (5.0, 5.0, 20.0, 12.0)
ONE_PROBLEM: dict[str, tuple[Change, Kind]] = {
    "no JSON": (_text("{"), Kind.UNREADABLE),
    "JSON of another kind": (_text("[1]"), Kind.UNREADABLE),
    "no shapes": (_text('{"version": "5.4.1"}'), Kind.UNREADABLE),
    "version 3": (_edited(version="3.1"), Kind.VERSION),
    "no version": (_edited(version=None), Kind.VERSION),
    "label": (_edited(label="Pfirrmann 3"), Kind.LABEL),
    "circle": (_edited(shape_type="circle"), Kind.SHAPE),
    "one point": (_edited(points=[[1, 2]]), Kind.SHAPE),
    "points of text": (_edited(points=[["a", "b"], [1, 2]]), Kind.SHAPE),
    "group of text": (_edited(group_id="L4/L5"), Kind.SHAPE),
    "line": (_edited(points=[[5, 5], [5, 12]]), Kind.NO_AREA),
    "outside": (_edited(points=[[45, 5], [60, 12]]), Kind.NO_AREA),
    "reaching out": (_edited(points=[[30, 5], [60, 12]]), Kind.CLIPPED),
    "flag": (_edited(flags={"annotated_classes": ["hernia"]}), Kind.FLAG),
    "flag discs": (_edited(flags={"discs": "L4"}), Kind.DISCS_FLAG),
    "unlisted": (_edited(flags={"annotated_classes": ["pfirrmann_2"]}), Kind.UNLISTED),
    "other image": (_edited(imagePath="..\\images\\p001_x.png"), Kind.OTHER_IMAGE),
    "size": (_other_size, Kind.SIZE),
    "stated size": (_edited(imageHeight=600), Kind.SIZE),
    "no box": (_rewritten(), Kind.NO_BOX),
    "one disc twice": (
        _rewritten(("pfirrmann_1", BOX, 4), ("pfirrmann_2", (5, 30, 20, 40), 4)),
        Kind.TWO_GRADES,
    ),
    "boxes on each other": (
        _rewritten(("pfirrmann_1", BOX, None), ("pfirrmann_2", (6, 5, 21, 12), 3)),
        Kind.TWO_GRADES,
    ),
    "grade on axial": (_axial, Kind.AXIAL_GRADE),
    "changing grade": (_same_disc_elsewhere, Kind.CHANGING_GRADE),
    "annotation without image": (_lone_annotation, Kind.LONE_ANNOTATION),
    "image without annotation": (_lone_image, Kind.UNANNOTATED),
    "damaged image": (_damaged_image, Kind.UNREADABLE_IMAGE),
    "blank": (_blank, Kind.BLANK),
    "two images": (_two_images, Kind.TWO_IMAGES),
    "copy": (_copy_of_another, Kind.COPY),
    "repeated": (_repeated, Kind.REPEATED),
    "patients.csv": (_table("patients.csv", "name\n1\n"), Kind.TABLE),
    "discs.csv": (_table("discs.csv", "a\n1\n"), Kind.TABLE),
    "unknown patient": (
        _table("patients.csv", "patient\n" + "".join(f"p00{n}\n" for n in range(7))),
        Kind.UNKNOWN_PATIENT,
    ),
}


def test_a_sound_set_has_no_problem(tmp_path: Path) -> None:
    graded_patients(tmp_path / "set", GRADES)
    report = check_dataset(tmp_path / "set")
    assert report.errors == 0
    assert (report.images, report.patients, report.boxes) == (8, 8, 8)
    found = [problem.found for problem in report.problems]
    assert found == [f"no {label} on any sagittal image" for label in ("herniation", "hiz")]


@pytest.mark.parametrize(("change", "kind"), ONE_PROBLEM.values(), ids=ONE_PROBLEM.keys())
def test_one_problem_is_told_by_kind_and_file(tmp_path: Path, change: Change, kind: Kind) -> None:
    graded_patients(tmp_path / "set", GRADES)
    change(tmp_path / "set")
    assert _kinds(tmp_path / "set") == {kind}
    report = check_dataset(tmp_path / "set")
    assert (report.errors > 0) == (kind.severity is Severity.ERROR)
    place = next(problem.place for problem in report.problems if problem.kind is kind)
    assert "p000" in place or place in {"patients.csv", "set"}


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    graded_patients(tmp_path / "set", GRADES)
    _edited(version="2.0", label="disc", group_id="a", imageHeight=3)(tmp_path / "set")
    _damaged_image(tmp_path / "set")
    kinds = {Kind.VERSION, Kind.LABEL, Kind.SHAPE, Kind.UNREADABLE_IMAGE}
    assert _kinds(tmp_path / "set") == kinds
    report = check_dataset(tmp_path / "set")
    by_kind, every = (table_text(table) for table in problem_tables(report.name, report.problems))
    assert "set: 4 errors, 2 warnings" in by_kind
    for kind in kinds:
        assert kind.remedy in by_kind
    assert "shape 1 is labelled 'disc'" in every
    assert "images/p000_x.png" in every


def test_one_patient_cannot_be_learned_and_tested(tmp_path: Path) -> None:
    write_image(tmp_path, "p1_a", [("pfirrmann_1", BOX, 1)])
    write_image(tmp_path, "p1_b", [("pfirrmann_1", BOX, 1)])
    assert _kinds(tmp_path) == {Kind.ONE_PATIENT}
    assert _kinds(tmp_path / "images") == {Kind.NO_DATA}


def test_axial_images_may_have_lesions_only(tmp_path: Path) -> None:
    graded_patients(tmp_path, GRADES)
    write_image(tmp_path, "p000_axial", [("herniation", BOX, 1)])
    found = [problem.found for problem in check_dataset(tmp_path).problems]
    expected = ["axial", "sagittal", "sagittal"]
    assert [text.split(" any ")[1].split()[0] for text in found] == expected
    assert found[0] == "no hiz on any axial image"


def _split_file(folder: Path, split: Split, name: str = "split.json") -> Path:
    write_split(split, folder / name)
    return folder / name


def test_a_good_split_adds_nothing(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", GRADES * 3)
    folds = fold_splits(dataset, 0, 3)
    files = [_split_file(tmp_path, one, f"fold-{n}.json") for n, one in enumerate(folds)]
    assert _kinds(dataset.folder, *files) == set()


def test_every_leak_and_stranger_is_told(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", GRADES)
    split = split_patients(dataset, 0)
    leaking = replace(split, test=(*split.train[:2], *split.validation, "p999"))
    report = check_dataset(dataset.folder, [_split_file(tmp_path, leaking)])
    leaks = [problem for problem in report.problems if problem.kind is Kind.LEAK]
    assert len(leaks) == 2 + len(split.validation)
    assert leaks[0].found == f"patient {split.train[0]} is in train and in test"
    strangers = [problem.found for problem in report.problems if problem.kind is Kind.SPLIT]
    assert strangers == ["not in the data set: 1 patient: p999"]
    (unused,) = (problem.found for problem in report.problems if problem.kind is Kind.UNUSED)
    assert unused == f"{len(split.test)} patient: {split.test[0]}"


def test_splits_of_other_data_and_other_files_are_told(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", GRADES)
    split = split_patients(dataset, 0)
    (tmp_path / "notes.json").write_text("{}")
    other = _split_file(tmp_path, replace(split, data_digest="0" * 64))
    files = [other, tmp_path / "notes.json", tmp_path / "absent.json"]
    report = check_dataset(dataset.folder, files)
    told = [(problem.kind, problem.place) for problem in report.problems[:3]]
    assert {kind for kind, _ in told} >= {Kind.SPLIT}
    places = {p.place for p in report.problems if p.kind is Kind.SPLIT}
    assert places == {"split.json", "notes.json", "absent.json"}


def test_empty_parts_repeats_and_missing_classes_are_warnings(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", [1, 1, 1, 2, 2, 2, 3, 4])
    grade_4 = Split(dataset.digest, dataset.patients[:7], (), dataset.patients[7:])
    files = [_split_file(tmp_path, grade_4, name) for name in ("a.json", "b.json")]
    report = check_dataset(dataset.folder, files)
    assert report.errors == 0
    kinds = {problem.kind for problem in report.problems}
    assert kinds == {Kind.EMPTY_PART, Kind.TESTED_TWICE, Kind.ABSENT_CLASS}
    assert "no pfirrmann_4 on any sagittal image of the part train" in {
        problem.found for problem in report.problems
    }


def test_a_copy_names_the_parts_that_it_leaks_between(tmp_path: Path) -> None:
    graded_patients(tmp_path / "set", GRADES)
    _copy_of_another(tmp_path / "set")
    dataset = read_dataset(tmp_path / "set")
    rest = tuple(set(dataset.patients) - {"p003"})
    split = Split(dataset.digest, rest, (), ("p003",))
    report = check_dataset(dataset.folder, [_split_file(tmp_path, split)])
    (copy,) = (problem for problem in report.problems if problem.kind is Kind.COPY)
    assert copy.place == "images/p000_x.png and images/p003_x.png"
    assert copy.found.endswith("; split.json: train against test")


@pytest.mark.slow
def test_the_public_set_is_sound(shared_data: Path) -> None:
    report = check_dataset(shared_data / "spider-lumbar")
    assert (report.errors, report.images, report.boxes) == (0, 313, 2311)
    assert {problem.kind for problem in report.problems} == {
        Kind.ABSENT_CLASS,  # no HIZ
        Kind.UNKNOWN_PATIENT,  # 41 and 141 have no T2 series, hence no row
    }
