"""What is kept for study.keep_hours, what goes, and what a clock that jumps does to it."""

from pathlib import Path

import pytest
from peers import Archive, config_for, image, send, wait_until
from starting import StartNode

from discern.node.config import StudyConfig
from discern.node.retention import ClockWatch, Retention
from discern.node.spool import Spool
from discern.node.state import Instance, Result, State

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
START = 1_767_225_600.0  # 2026-01-01
BRIEF = StudyConfig(quiet_seconds=0.3, keep_hours=0)


class Clocks:
    """One clock on the wall, one that never jumps."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = START, 500.0

    def pass_(self, seconds: float) -> None:
        self.wall_s, self.steady_s = self.wall_s + seconds, self.steady_s + seconds

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.wall_s, lambda: self.steady_s)


class Kept:
    """A state with one delivered study that ended at the start, and its spool."""

    def __init__(self, folder: Path, clocks: Clocks, keep_hours: float = 24) -> None:
        self.spool, self.state = Spool(folder), State(folder / "state.sqlite")
        self.file = self.spool.write("2.25.1.1.1", b"image")
        self.state.keep(Instance("2.25.1.1.1", "2.25.1", "2.25.4", "", self.file, 5))
        job = self.state.begin("2.25.1", "2026")
        document = Result("sr", "2.25.4", "2.25.1.99", "", b"report")
        self.state.finish(job, "2026-01-01T00:00:00+00:00", [document], [])
        self.retention = Retention(self.state, self.spool, keep_hours, clocks.watch())

    def bytes_after_look(self) -> int:
        self.retention.look()
        return self.state.kept_bytes()


def test_images_and_documents_are_kept_for_their_hours_and_no_longer(tmp_path: Path) -> None:
    clocks = Clocks()
    kept = Kept(tmp_path / "node", clocks)
    clocks.pass_(23 * HOUR)
    assert kept.bytes_after_look() == len(b"image") + len(b"report")
    clocks.pass_(2 * HOUR)
    assert kept.bytes_after_look() == 0
    assert not [*tmp_path.rglob(kept.file)]
    assert kept.state.is_own("2.25.1.99")
    kept.state.close()


def test_with_no_hours_to_keep_a_study_goes_in_the_second_that_it_ended(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "node", Clocks(), keep_hours=0)
    assert kept.bytes_after_look() == 0
    kept.state.close()


@pytest.mark.parametrize("jump_s", [30 * YEAR, -40 * YEAR, 2 * DAY, -2 * DAY])
def test_a_clock_that_jumps_neither_shortens_nor_stretches_the_hours(
    tmp_path: Path, jump_s: float
) -> None:
    clocks = Clocks()
    kept = Kept(tmp_path / "node", clocks)
    clocks.wall_s += jump_s
    clocks.pass_(23 * HOUR)
    assert kept.bytes_after_look() > 0
    clocks.pass_(2 * HOUR)
    assert kept.bytes_after_look() == 0
    kept.state.close()


def test_a_clock_that_is_set_by_seconds_is_no_jump() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    clocks.wall_s += 20
    assert watch.jump_s() == 0
    clocks.wall_s -= HOUR
    assert watch.jump_s() == pytest.approx(-HOUR + 20)
    assert watch.jump_s() == 0


def test_a_study_that_was_forgotten_and_comes_again_is_not_sent_twice(
    start_node: StartNode, archive: Archive, tmp_path: Path
) -> None:
    node = start_node(study=BRIEF)
    send(node.port, image(1, 1))
    wait_until(lambda: node.state.counts("deliveries") == {"done": 1})
    node.stop()
    again = start_node(study=BRIEF)  # cleans at its start
    wait_until(lambda: not [*(tmp_path / "node" / "images").rglob("*.dcm")])
    assert not again.state.files()
    assert send(again.port, image(1, 1)) == [0]
    wait_until(lambda: again.state.counts("studies") == {"done": 1})
    assert again.state.counts("deliveries") == {"done": 1}
    assert len(archive.taken) == 1


def test_what_is_not_delivered_yet_is_kept(start_node: StartNode) -> None:
    down = Archive()
    down.stop()
    nowhere = config_for(Path(), down.port).destinations
    node = start_node(study=BRIEF, destinations=nowhere)
    send(node.port, image(1, 1))
    wait_until(lambda: node.state.counts("deliveries") == {"pending": 1})
    node.stop()
    again = start_node(study=BRIEF, destinations=nowhere)
    wait_until(lambda: again.state.delivery(1).attempts > 1)
    assert again.state.files()
    assert again.state.delivery(1).content
