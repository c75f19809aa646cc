import csv
import io
import re
import statistics
from pathlib import Path

import pytest
from dataset_folder import write_image
from PIL import Image as PillowImage

from discern.dataset.exclusions import Exclusion, read_exclusions
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, write_split
from discern.dataset.summary import Summary, SummaryInput, summarize
from discern.errors import DatasetError, NoImages
from writers import AXIAL_T2, Series, write_study

TIMES = "\N{MULTIPLICATION SIGN}"
UPPER, LOWER = (5.0, 5.0, 20.0, 12.0), (5.0, 30.0, 20.0, 40.0)
PEOPLE = """patient,sex,age_years,weight_kg,height_m,manufacturer,field_strength_t
p1,M,40,80,2.00,SIEMENS,3
p2,F,50,50,1.00,SIEMENS,1.5
p3,F,60,,1.70,Philips Healthcare,1.5
"""
Rows = dict[str, dict[str, str]]


def _write(folder: Path) -> Dataset:
    """Write four patients: two with a herniation, one of them on an axial slice."""
    write_image(folder, "p1_a", [("pfirrmann_1", UPPER, 2), ("pfirrmann_3", LOWER, 1)])
    write_image(folder, "p1_b", [("pfirrmann_1", UPPER, 2), ("herniation", UPPER, 2)])
    write_image(folder, "p1_axial", [("herniation", UPPER, 2)])
    write_image(folder, "p2_a", [("pfirrmann_5", UPPER, 2)])
    write_image(folder, "p3_a", [("pfirrmann_5", UPPER, 2)])
    write_image(folder, "p4_a", [])
    (folder / "patients.csv").write_text(PEOPLE)
    return read_dataset(folder)


def _rows(summary: Summary, name: str) -> Rows:
    text = summary.files[f"tables/{name}.csv"].decode()
    rows = list(csv.reader(io.StringIO(text)))
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[1:]}


def _split(dataset: Dataset, path: Path) -> Path:
    write_split(Split(dataset.digest, ("p1", "p2"), ("p3",), ("p4",)), path)
    return path


def test_demographics_are_those_of_each_part(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    split = _split(dataset, tmp_path / "split.json")
    rows = _rows(summarize(SummaryInput(dataset.folder, split)), "table-2-demographics")
    train, validation, test = (
        f"{name} set (n = {count})" for name, count in
        (("Training", 2), ("Validation", 1), ("Test", 1))
    )  # fmt: skip
    spread = statistics.stdev([40, 50])
    assert rows["Age (years)"] == {train: f"45.0 ± {spread:.1f}", validation: "60.0", test: "-"}
    assert rows["Age range (years)"][train] == "40-50"
    assert rows["Gender (M/F)"] == {train: "1/1", validation: "0/1", test: "-"}
    # 80 / 2.00^2 = 20, 50 / 1.00^2 = 50; of p3 the weight is not known
    assert rows["BMI (kg/m²)"] == {train: "35.0 ± 21.2", validation: "-", test: "-"}
    assert rows["Vendor: Siemens"] == {train: "2", validation: "0", test: "0"}
    assert rows["Vendor: not known"] == {train: "0", validation: "0", test: "1"}
    assert rows["Field strength: 1.5 T"] == {train: "1", validation: "1", test: "0"}


def test_a_figure_of_some_patients_says_of_how_many(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    rows = _rows(summarize(SummaryInput(dataset.folder)), "table-2-demographics")
    assert rows["Gender (M/F)"] == {"All patients (n = 4)": "1/2 (n = 3)"}
    assert rows["BMI (kg/m²)"] == {"All patients (n = 4)": "35.0 ± 21.2 (n = 2)"}


def test_annotations_are_counted_by_class_plane_and_part(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    split = _split(dataset, tmp_path / "split.json")
    rows = _rows(summarize(SummaryInput(dataset.folder, split)), "table-3-annotations")
    parts = ("Training set", "Validation set", "Test set", "All patients")
    expected = {
        "Pfirrmann grade 1": "2 0 0 2",
        "Pfirrmann grade 3": "1 0 0 1",
        "Pfirrmann grade 5": "1 1 0 2",
        "Disc herniation (axial)": "1 - - 1",
        "Disc herniation (sagittal)": "1 0 0 1",
        "High-intensity zone (sagittal)": "- - - -",
        "Images (axial)": "1 0 0 1",
        "Images (sagittal)": "3 1 1 5",
        "Graded discs": "3 1 0 4",  # p1: discs 1 and 2
        "Patients": "2 1 1 4",
    }
    for name, counts in expected.items():
        assert rows[name] == dict(zip(parts, counts.split(), strict=True)), name


def test_an_external_set_has_its_own_column(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    write_image(tmp_path / "other", "q1_a", [("pfirrmann_2", UPPER, None)])
    summary = summarize(SummaryInput(dataset.folder, external=tmp_path / "other"))
    rows = _rows(summary, "table-3-annotations")
    assert rows["Pfirrmann grade 2"] == {"Internal dataset": "0", "External test set": "1"}
    assert rows["Graded discs"] == {"Internal dataset": "4", "External test set": "-"}
    assert rows["Patients"]["External test set"] == "1"


def test_the_protocol_comes_from_patients_csv(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    rows = _rows(summarize(SummaryInput(dataset.folder)), "table-1-protocol")
    said = {name: row["All patients"] for name, row in rows.items()}
    assert said["Scanner"] == "Siemens (2), Philips (1)"
    assert said["Field strength (T)"] == "1.5 (2), 3 (1)"
    assert said["Sagittal matrix"] == f"60 {TIMES} 40"
    assert said["Sagittal TR/TE (ms)"] == "-"


def test_the_protocol_comes_from_dicom_headers_of_all_studies(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    scanner = {"Manufacturer": "ACME", "ManufacturerModelName": "One", "MagneticFieldStrength": 3}
    first = Series(count=4, step_mm=(4.8, 0, 0)).with_tags(**scanner, SliceThickness=4.0)
    second = Series(study_uid="1.2.9", shape_px=(32, 24)).with_tags(
        EchoTime=110, SliceThickness=3.5, SpacingBetweenSlices=4.4
    )
    only_axial = Series(study_uid="1.2.8").with_tags(EchoTime=12.0, RepetitionTime=500.0)
    write_study(tmp_path / "dicom" / "1", first, AXIAL_T2)
    write_study(tmp_path / "dicom" / "2", second)
    write_study(tmp_path / "dicom" / "3", only_axial)
    summary = summarize(SummaryInput(dataset.folder, dicom=tmp_path / "dicom"))
    said = {name: row["All patients"] for name, row in _rows(summary, "table-1-protocol").items()}
    assert said["Scanner"] == "ACME One (1)"
    assert said["Field strength (T)"] == "3"
    assert said["Sagittal TR/TE (ms)"] == "3500/102-110"
    assert said["Sagittal matrix"] == f"24 {TIMES} 20 to 32 {TIMES} 24"
    assert said["Sagittal slice thickness (mm)"] == "3.5-4"
    assert said["Sagittal spacing between slices (mm)"] == "4.4-4.8"  # 4.8 from the positions
    assert said["Sagittal slices of a series"] == "4-5"
    assert said["Axial spacing between slices (mm)"] == "5"
    assert "2 studies; 1 without sagittal T2 left out" in " ".join(summary.tables[0].notes)


def test_dicom_without_sagittal_t2_is_refused(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    write_study(tmp_path / "dicom", AXIAL_T2)
    with pytest.raises(NoImages, match="--dicom"):
        summarize(SummaryInput(dataset.folder, dicom=tmp_path / "dicom"))


def test_the_flow_starts_with_the_exclusions(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    (dataset.folder / "exclusions.csv").write_text(
        "patient,reason,count\np8,Poor image quality,\n,Spinal surgery,12\np9,Poor image quality,\n"
    )
    split = _split(dataset, tmp_path / "split.json")
    files = summarize(SummaryInput(dataset.folder, split)).files
    lines = _texts(files["figures/figure-1-stard.svg"].decode())
    start = ["Assessed for eligibility", "18 patients", "Excluded (n = 14)"]
    assert lines[:3] == start
    assert lines[3:5] == ["Poor image quality (n = 2)", "Spinal surgery (n = 12)"]
    assert lines[5:9] == ["Included", "4 patients", "5 sagittal images", "1 axial image"]
    assert [line for line in lines if line.endswith(" set")] == [
        "Training set", "Validation set", "Test set",
    ]  # fmt: skip
    picture = PillowImage.open(io.BytesIO(files["figures/figure-1-stard.png"]))
    assert picture.width > 1500


def test_whom_the_split_leaves_out_is_in_the_flow(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    write_split(Split(dataset.digest, ("p1", "p2"), (), ("p3",)), tmp_path / "split.json")
    files = summarize(SummaryInput(dataset.folder, tmp_path / "split.json")).files
    lines = _texts(files["figures/figure-1-stard.svg"].decode())
    assert lines[0] == "Included"  # nothing is known of exclusions
    assert lines[lines.index("In no part of the split") + 1] == "1 patient"


def _texts(svg: str) -> list[str]:
    return [
        found.replace("\N{NO-BREAK SPACE}", " ").strip()
        for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    ]


def test_equal_input_gives_equal_files_in_every_format(tmp_path: Path) -> None:
    dataset = _write(tmp_path / "set")
    made = summarize(SummaryInput(dataset.folder)).files
    assert made == summarize(SummaryInput(dataset.folder)).files
    tables = ("table-1-protocol", "table-2-demographics", "table-3-annotations")
    names = {f"tables/{name}.{kind}" for name in tables for kind in ("txt", "csv", "tex", "html")}
    assert set(made) == names | {"figures/figure-1-stard.png", "figures/figure-1-stard.svg"}
    assert not any(str(tmp_path).encode() in content for content in made.values())


def test_without_a_file_nothing_is_known_of_exclusions(tmp_path: Path) -> None:
    assert read_exclusions(tmp_path, ()) is None
    (tmp_path / "exclusions.csv").write_text("patient,reason\n")
    assert read_exclusions(tmp_path, ()) == ()
    (tmp_path / "exclusions.csv").write_text("reason\nSurgery\nSurgery\n")
    assert read_exclusions(tmp_path, ()) == (Exclusion("Surgery", 2),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("p1,Surgery,\n", "line 2: patient p1 has images here"),
        ("p8,,\n", "line 2: no reason"),
        ("p8,Surgery,\np8,Trauma,\n", "line 3: a second row for patient p8"),
        (",Surgery,none\n", "line 2: count is 'none'"),
        (",Surgery,0\n", "line 2: count is '0'"),
    ],
)
def test_bad_exclusions_are_named(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "exclusions.csv").write_text(f"patient,reason,count\n{rows}")
    with pytest.raises(DatasetError, match=r"exclusions\.csv") as caught:
        read_exclusions(tmp_path, ("p1", "p2"))
    assert message in str(caught.value)


def test_a_real_study_gives_its_protocol(shared_data: Path) -> None:
    given = SummaryInput(shared_data / "spider-lumbar", dicom=shared_data / "lumbar-study-dicom")
    summary = summarize(given)
    said = {name: row["All patients"] for name, row in _rows(summary, "table-1-protocol").items()}
    assert said["Sagittal matrix"] == f"512 {TIMES} 512"
    assert said["Sagittal pixel spacing (mm)"] == "0.55"
    assert said["Sagittal slice thickness (mm)"] == "4"
    assert said["Sagittal spacing between slices (mm)"] == "5"
    assert said["Sagittal slices of a series"] == "12"
    assert said["Axial slices of a series"] == "26"
    grades = _rows(summary, "table-3-annotations")
    drawn = [int(grades[f"Pfirrmann grade {n}"]["All patients"]) for n in range(1, 6)]
    assert drawn == [175 + 130, 276 + 234, 340 + 296, 234 + 254, 149 + 169]  # its README
    assert grades["Disc herniation (sagittal)"]["All patients"] == "54"
    assert "spider-lumbar: lesion boxes were derived" in " ".join(summary.tables[2].notes)
