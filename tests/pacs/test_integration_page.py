"""The commands of docs/integration.md, run as they stand but for the ports."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from orthanc import free_port
from pydicom import dcmread

from discern.node.config import read_config

PAGE = Path(__file__).parents[2] / "docs" / "integration.md"
PORTS = ("4242", "8042", "11112", "11180")
PATIENCE_S = 240.0
PROGRAMS = ("curl", "dcmsend", "/usr/bin/findscu", "dsrdump")

pytestmark = pytest.mark.slow


def commands() -> str:
    """Return every shell block of the page, with ports that nothing listens on."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 7
    script = "set -eu\n" + "\n".join(blocks)
    for port in PORTS:
        assert port in script
        script = re.sub(rf"\b{port}\b", str(free_port()), script)
    return script


def check_programs() -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [one for one in (*PROGRAMS, "Orthanc") if shutil.which(one, path=path) is None]
    if missing:
        assert not os.environ.get("DISCERN_FULL"), missing
        pytest.skip(f"needs {', '.join(missing)}: apt install orthanc orthanc-dicomweb dcmtk curl")


def run(script: str, folder: Path) -> tuple[int, str]:
    """Run a script that leaves servers behind, end them; return its exit status and output."""
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    output = folder / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=os.environ | {"PATH": here, "OMP_NUM_THREADS": "1"},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(output.read_text(errors="replace")[-4000:])
        finally:
            end(process)
    return process.returncode, output.read_text(errors="replace")


def end(leader: subprocess.Popen[bytes]) -> None:
    """End the processes of a group, by force where they take more than five seconds."""
    for number, tries in ((signal.SIGTERM, 50), (signal.SIGKILL, 50)):
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, number)
            for _ in range(tries):
                leader.poll()  # a leader that nobody waits for counts as running
                os.killpg(leader.pid, 0)
                time.sleep(0.1)
    leader.wait()


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    check_programs()

    status, said = run(commands(), tmp_path)

    assert status == 0, said
    for modality in ("SR", "PR", "OT", "SEG", "DOC"):
        assert re.search(rf"\(0008,0060\) CS \[{modality}\s*\]", said), modality
    assert "Discern structured report" in said
    assert "L5-S1 intervertebral disc" in said  # dsrdump
    read_config(tmp_path / "discern.toml")
    images = [dcmread(path) for path in (tmp_path / "research").rglob("*.dcm")]
    assert {one.PatientIdentityRemoved for one in images} == {"YES"}
    report = dcmread(BytesIO((tmp_path / "out" / "structured-report.dcm").read_bytes()))
    assert report.SOPInstanceUID in (tmp_path / "reports.json").read_text()
