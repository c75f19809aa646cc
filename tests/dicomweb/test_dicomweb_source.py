"""Addresses of DICOMweb studies, and what a user reads when one cannot be used."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from discern.dicomweb.retrieving import retrieve
from discern.dicomweb.server import WebServer, connect
from discern.dicomweb.source import is_web_source, parse_source
from discern.errors import InputError, UsageError


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("dicomweb://pacs.example/studies/1.2", "https://pacs.example"),
        ("dicomweb://pacs.example:8443/a/b/studies/1.2/", "https://pacs.example:8443/a/b"),
        ("dicomweb+http://pacs.example/wado/studies/1.2", "http://pacs.example/wado"),
        ("dicomweb://127.0.0.1:8042/dicom-web/studies/1.2", "http://127.0.0.1:8042/dicom-web"),
        ("dicomweb://[::1]:8042/dicom-web/studies/1.2", "http://[::1]:8042/dicom-web"),
        ("dicomweb://localhost:8042/studies/1.2", "http://localhost:8042"),
        ("DICOMWEB://localhost:8042/studies/1.2", "http://localhost:8042"),
        ("dicomweb://localhost.example/studies/1.2", "https://localhost.example"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(address: str, url: str) -> None:
    source = parse_source(address, {})

    assert source.server.url == url
    assert source.study_uid == "1.2"


def test_a_query_stands_for_the_study() -> None:
    source = parse_source(
        "dicomweb://pacs.example/dicom-web/studies?PatientID=A%26B&StudyDate=20240131", {}
    )

    assert source.server.url == "https://pacs.example/dicom-web"
    assert source.study_uid is None
    assert source.query == (("PatientID", "A&B"), ("StudyDate", "20240131"))


def test_credentials_come_from_the_environment_and_are_never_shown() -> None:
    environment = {
        "DISCERN_DICOMWEB_USER": "reader",
        "DISCERN_DICOMWEB_PASSWORD": "not to be seen",
        "DISCERN_DICOMWEB_CA": "hospital.pem",
    }
    server = parse_source("dicomweb://pacs.example/studies/1.2", environment).server

    assert (server.user, server.password, server.ca) == ("reader", "not to be seen", "hospital.pem")
    assert "not to be seen" not in repr(server)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("dicomweb://", "not an address"),
        ("dicomweb:///studies/1.2", "not an address"),
        ("dicomweb://host:port/studies/1.2", "not an address"),
        ("dicomweb://host:99999/studies/1.2", "not an address"),
        ("dicomweb://[::1/studies/1.2", "not an address"),
        ("dicomweb://me:secret@host/studies/1.2", "DISCERN_DICOMWEB_USER"),
        ("dicomweb://host/dicom-web", "name one study"),
        ("dicomweb://host/dicom-web/studies", "name one study"),
        ("dicomweb://host/studies/1.2?PatientID=P1", "name one study"),
        ("dicomweb://host/studies/../../etc/passwd", "not a StudyInstanceUID"),
        ("dicomweb://host/studies/1.2/series/1.3", "not a StudyInstanceUID"),
        (f"dicomweb://host/studies/{'1.' * 33}1", "not a StudyInstanceUID"),
        ("dicomweb://host/d?PatientName=Doe", "PatientID, StudyDate"),
        ("dicomweb://host/d?PatientID=", "PatientID, StudyDate"),
    ],
)
def test_an_address_that_names_no_study_is_refused(address: str, words: str) -> None:
    assert is_web_source(address)
    with pytest.raises(UsageError, match=words) as refusal:
        parse_source(address, {})

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("path", ["study", "C:/study", "dicomweb", "https://host/studies/1", ""])
def test_everything_else_is_a_file(path: str) -> None:
    assert not is_web_source(path)


def test_a_server_that_does_not_run_is_named(tmp_path: Path, closed_port: int) -> None:
    source = parse_source(f"dicomweb://127.0.0.1:{closed_port}/d/studies/1.2", {})

    with pytest.raises(InputError, match=f"127.0.0.1:{closed_port}: cannot be reached"):
        retrieve(source, tmp_path)


def test_a_missing_authority_file_is_named() -> None:
    with pytest.raises(UsageError, match="there is no CA file nowhere"):
        connect(WebServer("https://pacs.example", ca="nowhere.pem"))


def test_without_the_extra_the_command_names_it(tmp_path: Path) -> None:
    arguments = ["analyze", "dicomweb://pacs.example/studies/1.2", "--out", str(tmp_path / "out")]
    code = (
        "import sys; sys.modules['dicomweb_client'] = None\n"
        f"from discern.cli.main import run; run({arguments!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'discern-lumbar[dicomweb]'" in done.stderr
