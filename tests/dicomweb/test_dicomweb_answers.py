"""Servers that answer with nonsense, at length, or with another address; nothing escapes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from discern.dicomweb.retrieving import retrieve
from discern.dicomweb.server import WebServer
from discern.dicomweb.source import parse_source
from discern.dicomweb.storing import send
from discern.errors import DeliveryError, InputError
from writers import Series, mr_dataset, write_series

FAILED, REASON, UID = "00081198", "00081197", "00081155"


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """Serve one answer to every request; the value is host and port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in ({"Content_Type": "application/dicom+json"} | headers).items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome</html>", b"42", b'["text"]', b'[{"0020000D": 7}]', b"\xff\xfe", b'{"a": "b"}'],
)
def test_what_is_not_dicomweb_is_said_so(body: bytes, tmp_path: Path) -> None:
    with answering(200, body) as host:
        for place in ("?PatientID=P1", "/studies/1.2"):
            with pytest.raises(InputError, match=f"{host}: "):
                retrieve(parse_source(f"dicomweb://{host}/d{place}", {}), tmp_path)

    assert not list(tmp_path.iterdir())


def test_images_that_are_no_dicom_are_refused(tmp_path: Path) -> None:
    series = {"0020000E": {"Value": ["1.3"]}, "00080060": {"Value": ["MR"]}}
    with (
        answering(200, json.dumps([series]).encode()) as host,
        pytest.raises(InputError, match="does not answer like DICOMweb"),
    ):
        retrieve(parse_source(f"dicomweb://{host}/d/studies/1.2", {}), tmp_path)


def test_several_studies_are_listed_by_uid_and_date_only(tmp_path: Path) -> None:
    studies = [
        {
            "0020000D": {"vr": "UI", "Value": [f"1.2.{number}"]},
            "00080020": {"vr": "DA", "Value": [f"2024010{number}"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
        }
        for number in (1, 2)
    ]
    with (
        answering(200, json.dumps(studies).encode()) as host,
        pytest.raises(InputError, match="several studies") as refusal,
    ):
        retrieve(parse_source(f"dicomweb://{host}/d?PatientID=P1", {}), tmp_path)

    assert "20240101  /studies/1.2.1" in str(refusal.value)
    assert "20240102  /studies/1.2.2" in str(refusal.value)
    assert "Doe" not in str(refusal.value)


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with (
        answering(307, b"", Location="http://127.0.0.1:1/elsewhere") as host,
        pytest.raises(InputError, match="another address"),
    ):
        retrieve(parse_source(f"dicomweb://{host}/d/studies/1.2", {}), tmp_path)


def refusals(*reasons: int) -> bytes:
    failed = [
        {REASON: {"vr": "US", "Value": [one]}, UID: {"vr": "UI", "Value": ["1.2"]}}
        for one in reasons
    ]
    return json.dumps({FAILED: {"vr": "SQ", "Value": failed}}).encode()


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return write_series(tmp_path / "one", Series(count=1))[0].read_bytes()


def test_a_duplicate_counts_as_stored(content: bytes) -> None:
    with answering(409, refusals(0x0111)) as host:
        send(WebServer(f"http://{host}"), [content])


@pytest.mark.parametrize(
    ("status", "body", "temporary"),
    [
        (200, refusals(0xC000), False),
        (202, refusals(0xA700), True),
        (202, refusals(0xA700, 0xA900), False),
        (409, refusals(0x0111, 0xA900), False),
        (409, b"conflict", False),
        (400, b"", False),
        (401, b"", False),
        (429, b"", True),
        (500, b"", True),
        (503, b"", True),
        (200, b"<html>", False),
    ],
)
def test_refusals_say_whether_to_try_again(
    content: bytes, status: int, body: bytes, *, temporary: bool
) -> None:
    with answering(status, body) as host, pytest.raises(DeliveryError, match=host) as refusal:
        send(WebServer(f"http://{host}"), [content])

    assert refusal.value.temporary is temporary
    assert str(mr_dataset(Series(), 0).PatientName) not in str(refusal.value)
