import os
import sys
import threading
import time
from pathlib import Path

import pytest
from peers import Archive, config_for, image, send, wait_until
from programs import NodeProgram, free_port, waits
from stand_ins import report
from starting import StartNode

from discern.node.analysis import Order
from discern.node.config import RetryConfig, StudyConfig
from discern.node.delivery import Deliverer
from discern.node.service import Node
from discern.node.state import Instance, State

MANY = 100 if os.environ.get("DISCERN_FULL") else 6
KILLS = 4 if os.environ.get("DISCERN_FULL") else 1


def test_what_a_destination_missed_while_down_arrives_when_it_is_up(tmp_path: Path) -> None:
    port = free_port()
    node = Node(config_for(tmp_path / "node", port), analyze=report)
    try:
        send(node.port, image(1, 1))
        wait_until(lambda: node.state.counts("deliveries") == {"pending": 1})
        time.sleep(1)
        archive = Archive(port)
        wait_until(lambda: archive.taken)
        archive.stop()
    finally:
        node.stop()
    assert len(archive.taken) == 1


def test_a_refusal_for_good_is_not_repeated_and_a_busy_peer_is_asked_again(
    tmp_path: Path,
) -> None:
    archive = Archive(statuses=[0xA700, 0xC000])
    node = Node(config_for(tmp_path / "node", archive.port), analyze=report)
    try:
        send(node.port, image(1, 1))
        wait_until(lambda: node.state.counts("deliveries") == {"failed": 1})
    finally:
        node.stop()
        archive.stop()
    assert not archive.taken


def test_deliveries_are_given_up_after_the_time_for_it(start_node: StartNode) -> None:
    gone = config_for(Path(), free_port()).destinations
    retry = RetryConfig(first_wait_s=0.1, longest_wait_s=0.1, give_up_after_hours=0.2 / 3600)
    node = start_node(destinations=gone, retry=retry)
    send(node.port, image(1, 1))
    wait_until(lambda: node.state.counts("deliveries") == {"failed": 1})


@pytest.mark.parametrize("times", [1, 2])
def test_what_arrived_without_confirmation_is_asked_for_before_it_is_sent_again(
    tmp_path: Path, times: int
) -> None:
    archive = Archive(statuses=[None], finds=times == 1)
    node = Node(config_for(tmp_path / "node", archive.port), analyze=report)
    try:
        send(node.port, image(1, 1))
        wait_until(lambda: node.state.counts("deliveries") == {"done": 1})
    finally:
        node.stop()
        archive.stop()
    assert len(archive.taken) == times
    assert len({*archive.taken}) == 1  # the same bytes


def test_what_was_given_up_is_tried_again_by_the_next_start(
    start_node: StartNode, archive: Archive
) -> None:
    refusing = Archive(statuses=[0xC000])
    node = start_node(destinations=config_for(Path(), refusing.port).destinations)
    send(node.port, image(1, 1))
    wait_until(lambda: node.state.counts("deliveries") == {"failed": 1})
    node.stop()
    refusing.stop()
    start_node()
    wait_until(lambda: archive.taken)


def test_an_hour_of_outage_is_survived_without_haste(tmp_path: Path) -> None:
    state, port, now_s = State(tmp_path / "state.sqlite"), free_port(), 0.0
    (result,) = report(made_order(tmp_path))
    state.keep(Instance("2.25.1.1.1", "2.25.1", "2.25.4", "", "", 0))
    state.finish(state.begin("2.25.1", "2026"), "2026", [result], ["pacs"])
    (delivery,) = state.pending("pacs")
    (where,) = config_for(tmp_path, port).destinations
    deliverer = Deliverer(state, where, RetryConfig(), clock=lambda: now_s)
    stop = threading.Event()

    def waited() -> float:
        return state.delivery(delivery).waited_s

    running = threading.Thread(target=deliverer.run, args=(stop,))
    running.start()
    try:
        wait_until(lambda: waited() == 10)
        for due_s in (10, 30, 70, 150, 310, 630, 1270, 2550):
            now_s = due_s - 1
            time.sleep(0.3)
            assert waited() == due_s
            now_s = due_s
            wait_until(lambda due_s=due_s: waited() > due_s)  # type: ignore[misc]
        archive = Archive(port)
        now_s = 2550 + 1800
        wait_until(lambda: state.counts("deliveries") == {"done": 1})
    finally:
        stop.set()
        running.join()
        state.close()
    archive.stop()
    assert [uid for uid, _ in archive.taken] == [result.sop_uid]


def made_order(folder: Path) -> Order:
    images = folder / "images"
    images.mkdir()
    image(1, 1).save_as(images / "1.dcm", enforce_file_format=True)
    return Order(images, "2026", StudyConfig())


@pytest.mark.slow
def test_four_senders_at_once_and_kill_9_in_the_middle(archive: Archive, tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("run_node.py"))]
    node = NodeProgram(tmp_path, archive.port, command)
    studies = [[image(number, 1), image(number, 2)] for number in range(1, MANY + 1)]
    wanted = sorted(f"2.25.{number}.99.2" for number in range(1, MANY + 1))
    try:
        node.push_and_kill(studies, waits(KILLS, 4.0))
        wait_until(lambda: len(archive.taken) >= MANY, 240)
    finally:
        node.stop()
    assert sorted(uid for uid, _ in archive.taken) == wanted
