"""A real Orthanc on free loopback ports, with DICOM, HTTP and DICOMweb, gone after the tests."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPBasicAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    ProxyHandler,
    Request,
    build_opener,
)

import pytest

USER, PASSWORD = "radiology", "correct horse"
AE_TITLE = "ORTHANC"
STARTS_WITHIN_S = 30.0
_TEMPLATE = Path(__file__).with_name("orthanc.json")


@dataclass(frozen=True, slots=True)
class Orthanc:
    """A running server.

    Attributes:
        http_port: REST and DICOMweb, on 127.0.0.1.
        dicom_port: C-ECHO, C-STORE, C-FIND, C-MOVE, on 127.0.0.1.
        folder: Its storage and ``orthanc.log``.
    """

    http_port: int
    dicom_port: int
    folder: Path

    @property
    def root(self) -> str:
        """Root of DICOMweb without the scheme: ``127.0.0.1:8042/dicom-web``."""
        return f"127.0.0.1:{self.http_port}/dicom-web"

    @property
    def environment(self) -> Mapping[str, str]:
        """What ``discern analyze dicomweb://`` needs to be let in."""
        return {"DISCERN_DICOMWEB_USER": USER, "DISCERN_DICOMWEB_PASSWORD": PASSWORD}

    def ask(self, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of GET, or of POST with a body: ``/dicom-web/studies``."""
        passwords = HTTPPasswordMgrWithDefaultRealm()
        url = f"http://127.0.0.1:{self.http_port}{path}"
        passwords.add_password(None, url, USER, PASSWORD)
        opener = build_opener(ProxyHandler({}), HTTPBasicAuthHandler(passwords))
        request = Request(url, data=body, headers={"Accept": "application/json"})
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)

    def find(self, level: str = "studies", **query: str) -> Sequence[Mapping[str, Any]]:
        """Return what QIDO-RS finds at ``level``."""
        words = "&".join(f"{key}={value}" for key, value in query.items())
        return list(self.ask(f"/dicom-web/{level}?{words}"))

    def stored(self, sop_instance_uid: str) -> bytes:
        """Return the object as it lies on the server's disk."""
        (known,) = self.ask("/tools/lookup", sop_instance_uid.encode())
        uuid = self.ask(f"/instances/{known['ID']}/attachments/dicom/info")["Uuid"]
        (path,) = (self.folder / "storage").glob(f"*/*/{uuid}")
        return path.read_bytes()

    def count(self) -> int:
        """Return how many instances it holds."""
        return int(self.ask("/statistics")["CountInstances"])


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_orthanc(folder: Path, **settings: object) -> Iterator[Orthanc]:
    """Start Orthanc below ``folder``; ``settings`` replace those of ``orthanc.json``.

    Tests start it again on the same folder and ports to play an outage:
    ``running_orthanc(folder, HttpPort=server.http_port, DicomPort=server.dicom_port)``.
    """
    program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("DISCERN_FULL"):
            pytest.fail("DISCERN_FULL needs Orthanc: apt install orthanc orthanc-dicomweb")
        pytest.skip("needs Orthanc: apt install orthanc orthanc-dicomweb")
    folder.mkdir(exist_ok=True)
    server = _configure(folder, settings)
    with (folder / "orthanc.log").open("ab") as log:
        process = subprocess.Popen(
            [program, str(folder / "orthanc.json")], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _configure(folder: Path, settings: Mapping[str, object]) -> Orthanc:
    configuration = json.loads(_TEMPLATE.read_text())
    configuration |= {
        "HttpPort": free_port(),
        "DicomPort": free_port(),
        "RegisteredUsers": {USER: PASSWORD},
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        **settings,
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    return Orthanc(configuration["HttpPort"], configuration["DicomPort"], folder)


def _wait(server: Orthanc, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(HTTPError, URLError, ConnectionError):
            server.find("studies", limit="1")
            with socket.create_connection(("127.0.0.1", server.dicom_port), 5):
                return
        time.sleep(0.1)
    log = (server.folder / "orthanc.log").read_text(errors="replace")[-2000:]
    pytest.fail(f"Orthanc did not start:\n{log}")
