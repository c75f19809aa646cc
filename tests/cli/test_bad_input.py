"""Every bad input of the corpus: one message, the documented exit status, nothing half-written."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.cli.main import run
from writers import AXIAL_T2, T1, Series, mr_dataset, ramp, to_bytes, write_series, write_study

Maker = Callable[[Path], Path]


def empty(folder: Path) -> Path:
    (folder / "study").mkdir()
    return folder / "study"


def documents(folder: Path) -> Path:
    (empty(folder) / "letter.txt").write_text("Dear colleague")
    return folder / "study"


def only_t1(folder: Path) -> Path:
    return write_study(folder / "study", Series(tags=T1, description="t1_tse_sag"))


def only_localisers(folder: Path) -> Path:
    return write_study(folder / "study", Series(count=3, description="localizer"))


def stated_ct(folder: Path) -> Path:
    ct = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
    return write_study(folder / "study", Series().with_tags(**ct))


def no_spine(folder: Path) -> Path:
    return write_study(folder / "study", Series())


def stated_brain(folder: Path) -> Path:
    return write_study(folder / "study", Series().with_tags(BodyPartExamined="BRAIN"))


def two_studies(folder: Path) -> Path:
    other = Series(number=2, study_uid="1.2.826.0.1.999")
    return write_study(folder / "study", Series(), other)


def two_patients(folder: Path) -> Path:
    other = Series(number=2).with_tags(PatientID="other")
    return write_study(folder / "study", Series(), other)


def text_named_dcm(folder: Path) -> Path:
    (folder / "slice.dcm").write_text("not an image")
    return folder / "slice.dcm"


def truncated(folder: Path) -> Path:
    path = folder / "slice.dcm"
    path.write_bytes(to_bytes(mr_dataset(Series(), 0))[:-200])
    return path


def encrypted_zip(folder: Path) -> Path:
    path = folder / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.dcm", b"x" * 100)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    return path


def zip_bomb(folder: Path) -> Path:
    path = folder / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", b"\0" * 300_000_000)
    return path


def climbing_zip(folder: Path) -> Path:
    path = folder / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../a.dcm", to_bytes(mr_dataset(Series(), 0)))
    return path


def nowhere(folder: Path) -> Path:
    return folder / "nowhere"


CORPUS: list[tuple[Maker, int]] = [
    (empty, 3),
    (documents, 3),
    (only_t1, 3),
    (only_localisers, 3),
    (stated_ct, 3),
    (no_spine, 3),
    (stated_brain, 3),
    (two_studies, 2),
    (two_patients, 2),
    (text_named_dcm, 2),
    (truncated, 2),
    (encrypted_zip, 2),
    (zip_bomb, 2),
    (climbing_zip, 2),
    (nowhere, 2),
]


@pytest.mark.parametrize(("make", "status"), CORPUS, ids=[make.__name__ for make, _ in CORPUS])
def test_one_message_and_the_documented_status(
    make: Maker, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make(tmp_path)

    with pytest.raises(SystemExit) as stop:
        run(["analyze", str(source), "--out", str(tmp_path / "out")])

    captured = capsys.readouterr()
    assert stop.value.code == status
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["sr", "gsps", "sc", "seg"])
def test_dicom_documents_are_refused_for_what_is_no_dicom(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "slice.png"
    Image.fromarray(ramp((320, 320)).astype(np.uint8)).save(source)

    words = ["analyze", str(source), "--out", str(tmp_path / "out"), "--series", "s1"]
    with pytest.raises(SystemExit) as stop:
        run([*words, "--also", kind])

    assert stop.value.code == 2
    assert f"--also {kind}: a DICOM object refers to DICOM images" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def analyzed(source: Path, out: Path) -> dict[str, object]:
    """Analyze what shows no spine: its sagittal series is named, so that it is not refused."""
    with pytest.raises(SystemExit) as stop:
        run(["analyze", str(source), "--out", str(out), "--series", "s1"])
    assert stop.value.code == 0
    document: dict[str, object] = json.loads((out / "findings.json").read_text())
    return document


def warning_text(document: dict[str, object]) -> str:
    return json.dumps(document["warnings"])


def test_good_slices_of_a_damaged_series_are_analyzed(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "study", Series(count=6))
    paths[2].write_bytes(paths[2].read_bytes()[:-100])

    document = analyzed(tmp_path / "study", tmp_path / "out")

    assert paths[2].name in warning_text(document)
    assert "1 file" in warning_text(document) or "skipped" in warning_text(document)


@pytest.mark.parametrize("missing", ["PixelSpacing", "ImageOrientationPatient"])
def test_missing_geometry_is_analyzed_with_a_warning(tmp_path: Path, missing: str) -> None:
    write_series(tmp_path / "study", Series().with_tags(**{missing: None}))

    assert analyzed(tmp_path / "study", tmp_path / "out")["warnings"]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "[/red] [bold]"])
def test_descriptions_are_text_in_the_page_and_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hostile: str
) -> None:
    sagittal = replace(Series(), description=hostile)
    axial = replace(AXIAL_T2, number=2, description=hostile)
    write_study(tmp_path / "study", sagittal, axial)

    document = analyzed(tmp_path / "study", tmp_path / "out")

    assert hostile in json.dumps(document["series"])
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()
    assert "error" not in capsys.readouterr().err


def test_axial_slices_alone_are_shown_and_no_disc_is_made_of_them(tmp_path: Path) -> None:
    write_study(tmp_path / "study", AXIAL_T2)

    with pytest.raises(SystemExit) as stop:
        run(["analyze", str(tmp_path / "study"), "--plane", "axial", "--out", str(tmp_path / "o")])

    assert stop.value.code == 0
    document = json.loads((tmp_path / "o" / "findings.json").read_text())
    assert document["discs"] == []
    codes = [warning["code"] for warning in document["warnings"]]
    assert codes[-2:] == ["axial_experimental", "no_sagittal_series"]
