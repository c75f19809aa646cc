"""How much one association may hold in memory: PDU, object, requests that wait for an answer.

pynetdicom reads whatever length a peer states and keeps every request until it is answered; a
peer that states 4 GB, sends an object without end or never waits for answers is cut off here.
"""

import logging
from typing import Any

from discern.node.log import note

_MOST_WAITING = 2
"""Requests unanswered at a time; nobody has negotiated more than one (PS3.7 D.3.3.3)."""


class BoundedSocket:
    """The socket of an association; reads nothing more once a limit is passed."""

    def __init__(self, association: Any, *, most_pdu: int, most_object: int) -> None:  # noqa: ANN401 - pynetdicom is untyped
        """Stand before the socket that the association has; limits in bytes."""
        self._inner, self._association = association.dul.socket, association
        self._most_pdu, self._most_object = most_pdu, most_object

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Hand everything else through."""
        return getattr(self._inner, name)

    def recv(self, nr_bytes: int) -> Any:  # noqa: ANN401 - a bytearray
        """Return so many bytes of the peer.

        Raises:
            ConnectionAbortedError: A limit is passed; pynetdicom then ends the association.
        """
        reason = self._passed(nr_bytes)
        if reason:
            note("connection_dropped", level=logging.WARNING, reason=reason)
            raise ConnectionAbortedError
        return self._inner.recv(nr_bytes)

    def _passed(self, nr_bytes: int) -> str | None:
        dimse = self._association.dimse
        held = 0 if dimse.message is None else dimse.message.data_set.getbuffer().nbytes
        if nr_bytes > self._most_pdu:
            return "PDU longer than agreed"
        if dimse.msg_queue.qsize() > _MOST_WAITING:
            return "requests without waiting for answers"
        if held > self._most_object:
            return "object larger than listen.max_object_mb"
        return None
