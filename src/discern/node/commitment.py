"""Storage commitment (PS3.4 annex J): the promise to keep images, made only for those on disk.

The request is recorded before it is confirmed, and the answer goes to the configured peer on an
association of its own, again and again until it is taken. The promise holds for
``study.keep_hours`` after the analysis: a node is a reader of images, not their archive.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, build_role

from discern.node.config import Peer, RetryConfig
from discern.node.log import note
from discern.node.receiver import is_uid
from discern.node.state import State

STORAGE_COMMITMENT = UID("1.2.840.10008.1.20.1")
_INSTANCE = UID("1.2.840.10008.1.20.1.1")
_ACCEPTED, _NOT_AUTHORIZED, _INVALID, _FAILED = 0x0000, 0x0124, 0x0115, 0x0110
_ALL_HELD, _SOME_MISSING = 1, 2
_NO_SUCH_OBJECT = 0x0112
_MOST_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Promise:
    """One request: who asked, under which transaction, for which (class, instance) pairs."""

    id: int
    transaction_uid: str
    peer: str
    requested: tuple[tuple[str, str], ...]
    attempts: int


class Committer:
    """Answers storage commitment requests of known peers."""

    def __init__(
        self, state: State, ae_title: str, peers: Sequence[Peer], retry: RetryConfig
    ) -> None:
        """Nothing is sent before ``run``."""
        self._state, self._ae_title, self._retry = state, ae_title, retry
        self._peers = {peer.ae_title: peer for peer in peers}
        self._asked = threading.Event()

    def take(self, peer: str, request: Dataset) -> int:
        """Record a request and return the status of the N-ACTION."""
        if peer not in self._peers:
            note("commitment_refused", level=logging.WARNING, peer=peer, reason="unknown peer")
            return _NOT_AUTHORIZED
        try:
            transaction_uid = str(request.TransactionUID)
            requested = [
                (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
                for item in request.ReferencedSOPSequence
            ]
        except Exception:  # noqa: BLE001 - untrusted bytes raise anything; the peer is told
            return _INVALID
        if not all(map(is_uid, (transaction_uid, *(uid for pair in requested for uid in pair)))):
            return _INVALID
        try:
            self._state.promise(transaction_uid, peer, json.dumps(requested))
        except sqlite3.Error:
            return _FAILED
        note("commitment_requested", peer=peer, transaction=transaction_uid, count=len(requested))
        self._asked.set()
        return _ACCEPTED

    def run(self, stop: threading.Event) -> None:
        """Send answers until ``stop``."""
        while not stop.is_set():
            self._asked.clear()
            for promise_id, transaction_uid, peer, requested, attempts in self._state.promises():
                pairs = tuple((one[0], one[1]) for one in json.loads(requested))
                self._answer(Promise(promise_id, transaction_uid, peer, pairs, attempts))
            left = self._state.promises()
            wait_s = self._retry.wait_s(min(row[4] for row in left) or 1) if left else 3600.0
            _wait_for_either(self._asked, stop, wait_s)

    def _answer(self, promise: Promise) -> None:
        peer = self._peers.get(promise.peer)
        sent = peer is not None and self._send(peer, promise)
        given_up = promise.attempts + 1 >= _MOST_ATTEMPTS
        self._state.promise_answered(promise.id, settled=sent or given_up)
        note("commitment_answered" if sent else "commitment_not_answered", peer=promise.peer)

    def _send(self, peer: Peer, promise: Promise) -> bool:
        ae = AE(self._ae_title)
        ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = 30.0
        ae.add_requested_context(STORAGE_COMMITMENT)
        role = build_role(STORAGE_COMMITMENT, scu_role=False, scp_role=True)
        association = ae.associate(peer.host, peer.port, ae_title=peer.ae_title, ext_neg=[role])
        if not association.is_established:
            return False
        try:
            report, event_type = self._report(promise)
            status, _ = association.send_n_event_report(
                report, event_type, STORAGE_COMMITMENT, _INSTANCE
            )
        except (ValueError, RuntimeError):
            return False
        finally:
            association.release()
        return "Status" in status and status.Status == _ACCEPTED

    def _report(self, promise: Promise) -> tuple[Dataset, int]:
        report, held, missing = Dataset(), [], []
        for class_uid, sop_uid in promise.requested:
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, sop_uid
            if self._state.holds(sop_uid, class_uid):
                held.append(item)
            else:
                item.FailureReason = _NO_SUCH_OBJECT
                missing.append(item)
        report.TransactionUID = promise.transaction_uid
        if held:
            report.ReferencedSOPSequence = held
        if missing:
            report.FailedSOPSequence = missing
        return report, _SOME_MISSING if missing else _ALL_HELD


def _wait_for_either(asked: threading.Event, stop: threading.Event, wait_s: float) -> None:
    """Wait for a request, ``stop`` or the time, whichever comes first; looks at ``stop`` often."""
    step_s = 0.2
    while wait_s > 0 and not stop.is_set() and not asked.wait(min(step_s, wait_s)):
        wait_s -= step_s
