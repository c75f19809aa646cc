"""TLS at the listener, with certificates of a hospital made by openssl, and DCMTK as a peer."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from peers import association
from starting import StartNode

from discern.node.config import ListenConfig
from discern.node.destinations import TlsFiles

GOOD, EXPIRED = "2", "-1"  # days


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which(name, path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        assert not os.environ.get("DISCERN_FULL"), f"{name} is missing"
        pytest.skip(f"{name} is not installed (Debian: openssl, dcmtk)")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """A folder with the certificates and keys of a CA, a node, a scanner and an old scanner."""
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")
    ca = (tmp_path / "ca.pem", tmp_path / "ca.key")
    made = run("openssl", *new, "/CN=ca", "-x509", "-days", "2", "-out", ca[0], "-keyout", ca[1])
    assert made.returncode == 0, made.stderr
    for name, days in (("node", GOOD), ("scanner", GOOD), ("old", EXPIRED)):
        key, asked, signed = (tmp_path / f"{name}.{one}" for one in ("key", "csr", "pem"))
        run("openssl", *new, f"/CN={name}", "-out", asked, "-keyout", key)
        signing = ("x509", "-req", "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", days)
        made = run("openssl", *signing, "-in", asked, "-out", signed)
        assert made.returncode == 0, made.stderr
    return tmp_path


def echo(port: int, hospital: Path, *options: str | Path) -> int:
    where = ("-aet", "SCANNER", "-aec", "DISCERN", "127.0.0.1", str(port))
    return run("echoscu", *options, "+cf", hospital / "ca.pem", *where).returncode


def listening(hospital: Path) -> ListenConfig:
    files = TlsFiles(
        certificate=f"{hospital}/node.pem", key=f"{hospital}/node.key", ca=f"{hospital}/ca.pem"
    )
    return ListenConfig(port=0, timeout_s=10, tls=files)


@pytest.mark.slow
def test_only_peers_with_a_certificate_of_the_hospital_are_let_in(
    start_node: StartNode, hospital: Path
) -> None:
    port = start_node(listen=listening(hospital)).port

    def with_certificate_of(name: str) -> int:
        files = (hospital / f"{name}.key", hospital / f"{name}.pem")
        return echo(port, hospital, "+tls", *files)

    assert with_certificate_of("scanner") == 0
    assert with_certificate_of("old") != 0
    assert echo(port, hospital, "+tla") != 0
    with association(port) as plain:
        assert not plain.is_established
    assert with_certificate_of("scanner") == 0


@pytest.mark.slow
def test_silent_peers_keep_nobody_waiting_for_the_handshake(
    start_node: StartNode, hospital: Path
) -> None:
    port = start_node(listen=listening(hospital)).port
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        files = (hospital / "scanner.key", hospital / "scanner.pem")
        assert echo(port, hospital, "+tls", *files) == 0
    finally:
        for one in idle:
            one.close()
