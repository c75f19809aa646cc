from pathlib import Path

import pytest
from peers import Archive, image, send, wait_until
from stand_ins import SLEEPING, trouble
from starting import StartNode

from discern.node.state import Instance, State


def test_a_study_whose_analysis_was_cut_short_keeps_no_other_waiting(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    for number in (1, 2):
        state.keep(Instance(f"2.25.{number}.1", f"2.25.{number}", "2.25.4", "", "", 0))
    assert state.begin("2.25.1", "2026").starts == 1
    state.resume()  # as after a crash
    assert state.receiving() == ["2.25.2", "2.25.1"]
    state.close()


@pytest.mark.slow
def test_a_node_stopped_in_good_order_holds_it_against_no_study(
    start_node: StartNode, archive: Archive
) -> None:
    for _ in range(2):
        node = start_node(analyze=trouble)
        send(node.port, image(SLEEPING, 1))
        wait_until(lambda node=node: node.state.counts("studies") == {"analyzing": 1})  # type: ignore[misc]
        node.stop()
    again = start_node()
    wait_until(lambda: archive.taken)
    assert again.state.begin(f"2.25.{SLEEPING}", "2026").starts == 2  # this and the one before
