from pathlib import Path

import pytest

from discern.dataset.patients import PatientRecord, Sex, read_patients
from discern.errors import DatasetError

HEAD = (
    "patient,sex,age_years,weight_kg,height_m,manufacturer,model,field_strength_t,"
    "pixel_spacing_mm,slice_thickness_mm,surgery\n"
)


def _read(folder: Path, text: str, encoding: str = "utf-8") -> dict[str, PatientRecord]:
    (folder / "patients.csv").write_text(text, encoding=encoding)
    return dict(read_patients(folder))


def test_every_column_is_read(tmp_path: Path) -> None:
    row = '7,female,61,80,1.60,Philips Medical Systems,Ingenia,3.0,"[0.5, 0.625]",4.0,yes\n'
    record = _read(tmp_path, HEAD + row)["7"]
    assert (record.sex, record.age_years, record.weight_kg, record.height_m) == (
        Sex.FEMALE, 61, 80, 1.6,
    )  # fmt: skip
    assert (record.manufacturer, record.vendor) == ("Philips Medical Systems", "Philips")
    assert (record.model, record.field_strength_t) == ("Ingenia", 3)
    assert (record.pixel_spacing_mm, record.slice_thickness_mm) == ((0.5, 0.625), 4)
    assert record.extra == {"surgery": "yes"}
    assert record.bmi == pytest.approx(31.25)
    assert record.text_of("surgery") == "yes"
    assert record.text_of("nothing") is None


def test_what_is_not_known_is_none(tmp_path: Path) -> None:
    record = _read(tmp_path, HEAD + "7,O,,80,,n/a,,,,,\n")["7"]
    expected = PatientRecord("7", weight_kg=80, extra={"surgery": ""})
    assert record == expected
    assert record.bmi is None


def test_spreadsheets_write_a_mark_in_front_and_short_rows(tmp_path: Path) -> None:
    records = _read(tmp_path, "patient,sex,pixel_spacing_mm\n7,M,0.5\n8\n", "utf-8-sig")
    assert records["7"].pixel_spacing_mm == (0.5, 0.5)
    assert records["8"] == PatientRecord("8")


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert dict(read_patients(tmp_path)) == {}


@pytest.mark.parametrize(
    ("manufacturer", "vendor"),
    [
        ("SIEMENS", "Siemens"),
        ("Siemens Healthineers", "Siemens"),
        ("GE MEDICAL SYSTEMS", "GE"),
        ("TOSHIBA", "Canon"),
        ("Geneva MR", "Geneva MR"),
    ],
)
def test_the_companies_of_a_vendor_are_one(tmp_path: Path, manufacturer: str, vendor: str) -> None:
    record = _read(tmp_path, f"patient,manufacturer\n1,{manufacturer}\n")["1"]
    assert record.vendor == vendor


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\n1\n", "line 2: no patient"),
        ("patient\n1\n1\n", "two rows for patient 1"),
        ("patient,height_m\n1,172\n", "line 2: height_m is '172'; give a number up to 2.6"),
        ("patient,age_years\n1,60\n2,old\n", "line 3: age_years is 'old'"),
        ("patient,sex\n1,X\n", "give M or F"),
        ('patient,pixel_spacing_mm\n1,"[1, 1, 1]"\n', "pixel_spacing_mm"),
        ("patient,slice_thickness_mm\n1,-4\n", "a positive number"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=r"patients\.csv") as caught:
        _read(tmp_path, text)
    assert message in str(caught.value)


def test_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_bytes("patient,model\n1,Magn\u00e9tom\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="save it as UTF-8"):
        read_patients(tmp_path)


def test_the_public_set_has_two_vendors(shared_data: Path) -> None:
    records = read_patients(shared_data / "spider-lumbar")
    assert len(records) == 170
    vendors = [record.vendor for record in records.values()]
    assert (vendors.count("Philips"), vendors.count("Siemens")) == (88, 82)
