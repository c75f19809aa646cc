"""The structured report of a study in the OHIF viewer, in headless Chromium, to look at.

    python bench/ohif.py STUDY --out ohif.png [--work FOLDER]

Analyzes STUDY (a DICOM folder; ``discern phantom`` writes some), puts images and report into an
Orthanc of its own, opens the report in OHIF and saves a picture. Fails when the viewer does not
name every disc. Needs Orthanc with DICOMweb, Chromium and npm, which fetches the viewer (50 MB)
into FOLDER. A picture of a patient stays out of the repository.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError, URLError

from pydicom import dcmread

OHIF, DRIVER = "@ohif/app@3.13.2", "puppeteer-core@24"
DICOM_PORT, HTTP_PORT = 14_242, 18_042
ORTHANC = f"http://127.0.0.1:{HTTP_PORT}"
LOADS_WITHIN_S = 40
ROOTS = dict.fromkeys(("wadoUriRoot", "qidoRoot", "wadoRoot"), "/dicom-web")
SOURCE = {
    "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
    "sourceName": "pacs",
    "configuration": {
        "name": "pacs",
        "imageRendering": "wadors",
        "thumbnailRendering": "wadors",
        "omitQuotationForMultipartRequest": True,
        **ROOTS,
    },
}
CONFIG = {
    "routerBasename": "/",
    "extensions": [],
    "modes": [],
    "defaultDataSourceName": "pacs",
    "dataSources": [SOURCE],
}


def program(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise SystemExit(f"needs {name}: apt install orthanc orthanc-dicomweb chromium npm")
    return path


class Viewer(SimpleHTTPRequestHandler):
    """Serves OHIF, its configuration, and Orthanc under the same origin."""

    def do_GET(self) -> None:
        """Answer with a file, the configuration, or what Orthanc says."""
        path = self.path.partition("?")[0]
        if path.startswith("/dicom-web"):
            self._hand_on()
        elif path == "/app-config.js":
            self._answer(200, "text/javascript", f"window.config = {json.dumps(CONFIG)}".encode())
        else:
            if not Path(self.translate_path(path)).is_file():
                self.path = "/index.html"
            super().do_GET()

    def _hand_on(self) -> None:
        headers = {"Accept": self.headers.get("Accept", "*/*")}
        request = urllib.request.Request(f"{ORTHANC}{self.path}", headers=headers)  # noqa: S310 - http, this machine
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                self._answer(answer.status, answer.headers["Content-Type"], answer.read())
        except HTTPError as error:
            self._answer(error.code, "text/plain", b"")

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def running_orthanc(folder: Path) -> Iterator[None]:
    """Run Orthanc with an empty store below ``folder``."""
    config = {
        "HttpPort": HTTP_PORT,
        "DicomPort": DICOM_PORT,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "store"),
        "IndexDirectory": str(folder / "store"),
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    command = [program("Orthanc"), str(folder / "orthanc.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"{ORTHANC}/dicom-web/studies")  # noqa: S310
                break
            except URLError:
                if process.poll() is not None:
                    raise SystemExit("Orthanc does not start") from None
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def put(path: Path) -> None:
    """Store one file."""
    request = urllib.request.Request(f"{ORTHANC}/instances", data=path.read_bytes())  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310


def fetch_viewer(work: Path) -> Path:
    """Have npm fetch viewer and driver into ``work``, if not there; return the viewer's folder."""
    viewer = work / "package" / "dist"
    if not viewer.is_dir():
        subprocess.run([program("npm"), "pack", OHIF], cwd=work, check=True)
        subprocess.run([program("npm"), "install", "--prefix", ".", DRIVER], cwd=work, check=True)
        (packed,) = work.glob("ohif-app-*.tgz")
        with tarfile.open(packed) as archive:
            archive.extractall(work, filter="data")
    shutil.copy(Path(__file__).with_suffix(".mjs"), work)
    return viewer


def seen(url: str, picture: Path, work: Path) -> str:
    """Open a page, save its picture, return its text."""
    order = [str(work / "ohif.mjs"), url, str(picture.resolve()), str(LOADS_WITHIN_S)]
    environment = {**os.environ, "CHROMIUM": program("chromium")}
    done = subprocess.run(
        [program("node"), *order], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def show(study: Path, picture: Path, work: Path) -> list[str]:
    """Return the levels that the viewer does not name though it should."""
    viewer, out = fetch_viewer(work), work / "out"
    analysis = [sys.executable, "-m", "discern", "analyze", str(study), "--out", str(out)]
    subprocess.run([*analysis, "--also", "sr"], check=True)
    report = dcmread(out / "structured-report.dcm")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: Viewer(*given, directory=str(viewer))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as store, running_orthanc(Path(store)):
        for path in [*filter(Path.is_file, study.rglob("*")), out / "structured-report.dcm"]:
            put(path)
        query = f"StudyInstanceUIDs={report.StudyInstanceUID}"
        query += f"&initialSeriesInstanceUID={report.SeriesInstanceUID}"
        text = seen(f"http://127.0.0.1:{server.server_port}/viewer?{query}", picture, work)
    server.shutdown()
    levels = [one["level"] for one in json.loads((out / "findings.json").read_text())["discs"]]
    return [one for one in levels if f"{one} intervertebral disc" not in text]


def main() -> None:
    """Read the command line and open the viewer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, default=Path("ohif.png"))
    parser.add_argument("--work", type=Path, default=Path("ohif-work"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    missing = show(options.study, options.out, options.work)
    print(f"{options.out}: not named by the viewer: {', '.join(missing) or 'none'}")
    raise SystemExit(bool(missing))


if __name__ == "__main__":
    main()
