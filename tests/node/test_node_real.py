import shutil
import subprocess
from os import environ
from pathlib import Path

import pytest
from peers import Archive, wait_until
from starting import StartNode

from discern.node.analysis import analyze_order
from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.study import demo_parameters, write_study

SHORT = Prescription(sagittal_slices=3, axial_layout=AxialLayout.BLOCK, axial_slices=2)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("storescu") is None and not environ.get("DISCERN_FULL"),
    reason="needs dcmtk: apt install dcmtk",
)
def test_dcmtk_sends_a_phantom_and_the_archive_gets_its_report(
    start_node: StartNode, archive: Archive, tmp_path: Path
) -> None:
    node = start_node(analyze=analyze_order)
    write_study(demo_parameters(), 3, tmp_path / "study", SHORT)
    address = ["-aec", "DISCERN", "127.0.0.1", str(node.port)]
    subprocess.run(["echoscu", *address], check=True, timeout=30)
    subprocess.run(
        ["storescu", "+sd", "+r", *address, str(tmp_path / "study")], check=True, timeout=60
    )
    wait_until(lambda: archive.taken or node.state.reasons(), 120)
    assert node.state.reasons() == {}
    assert len(archive.taken) == 1
