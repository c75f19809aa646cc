import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from peers import Archive, association, config_for, image, send, wait_until
from stand_ins import report
from starting import StartNode

from discern.node.config import RetryConfig
from discern.node.service import Node

HERE = Path(__file__).parent
MANY = 100 if os.environ.get("DISCERN_FULL") else 6
SENDERS, KILLS = 4, 4 if os.environ.get("DISCERN_FULL") else 1


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


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


def write_config(path: Path, port: int, archive_port: int) -> None:
    path.write_text(
        f"""
        listen = {{ port = {port} }}
        study = {{ quiet_seconds = 0.3 }}
        disk = {{ folder = "{path.parent / "node"}", least_free_gb = 0.01 }}
        retry = {{ first_wait_s = 0.2 }}
        [[destinations]]
        name = "pacs"
        host = "127.0.0.1"
        port = {archive_port}
        ae_title = "ARCHIVE"
        """
    )


def run_node(config: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "run_node.py"), str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with association(port) as one:
            return bool(one.is_established)

    wait_until(answers)
    return process


def send_until_confirmed(port: int, number: int) -> bool:
    """Send one study; say whether both of its images were confirmed."""
    try:
        return send(port, image(number, 1), image(number, 2)) == [0, 0]
    except (AssertionError, AttributeError, RuntimeError):
        return False


@pytest.mark.slow
def test_four_senders_at_once_and_kill_9_in_the_middle(archive: Archive, tmp_path: Path) -> None:
    config, port, chance = tmp_path / "node.toml", free_port(), random.Random(11)  # noqa: S311 - when to kill
    write_config(config, port, archive.port)
    process = run_node(config, port)

    def push(sender: int) -> None:
        for number in range(sender, MANY + 1, SENDERS):
            while not send_until_confirmed(port, number):
                time.sleep(0.1)

    senders = [threading.Thread(target=push, args=(one,)) for one in range(1, SENDERS + 1)]
    for one in senders:
        one.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(1.0, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = run_node(config, port)
    for one in senders:
        one.join()
    wanted = {f"2.25.{number}.99.2" for number in range(1, MANY + 1)}
    wait_until(lambda: {uid for uid, _ in archive.taken} >= wanted, 240)
    process.terminate()
    assert process.wait(20) == 0
    sent = [uid for uid, _ in archive.taken if uid.endswith(".2")]
    assert set(sent) == wanted
    assert len(sent) <= MANY + KILLS  # again only where a kill swallowed the confirmation
    assert len({*archive.taken}) == len({uid for uid, _ in archive.taken})  # the same bytes
