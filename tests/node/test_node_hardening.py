import json
import logging
import os
import random
import socket
import threading
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from peers import association, image, send, wait_until
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, evt
from starting import StartNode

from discern.node.commitment import STORAGE_COMMITMENT
from discern.node.config import ListenConfig, Peer
from discern.node.log import JsonLines

MUTATIONS = 3000 if os.environ.get("DISCERN_FULL") else 200
ECHO_EVERY = 100


def recorded_association(*images: Dataset) -> list[bytes]:
    """The PDUs of a whole association: request, echo or images, release."""
    sent: list[bytes] = []
    ae = AE("SCP")
    client = AE("SCANNER")
    for one in (ae, client):
        one.add_supported_context("1.2.840.10008.1.1")
        one.add_supported_context(MRImageStorage)
        one.add_requested_context("1.2.840.10008.1.1")
        one.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
    server: Any = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda _: 0x0000)]
    )
    with_sender = client.associate(
        "127.0.0.1",
        server.server_address[1],
        ae_title="DISCERN",
        evt_handlers=[(evt.EVT_DATA_SENT, lambda event: sent.append(event.data))],
    )
    for image_ in images:
        with_sender.send_c_store(image_)
    if not images:
        with_sender.send_c_echo()
    with_sender.release()
    ae.shutdown()
    return sent


def mutated(original: bytes, chance: random.Random) -> bytes:
    changed = bytearray(original)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randint(1, len(changed))])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_malformed_pdus_leave_the_node_answering(start_node: StartNode) -> None:
    listen = ListenConfig(port=0, timeout_s=1)
    node = start_node(listen=listen)
    recorded = [b"".join(recorded_association(*images)) for images in ((), (image(2, 1),))]
    chance = random.Random(20260101)  # noqa: S311 - which bytes to change
    threads = threading.active_count()
    for number in range(MUTATIONS):
        with socket.socket() as one:
            one.connect(("127.0.0.1", node.port))
            one.sendall(mutated(recorded[number % 2], chance))
        if number % ECHO_EVERY == 0:
            wait_until(lambda: echoes(node.port), timeout_s=10)
    wait_until(lambda: threading.active_count() <= threads + 1)
    assert echoes(node.port)
    assert send(node.port, image(1, 1)) == [0]


def echoes(port: int) -> bool:
    with association(port) as one:
        return bool(one.is_established and one.send_c_echo().Status == 0)


@pytest.mark.parametrize("begun", [b"", b"\x01", b"\x01\x00\x00\x00\x01\x00" + b"\x00" * 20])
def test_peers_that_ask_for_nothing_hold_no_place(start_node: StartNode, begun: bytes) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=10, max_associations=2))
    idle = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(40)]
    try:
        for one in idle:
            one.sendall(begun)
        time.sleep(0.2)
        assert all(echoes(node.port) for _ in range(3))
    finally:
        for one in idle:
            one.close()


def test_what_is_no_request_is_closed_at_once(start_node: StartNode) -> None:
    with socket.create_connection(("127.0.0.1", start_node().port), timeout=2) as one:
        one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            assert one.recv(100) == b""


def test_more_peers_than_places_are_turned_away_for_now(start_node: StartNode) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=10, max_associations=2))
    with association(node.port), association(node.port), association(node.port) as third:
        assert third.is_rejected
        assert third.acceptor.primitive.result == 2  # transient
    wait_until(lambda: echoes(node.port))


def test_a_peer_that_falls_silent_loses_its_place(start_node: StartNode) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=1, max_associations=1))
    with association(node.port) as silent:
        assert silent.is_established
        wait_until(lambda: echoes(node.port), timeout_s=10)


def test_an_object_that_is_too_large_is_cut_off(start_node: StartNode) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=10, max_object_mb=1))
    large = image(1, 1)
    large.PixelData = bytes(8 << 20)
    with association(node.port) as one:
        assert "Status" not in one.send_c_store(large)
    assert send(node.port, image(1, 2)) == [0]
    assert len(node.state.files()) == 1


@pytest.mark.parametrize("begun", [b"\x04\x00\xff\xff\xff\xff", b"\x01\x00\x7f\xff\xff\xff"])
def test_a_length_that_nobody_agreed_on_is_not_read(start_node: StartNode, begun: bytes) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=10))
    with association(node.port) as one:
        raw = one.dul.socket.socket
        assert hangs_up(raw, [begun, *[bytes(1 << 20)] * 64])
        wait_until(lambda: not one.is_established)
    assert echoes(node.port)


def hangs_up(peer: socket.socket, chunks: Iterable[bytes]) -> bool:
    """Say whether the other side hangs up before it has taken everything."""
    try:
        for chunk in chunks:
            peer.sendall(chunk)
    except OSError:
        return True
    return False


def test_requests_that_wait_for_no_answer_do_not_pile_up(start_node: StartNode) -> None:
    node = start_node(listen=ListenConfig(port=0, timeout_s=10))
    store = recorded_association(image(1, 1))
    begin, message = store[0], b"".join(store[1:-1])
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as one:
        one.sendall(begin)
        one.recv(4096)
        assert hangs_up(one, [message] * 100_000)
    assert echoes(node.port)


def test_commitment_is_promised_only_for_what_is_held(start_node: StartNode) -> None:
    reports: list[tuple[int, Dataset]] = []

    def take(event: Any) -> tuple[int, None]:  # noqa: ANN401 - pynetdicom is untyped
        reports.append((event.event_type, event.event_information))
        return 0x0000, None

    ae = AE("SCANNER")
    ae.add_supported_context(STORAGE_COMMITMENT, scu_role=False, scp_role=True)
    server: Any = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)]
    )
    peer = Peer("SCANNER", "127.0.0.1", server.server_address[1])
    node = start_node(commitment_peers=(peer,))
    assert send(node.port, image(1, 1)) == [0]
    with association(node.port) as one:
        status, _ = one.send_n_action(
            asked_for("2.25.1.1.1", "2.25.1.1.2"), 1, STORAGE_COMMITMENT, "1.2.840.10008.1.20.1.1"
        )
        assert status.Status == 0
    wait_until(lambda: reports)
    ae.shutdown()
    event_type, report = reports[0]
    assert event_type == 2
    assert [one.ReferencedSOPInstanceUID for one in report.ReferencedSOPSequence] == ["2.25.1.1.1"]
    assert [one.ReferencedSOPInstanceUID for one in report.FailedSOPSequence] == ["2.25.1.1.2"]


def test_commitment_for_strangers_is_refused(start_node: StartNode) -> None:
    with association(start_node().port) as one:
        status, _ = one.send_n_action(
            asked_for("2.25.1"), 1, STORAGE_COMMITMENT, "1.2.840.10008.1.20.1.1"
        )
    assert status.Status == 0x0124


def asked_for(*sop_uids: str) -> Dataset:
    request = Dataset()
    request.TransactionUID = "2.25.77"
    request.ReferencedSOPSequence = []
    for sop_uid in sop_uids:
        item = Dataset()
        item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        item.ReferencedSOPInstanceUID = sop_uid
        request.ReferencedSOPSequence.append(item)
    return request


def test_health_and_metrics_tell_where_studies_stand(start_node: StartNode) -> None:
    node = start_node()
    send(node.port, image(1, 1))
    wait_until(lambda: node.state.counts("deliveries") == {"done": 1})
    root = f"http://127.0.0.1:{node.health_port}"
    with urllib.request.urlopen(f"{root}/health") as answer:  # noqa: S310 - http, this machine
        assert json.load(answer)["status"] == "ok"
    with urllib.request.urlopen(f"{root}/metrics") as answer:  # noqa: S310
        assert 'discern_deliveries{state="done"} 1.0' in answer.read().decode()


def test_the_log_is_json_without_the_patient(start_node: StartNode) -> None:
    written = StringIO()
    sink, logger = logging.StreamHandler(written), logging.getLogger("discern.node")
    sink.setFormatter(JsonLines())
    logger.addHandler(sink)
    logger.setLevel(logging.INFO)
    try:
        send(start_node().port, image(1, 1))
        wait_until(lambda: '"delivered"' in written.getvalue())
    finally:
        logger.removeHandler(sink)
    events = [json.loads(line)["event"] for line in written.getvalue().splitlines()]
    assert {"stored", "analysis_started", "analysis_done", "delivered"} <= set(events)
    assert "Secret" not in written.getvalue()
    assert "SECRET" not in written.getvalue()
