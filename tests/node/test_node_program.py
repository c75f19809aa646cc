"""``discern node`` itself, as it is started in a hospital, with the real analysis of phantoms."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import Archive, read, send, wait_until
from phantoms import as_enhanced, as_patient, small_study, with_damaged_pixels
from programs import NodeProgram, waits
from pydicom import Dataset

from discern.reporting.dicom_objects.structured_reading import read_structured_report

DISCERN = [sys.executable, "-m", "discern", "node"]
FULL = bool(os.environ.get("DISCERN_FULL"))
STUDIES = int(os.environ.get("DISCERN_NODE_STUDIES", "5" if FULL else "2"))
"""100 take a quarter of an hour on two busy cores."""
KILLS = 2 + STUDIES // 25
DAY = 86_400
GRADES = [1, 2, 1, 2, 3, 4, 5]
"""Of the phantom, T11-T12 to L5-S1, as the shipped weights read it."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    return small_study(tmp_path_factory.mktemp("study"))


class WallClock:
    """A clock on the wall that a test can set, for a program started with its environment."""

    def __init__(self, folder: Path) -> None:
        compiler, library = shutil.which("cc"), folder / "jumping_clock.so"
        if compiler is None:
            assert not FULL, "cc is missing"
            pytest.skip("needs a C compiler: apt install gcc libc6-dev")
        source = Path(__file__).with_name("jumping_clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        self._file = folder / "clock"
        self.jump_to(0)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFF_FILE": str(self._file)}

    def jump_to(self, days: int) -> None:
        """Set the clock so many days from the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(str(days * DAY))
        new.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def node(archive: Archive, clock: WallClock, tmp_path: Path) -> Iterator[NodeProgram]:
    one = NodeProgram(tmp_path, archive.port, DISCERN, clock.environment)
    yield one
    one.stop()


def test_phantoms_of_four_senders_are_reported_once_over_kill_9(
    archive: Archive, study: list[Dataset], tmp_path: Path
) -> None:
    studies = [as_patient(study, number) for number in range(1, STUDIES + 1)]
    node = NodeProgram(tmp_path, archive.port, DISCERN)
    try:
        node.push_and_kill(studies, waits(KILLS, 8.0))
        wait_until(lambda: len(archive.taken) >= STUDIES, 60 + 15 * STUDIES)
    finally:
        node.stop()
    reports = [read(content) for content in archive.contents()]
    assert sorted(int(one.StudyInstanceUID.split(".")[2]) for one in reports) == [
        *range(1, STUDIES + 1)
    ]
    assert all(one.PatientID == f"PHANTOM-{one.StudyInstanceUID[5:]}" for one in reports)
    assert not node.events("analysis_failed")
    assert "Secret" not in node.log
    assert "PHANTOM" not in node.log


def test_damaged_pixels_enhanced_images_a_full_disk_and_a_jumping_clock(
    archive: Archive, study: list[Dataset], clock: WallClock, node: NodeProgram
) -> None:
    damaged = with_damaged_pixels(as_patient(study, 1))
    lost = [one for one in as_patient(study, 3) if "sag" in one.SeriesDescription.lower()]
    for one in lost:
        one.PixelData = b"\0\0"
    assert send(node.port, *damaged, *lost, as_enhanced(study, 2)) == [0] * (len(study) + 4)
    clock.jump_to(400)
    wait_until(lambda: node.events("analysis_started"), 60)
    node.limit_files(4096)
    wait_until(lambda: node.events("disk_trouble"), 60)
    assert send(node.port, as_patient(study, 4)[0]) == [0xA700]
    clock.jump_to(-4000)
    time.sleep(1)
    node.limit_files(-1)
    wait_until(lambda: len(archive.taken) == 2, 90)
    wait_until(lambda: node.events("analysis_failed"), 90)

    reports = {read(content).StudyInstanceUID: content for content in archive.contents()}
    assert set(reports) == {"2.25.1", "2.25.2"}
    assert b"skipped_files: 1 file was skipped" in reports["2.25.1"]
    for content, frames in ((reports["2.25.1"], {None}), (reports["2.25.2"], {1, 2, 3})):
        discs = read_structured_report(content)
        assert [one.grade for one in discs] == GRADES
        assert {box.frame_number for one in discs for box in one.boxes} == frames
    assert {one["study"] for one in node.events("analysis_failed")} == {"2.25.3"}
    jumps = [one["seconds"] for one in node.events("clock_jumped")]
    assert jumps == pytest.approx([400 * DAY, -4400 * DAY], abs=30)
    assert "Secret" not in node.log
