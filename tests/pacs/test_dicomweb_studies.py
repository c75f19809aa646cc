"""Studies read from a real Orthanc by DICOMweb give the findings of the same folder."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from orthanc import PASSWORD, USER, Orthanc, running_orthanc
from pydicom import dcmread

from discern.dicomweb.retrieving import retrieve
from discern.dicomweb.server import WebServer
from discern.dicomweb.source import parse_source
from discern.dicomweb.storing import send
from discern.errors import InputError, NoImages
from discern.phantom.study import demo_parameters, write_study
from writers import Series, write_series

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
UID = "0020000D"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("pacs") / "orthanc") as server:
        yield server


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    write_study(demo_parameters(), 5, folder)
    return folder


def files(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def put(orthanc: Orthanc, folder: Path) -> str:
    """Store the folder by STOW-RS; return its StudyInstanceUID."""
    server = WebServer(f"http://{orthanc.root}", USER, PASSWORD)
    send(server, [path.read_bytes() for path in files(folder)])
    return str(dcmread(files(folder)[0], stop_before_pixels=True).StudyInstanceUID)


def discern_analyze(
    orthanc: Orthanc, source: str | Path, out: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "discern", "analyze", str(source), "--out", str(out)]
    return subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **orthanc.environment, **environment},
    )


def checksums(folder: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files(folder)}


def test_a_real_study_comes_back_as_it_was_stored(
    orthanc: Orthanc, shared_data: Path, tmp_path: Path
) -> None:
    study = shared_data / "lumbar-study-dicom" / "study"
    uid = put(orthanc, study)

    count = retrieve(
        parse_source(f"dicomweb://{orthanc.root}/studies/{uid}", orthanc.environment), tmp_path
    )

    assert count == 97
    assert checksums(tmp_path) == checksums(study)
    assert all(path.name == f"{path.stem}.dcm" and len(path.stem) == 32 for path in files(tmp_path))


@pytest.mark.slow
def test_a_real_study_has_the_findings_of_its_folder_and_gets_its_report(
    orthanc: Orthanc, shared_data: Path, tmp_path: Path
) -> None:
    study = shared_data / "lumbar-study-dicom" / "study"
    uid = put(orthanc, study)

    address = f"dicomweb://{orthanc.root}/studies/{uid}"
    local = discern_analyze(orthanc, study, tmp_path / "local")
    web = discern_analyze(orthanc, address, tmp_path / "web", "--also", "sr", "--store")

    assert (local.returncode, web.returncode) == (0, 0), local.stderr + web.stderr
    for name in ("findings.json", "report.html"):
        assert (tmp_path / "web" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    assert len(orthanc.find("instances", StudyInstanceUID=uid, Modality="SR")) == 1


@pytest.mark.slow
def test_a_report_is_stored_beside_the_images_and_found_again(
    orthanc: Orthanc, phantom: Path, tmp_path: Path
) -> None:
    uid = put(orthanc, phantom)
    address = f"dicomweb://{orthanc.root}?PatientID=PHANTOM-5"

    done = discern_analyze(orthanc, address, tmp_path / "web", "--also", "sr", "--store")
    again = discern_analyze(orthanc, address, tmp_path / "web", "--also", "sr", "--store")

    assert (done.returncode, again.returncode) == (0, 0), done.stderr + again.stderr
    (found,) = orthanc.find("instances", StudyInstanceUID=uid, SOPClassUID=COMPREHENSIVE_3D_SR)
    stored = orthanc.stored(found["00080018"]["Value"][0])
    assert hashlib.sha256(stored).hexdigest() in checksums(tmp_path / "web")
    local = discern_analyze(orthanc, phantom, tmp_path / "local")
    assert local.returncode == 0, local.stderr
    assert (tmp_path / "web" / "findings.json").read_bytes() == (
        tmp_path / "local" / "findings.json"
    ).read_bytes()


def test_only_mr_series_are_fetched(orthanc: Orthanc, tmp_path: Path) -> None:
    study_uid = "1.2.826.0.1.3680043.8.498.30"
    write_series(tmp_path / "in" / "mr", Series(count=3, study_uid=study_uid))
    ct = Series(number=2, count=2, study_uid=study_uid).with_tags(Modality="CT")
    write_series(tmp_path / "in" / "ct", ct)
    uid = put(orthanc, tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir()

    source = parse_source(f"dicomweb://{orthanc.root}/studies/{uid}", orthanc.environment)

    assert retrieve(source, out) == 3
    assert checksums(out) == checksums(tmp_path / "in" / "mr")


def test_a_study_without_mr_is_nothing_to_analyze(orthanc: Orthanc, tmp_path: Path) -> None:
    ct = Series(count=1, study_uid="1.2.826.0.1.3680043.8.498.31").with_tags(Modality="CT")
    write_series(tmp_path / "in", ct)
    uid = put(orthanc, tmp_path / "in")

    with pytest.raises(NoImages, match="has no MR series"):
        retrieve(
            parse_source(f"dicomweb://{orthanc.root}/studies/{uid}", orthanc.environment), tmp_path
        )


def test_a_query_must_match_one_study(orthanc: Orthanc, tmp_path: Path) -> None:
    for number in (32, 33):
        series = Series(count=1, study_uid=f"1.2.826.0.1.3680043.8.498.{number}")
        write_series(tmp_path / str(number), series.with_tags(PatientID="TWICE"))
        put(orthanc, tmp_path / str(number))

    for query, words in (("TWICE", "several studies"), ("NOBODY", "no study matches")):
        source = parse_source(f"dicomweb://{orthanc.root}?PatientID={query}", orthanc.environment)
        with pytest.raises(InputError, match=words) as refusal:
            retrieve(source, tmp_path)
        assert "Doe" not in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "environment", "words"),
    [
        ("/studies/1.2.3", {}, "holds no study 1.2.3"),
        ("/studies/1.2.3", {"DISCERN_DICOMWEB_PASSWORD": "wrong"}, "DISCERN_DICOMWEB_PASSWORD"),
        ("/more/studies/1.2.3", {}, "404"),
        ("", {}, "name one study"),
    ],
)
def test_the_command_says_what_to_do(
    orthanc: Orthanc, tmp_path: Path, path: str, environment: dict[str, str], words: str
) -> None:
    done = discern_analyze(
        orthanc, f"dicomweb://{orthanc.root}{path}", tmp_path / "out", **environment
    )

    assert done.returncode == 2
    assert words in done.stderr
    assert orthanc.root.partition("/")[0] in done.stderr
    assert not (tmp_path / "out").exists()


def test_store_needs_a_server_and_a_document(orthanc: Orthanc, tmp_path: Path) -> None:
    out = tmp_path / "out"
    local = discern_analyze(orthanc, tmp_path, out, "--also", "sr", "--store")
    none = discern_analyze(orthanc, f"dicomweb://{orthanc.root}/studies/1.2", out, "--store")

    assert (local.returncode, none.returncode) == (2, 2)
    assert "--store" in local.stderr
    assert "--also sr" in none.stderr
