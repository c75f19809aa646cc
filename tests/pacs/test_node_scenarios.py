"""Orthanc forwards a study to ``discern node``; the report is found in Orthanc again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from orthanc import AE_TITLE, PASSWORD, USER, Orthanc, free_port, running_orthanc
from pydicom import Dataset, dcmread

from discern.dicomweb.server import WebServer
from discern.dicomweb.storing import send
from discern.phantom.study import demo_parameters, write_study

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
PATIENCE_S = 120.0

pytestmark = pytest.mark.slow


def configuration(folder: Path, node: tuple[int, int], orthanc: Orthanc, destination: str) -> Path:
    """Write the configuration of a node with a short quiet period and short waits."""
    path = folder / "node.toml"
    path.write_text(
        f"""
        [listen]
        port = {node[0]}
        allowed = ["{AE_TITLE}"]
        [study]
        quiet_seconds = 1
        cpu_threads = 1
        [disk]
        folder = "{folder / "node"}"
        least_free_gb = 0.1
        [retry]
        first_wait_s = 0.2
        longest_wait_s = 1
        [health]
        port = {node[1]}
        [[destinations]]
        name = "pacs"
        {destination}
        [[commitment_peers]]
        ae_title = "{AE_TITLE}"
        host = "127.0.0.1"
        port = {orthanc.dicom_port}
        """
    )
    return path


def by_c_store(orthanc: Orthanc) -> str:
    return f'host = "127.0.0.1"\nport = {orthanc.dicom_port}\nae_title = "{AE_TITLE}"'


def by_stow(orthanc: Orthanc) -> str:
    return f'url = "http://{orthanc.root}"\nuser = "{USER}"\npassword_env = "DISCERN_TEST_PACS"'


@contextmanager
def running_node(config: Path, health_port: int) -> Iterator[None]:
    """Run ``discern node`` until the block ends."""
    command = [sys.executable, "-m", "discern", "node", "--config", str(config)]
    with (config.parent / "node.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stderr=log,
            env={**os.environ, "DISCERN_TEST_PACS": PASSWORD, "OMP_NUM_THREADS": "1"},
        )
        try:
            wait_until(lambda: bool(health(health_port)) or process.poll() is not None)
            yield
        finally:
            process.terminate()
            process.wait(60)
    log_text = (config.parent / "node.log").read_text()
    assert process.returncode == 0, log_text
    assert "PHANTOM" not in log_text


def health(port: int) -> Mapping[str, Any]:
    with (
        suppress(OSError),
        build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/health", timeout=5) as answer,
    ):
        return dict(json.load(answer))
    return {}


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


@contextmanager
def orthanc_beside_a_node(folder: Path, node_port: int, **ports: int) -> Iterator[Orthanc]:
    modalities = {"node": ["DISCERN", "127.0.0.1", node_port]}
    with running_orthanc(folder / "orthanc", DicomModalities=modalities, **ports) as server:
        yield server


def put(orthanc: Orthanc, folder: Path) -> str:
    """Store a folder by STOW-RS; return its StudyInstanceUID."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    send(WebServer(f"http://{orthanc.root}", USER, PASSWORD), [one.read_bytes() for one in files])
    return str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)


def forward(orthanc: Orthanc, study_uid: str) -> None:
    """Let Orthanc send the study to the node."""
    (study,) = orthanc.ask("/tools/lookup", study_uid.encode())
    sent = orthanc.ask("/modalities/node/store", study["ID"].encode())
    assert sent["FailedInstancesCount"] == 0


def commits(orthanc: Orthanc, study_uid: str) -> str:
    """Let Orthanc ask the node to commit to the images of the study; return the outcome."""
    images = orthanc.find("instances", StudyInstanceUID=study_uid, Modality="MR")
    pairs = [[one[tag]["Value"][0] for tag in ("00080016", "00080018")] for one in images]
    asked = orthanc.ask(
        "/modalities/node/storage-commitment", json.dumps({"DicomInstances": pairs}).encode()
    )
    for _ in range(50):
        status = str(orthanc.ask(asked["Path"])["Status"])
        if status != "Pending":
            return status
        time.sleep(0.1)
    return "Pending"


def reports(orthanc: Orthanc, study_uid: str) -> Sequence[str]:
    """Return the SOPInstanceUIDs of the reports of a study."""
    query = {"StudyInstanceUID": study_uid, "SOPClassUID": COMPREHENSIVE_3D_SR}
    return [one["00080018"]["Value"][0] for one in orthanc.find("instances", **query)]


def values(item: Dataset) -> list[tuple[str, str]]:
    """Return the numbers, codes and words of an SR tree, in order."""
    own = [
        (str(one.keyword), str(one.value))
        for one in item
        if one.keyword in {"NumericValue", "CodeValue", "TextValue", "GraphicData"}
    ]
    sequences = [one.value for one in item if one.VR == "SQ"]
    below = [value for items in sequences for child in items for value in values(child)]
    return own + below


def local_report(study: Path, out: Path) -> Dataset:
    """Return the SR that ``discern analyze`` writes of the same files."""
    command = [sys.executable, "-m", "discern", "analyze", str(study), "--out", str(out)]
    done = subprocess.run([*command, "--also", "sr"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = out.rglob("*.dcm")
    return dcmread(path)


@pytest.mark.parametrize("destination", [by_c_store, by_stow])
def test_a_real_study_is_forwarded_and_its_report_comes_back(
    destination: Callable[[Orthanc], str], shared_data: Path, tmp_path: Path
) -> None:
    study = shared_data / "lumbar-study-dicom" / "study"
    ports = free_port(), free_port()
    with orthanc_beside_a_node(tmp_path, ports[0]) as orthanc:
        uid = put(orthanc, study)
        config = configuration(tmp_path, ports, orthanc, destination(orthanc))
        with running_node(config, ports[1]):
            forward(orthanc, uid)
            wait_until(lambda: commits(orthanc, uid) == "Success")
            wait_until(lambda: bool(reports(orthanc, uid)))
        (report,) = reports(orthanc, uid)
        stored = dcmread(BytesIO(orthanc.stored(report)))

    local = local_report(study, tmp_path / "local")
    assert values(stored) == values(local)
    assert stored.StudyInstanceUID == uid


def test_the_same_study_sent_twice_has_one_report_and_an_outage_ends(tmp_path: Path) -> None:
    write_study(demo_parameters(), 6, tmp_path / "phantom")
    ports = free_port(), free_port()
    with orthanc_beside_a_node(tmp_path, ports[0]) as orthanc:
        uid = put(orthanc, tmp_path / "phantom")
        again = {"HttpPort": orthanc.http_port, "DicomPort": orthanc.dicom_port}
        config = configuration(tmp_path, ports, orthanc, by_c_store(orthanc))
        with running_node(config, ports[1]):
            forward(orthanc, uid)
    with running_node(config, ports[1]):
        wait_until(lambda: sum(health(ports[1])["deliveries"].values()) > 0)
        with orthanc_beside_a_node(tmp_path, ports[0], **again) as orthanc:
            wait_until(lambda: bool(reports(orthanc, uid)))
            forward(orthanc, uid)
            time.sleep(3)
            assert len(reports(orthanc, uid)) == 1
