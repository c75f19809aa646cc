import hashlib
from pathlib import Path

import pytest
from dataset_folder import write_image

from discern.dataset.sources import read_dataset
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Label, Plane

GRADES = frozenset(GRADE_LABELS)
DISC = ("pfirrmann_3", (5.0, 10.0, 25.0, 18.0), 2)
HERNIATION = ("herniation", (20.0, 9.0, 28.0, 19.0), 2)


def test_patient_plane_and_boxes_come_from_name_and_file(tmp_path: Path) -> None:
    write_image(tmp_path, "17_t2_mid", [DISC])
    write_image(tmp_path, "18_axial_04", [])
    sagittal, axial = read_dataset(tmp_path).truths
    assert (sagittal.patient, sagittal.plane, sagittal.shape_px) == ("17", Plane.SAGITTAL, (60, 40))
    assert sagittal.boxes[0].box_xyxy_px == (5, 10, 25, 18)
    assert sagittal.boxes[0].disc == 2
    assert (axial.patient, axial.plane) == ("18", Plane.AXIAL)


def test_a_lesion_is_annotated_where_the_data_set_has_it_in_that_plane(tmp_path: Path) -> None:
    write_image(tmp_path, "1_a", [DISC, HERNIATION])
    write_image(tmp_path, "2_a", [DISC])
    write_image(tmp_path, "2_axial", [])
    first, second, axial = read_dataset(tmp_path).truths
    assert first.annotated == second.annotated == GRADES | {Label.HERNIATION}
    assert axial.annotated == frozenset()


def test_the_files_own_word_on_annotated_classes_comes_first(tmp_path: Path) -> None:
    write_image(tmp_path, "1_a", [DISC, HERNIATION])
    write_image(tmp_path, "2_a", [DISC], flags={"annotated_classes": ["pfirrmann_3", "hiz"]})
    write_image(tmp_path, "3_a", [DISC], flags={"axial": True})
    _, stated, axial = read_dataset(tmp_path).truths
    assert stated.annotated == {Label.PFIRRMANN_3, Label.HIZ}
    assert axial.plane is Plane.AXIAL


def test_a_herniated_disc_without_box_is_ignored(tmp_path: Path) -> None:
    write_image(tmp_path, "1_a", [DISC, HERNIATION])
    write_image(tmp_path, "2_a", [DISC, ("pfirrmann_1", (6, 30, 26, 40), 1)])
    rows = "patient,ivd_label,herniation\n1,2,1\n2,2,1\n2,1,0\n"
    (tmp_path / "discs.csv").write_text(rows)
    boxed, without = read_dataset(tmp_path).truths
    assert boxed.ignored == ()
    assert without.ignored == ((5, 10, 25, 18),)


def test_above_the_topmost_graded_disc_nothing_is_judged(tmp_path: Path) -> None:
    write_image(tmp_path, "1_a", [("pfirrmann_1", (6, 30, 26, 40), 1), DISC])
    write_image(tmp_path, "2_a", [])
    graded, empty = read_dataset(tmp_path).truths
    assert graded.ungraded_above_px == 10
    assert empty.ungraded_above_px is None


def test_the_digest_follows_every_byte_that_counts(tmp_path: Path) -> None:
    write_image(tmp_path, "1_a", [DISC])
    before = read_dataset(tmp_path).digest
    assert len(before) == len(hashlib.sha256().hexdigest())
    assert read_dataset(tmp_path).digest == before
    (tmp_path / "discs.csv").write_text("patient,ivd_label,herniation\n")
    with_table = read_dataset(tmp_path).digest
    write_image(tmp_path, "1_a", [HERNIATION])
    assert len({before, with_table, read_dataset(tmp_path).digest}) == 3


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        ("no annotations", "no annotations"),
        ("no image", "has no image"),
        ("bad table", "ivd_label"),
        ("bad flag", "annotated_classes"),
        ("bad discs", "must list numbers of discs"),
        ("not json", "1_a.json"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, breakage: str, message: str) -> None:
    bad_flags = {"bad flag": {"annotated_classes": ["disc"]}, "bad discs": {"discs": ["L4"]}}
    flags = bad_flags.get(breakage)
    write_image(tmp_path, "1_a", [DISC], flags)
    if breakage == "no annotations":
        (tmp_path / "annotations" / "1_a.json").unlink()
    if breakage == "no image":
        (tmp_path / "images" / "1_a.png").unlink()
    if breakage == "bad table":
        (tmp_path / "discs.csv").write_text("patient,herniation\n1,1\n")
    if breakage == "not json":
        (tmp_path / "annotations" / "1_a.json").write_text("{")
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path)


def test_the_real_slices_are_read_as_their_documentation_says(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    truths = {truth.image: truth for truth in dataset.truths}
    assert len(truths) == 313
    labels = [box.label for truth in dataset.truths for box in truth.boxes]
    assert sum(label in GRADES for label in labels) == 1174 + 1083
    assert labels.count(Label.HERNIATION) == 54
    for name, truth in truths.items():
        lesions = {Label.HERNIATION} if name.endswith("_t2_mid") else set()
        assert truth.annotated == GRADES | lesions
    # herniated in the volume, no box on the slice: README, "Counts"
    assert len(truths["251_t2_mid"].ignored) == 2
    assert len(truths["56_t2_mid"].ignored) == 1
    # well formed S1/S2 discs left without a box: README, "Known defects"
    assert truths["80_t2_mid"].ignored
    assert truths["142_t2_mid"].ignored
    assert "CC BY" in dataset.credit
