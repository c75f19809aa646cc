"""Documents sent to a real Orthanc by C-STORE and STOW-RS, and why some are not taken."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from orthanc import AE_TITLE, PASSWORD, USER, Orthanc, free_port, running_orthanc

from discern.errors import DeliveryError
from discern.node.asking import is_held
from discern.node.destinations import (
    Destination,
    DimseDestination,
    TlsFiles,
    WebDestination,
    store,
)
from writers import Series, write_series

PASSWORD_ENV = "DISCERN_TEST_PACS"  # noqa: S105 - the name of a variable


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    known = {"discern": ["DISCERN", "127.0.0.1", 104]}
    folder = tmp_path_factory.mktemp("pacs") / "orthanc"
    with running_orthanc(folder, DicomModalities=known) as server:
        yield server


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)


@pytest.fixture
def dimse(orthanc: Orthanc) -> DimseDestination:
    return DimseDestination("archive", "127.0.0.1", orthanc.dicom_port, AE_TITLE)


@pytest.fixture
def web(orthanc: Orthanc) -> WebDestination:
    return WebDestination("archive", f"http://{orthanc.root}", USER, PASSWORD_ENV)


def objects(folder: Path, number: int) -> list[bytes]:
    """Return two objects of a study that no other test sends."""
    series = Series(count=2, study_uid=f"1.2.826.0.1.3680043.8.498.20.{number}")
    return [path.read_bytes() for path in write_series(folder, series)]


def test_both_ways_arrive_and_a_second_time_changes_nothing(
    orthanc: Orthanc, dimse: DimseDestination, web: WebDestination, tmp_path: Path
) -> None:
    first, second = objects(tmp_path, 1)
    before = orthanc.count()

    for destination, content in ((dimse, first), (web, second), (dimse, second), (web, first)):
        store(destination, content)

    assert orthanc.count() == before + 2


def test_what_arrives_is_byte_for_byte_what_was_sent(
    orthanc: Orthanc, web: WebDestination, tmp_path: Path
) -> None:
    content = objects(tmp_path, 2)[0]

    store(web, content)

    assert orthanc.stored("1.2.826.0.1.3680043.8.498.20.2.1.1") == content


def test_a_destination_says_what_it_holds(
    dimse: DimseDestination, web: WebDestination, tmp_path: Path
) -> None:
    first, second = objects(tmp_path, 9)

    store(dimse, first)

    assert [is_held(dimse, one) for one in (first, second)] == [True, False]
    assert [is_held(web, one) for one in (first, second)] == [True, False]


def test_a_destination_that_cannot_be_asked_is_told_from_one_that_is_down(
    dimse: DimseDestination, web: WebDestination, tmp_path: Path
) -> None:
    content = objects(tmp_path, 10)[0]

    assert not is_held(replace(dimse, ae_title="NOBODY"), content)
    store(dimse, content)
    assert not is_held(replace(dimse, calling_ae_title="STRANGER"), content)
    assert not is_held(replace(web, url=f"{web.url}/nowhere"), content)
    for down in (
        replace(dimse, port=free_port()),
        replace(web, url=f"http://127.0.0.1:{free_port()}/d"),
    ):
        with pytest.raises(DeliveryError) as error:
            is_held(down, content)
        assert error.value.temporary


def refused(destination: Destination, content: bytes) -> DeliveryError:
    with pytest.raises(DeliveryError) as refusal:
        store(destination, content)
    return refusal.value


def test_a_wrong_ae_title_is_permanent(dimse: DimseDestination, tmp_path: Path) -> None:
    error = refused(replace(dimse, ae_title="NOBODY"), objects(tmp_path, 3)[0])

    assert not error.temporary
    assert "Called AE title not recognised" in str(error)


def test_an_unknown_kind_of_object_is_permanent(dimse: DimseDestination, tmp_path: Path) -> None:
    series = Series(count=1, tags={"SOPClassUID": "1.2.826.0.1.3680043.8.498.77"})
    content = write_series(tmp_path, series)[0].read_bytes()

    assert not refused(dimse, content).temporary


def test_bytes_that_are_no_dicom_are_permanent(
    dimse: DimseDestination, web: WebDestination
) -> None:
    assert not refused(dimse, b"findings").temporary
    assert not refused(web, b"findings").temporary


@pytest.mark.parametrize("tls", [None, TlsFiles()])
def test_a_destination_that_is_down_or_speaks_otherwise_is_temporary(
    orthanc: Orthanc, dimse: DimseDestination, tls: TlsFiles | None, tmp_path: Path
) -> None:
    content = objects(tmp_path, 4)[0]
    port = free_port() if tls is None else orthanc.dicom_port

    assert refused(replace(dimse, port=port, tls=tls), content).temporary
    assert refused(WebDestination("down", f"http://127.0.0.1:{free_port()}/d"), content).temporary


def test_credentials_and_address_that_are_wrong_are_permanent(
    web: WebDestination, tmp_path: Path
) -> None:
    content = objects(tmp_path, 5)[0]

    assert not refused(replace(web, user=None), content).temporary
    assert not refused(replace(web, url=f"{web.url}/nowhere"), content).temporary
    assert "401" in str(refused(replace(web, user="nobody"), content))
    assert PASSWORD not in str(refused(replace(web, user="nobody"), content))


def test_a_password_that_was_not_set_is_named(web: WebDestination, tmp_path: Path) -> None:
    destination = WebDestination("archive", web.url, USER, "DISCERN_NOT_SET")
    error = refused(destination, objects(tmp_path, 6)[0])

    assert error.temporary
    assert "DISCERN_NOT_SET" in str(error)


@pytest.mark.slow
def test_an_outage_ends(tmp_path: Path) -> None:
    content = objects(tmp_path / "study", 7)[0]
    with running_orthanc(tmp_path / "orthanc") as server:
        destination = DimseDestination("archive", "127.0.0.1", server.dicom_port, AE_TITLE)
    assert refused(destination, content).temporary

    ports = {"HttpPort": server.http_port, "DicomPort": server.dicom_port}
    with running_orthanc(tmp_path / "orthanc", **ports) as again:
        store(destination, content)
        assert again.count() == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate of 127.0.0.1 and its key."""
    folder.mkdir()
    files = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    where = ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run([*command, *names, *where], check=True, capture_output=True)
    return files


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("openssl") is None and not os.environ.get("DISCERN_FULL"),
    reason="needs openssl to make a certificate",
)
def test_tls_with_both_certificates(tmp_path: Path) -> None:
    content = objects(tmp_path / "study", 8)[0]
    ours, theirs = certificate(tmp_path / "ours"), certificate(tmp_path / "theirs")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(theirs[0]),
        "DicomTlsPrivateKey": str(theirs[1]),
        "DicomTlsTrustedCertificates": str(ours[0]),
    }
    with running_orthanc(tmp_path / "orthanc", **settings) as server:
        plain = DimseDestination("archive", "127.0.0.1", server.dicom_port, AE_TITLE)
        files = TlsFiles(str(theirs[0]), str(ours[0]), str(ours[1]))

        assert refused(plain, content).temporary
        assert refused(replace(plain, tls=TlsFiles(str(ours[0]))), content).temporary
        store(replace(plain, tls=files), content)
        assert server.count() == 1
