"""The door before the associations: who asks for none, or not yet, holds none of their places.

A connection becomes an association, and counts as one, only once its whole A-ASSOCIATE-RQ has
arrived (PS3.8 9.3.2) or, with TLS, once the handshake is done. Until then it waits here, with few
others, for a short time. What does not begin like a request is closed at once.
"""

import logging
import select
import socket
import threading
import time
from socketserver import TCPServer
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

from discern.node.log import note

NEGOTIATION_S = 5.0
"""How long a peer may take from the connection to its whole request."""
_WAITING = 64
_REQUEST_TYPE = 0x01
_HEADER_BYTES = 6  # type, reserved, four bytes of length
_LEAST_BYTES, _PEEKED_BYTES = 68, 1 << 16
LONGEST_REQUEST = 1 << 20
_LOOK_S = 0.01


class GuardedServer(ThreadedAssociationServer):
    """pynetdicom's server with the door before it; each connection waits in a thread of its own."""

    daemon_threads, block_on_close = True, False
    request_queue_size = 128

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed through
        """Take what pynetdicom gives a server."""
        self._waiting = threading.Semaphore(_WAITING)
        super().__init__(*arguments, **options)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake comes later, where it keeps nobody waiting."""
        return TCPServer.get_request(self)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Make an association of the connection, or close it."""
        if not self._waiting.acquire(blocking=False):
            note("connection_refused", level=logging.WARNING, reason="too many half-open")
            self.shutdown_request(request)
            return
        try:
            admitted = self._admitted(request)
        finally:
            self._waiting.release()
        if admitted is None:
            self.shutdown_request(request)
        else:
            super().finish_request(admitted, client_address)

    def _admitted(self, request: socket.socket) -> socket.socket | None:
        end = time.monotonic() + NEGOTIATION_S
        request.settimeout(NEGOTIATION_S)
        try:
            if self.ssl_context is not None:
                request = self.ssl_context.wrap_socket(
                    request, server_side=True, do_handshake_on_connect=False
                )
                request.do_handshake()
            elif not _whole_request(request, end):
                note("connection_dropped", reason="no association request")
                return None
        except OSError as error:
            note("connection_dropped", level=logging.WARNING, reason=_reason(error))
            request.close()
            return None
        request.settimeout(None)
        return request


def _whole_request(request: socket.socket, end: float) -> bool:
    """Wait until a whole A-ASSOCIATE-RQ can be read; leave it unread.

    Raises:
        OSError: Nothing came in time, or the connection broke.
    """
    closed = select.poll()
    closed.register(request, getattr(select, "POLLRDHUP", 0))
    while time.monotonic() < end:
        seen = request.recv(_PEEKED_BYTES, socket.MSG_PEEK)
        answer = is_request(seen)
        if answer is not None:
            return answer
        if not seen or closed.poll(0):
            return False
        time.sleep(_LOOK_S)
    return False


def is_request(seen: bytes) -> bool | None:
    """Say whether bytes are a whole A-ASSOCIATE-RQ; None where more must be seen to tell.

    Of a request longer than what can be seen unread, that much is enough.

    >>> is_request(b"GET / HTTP/1.1"), is_request(b""), is_request(bytes((1, 0, 0, 0, 0, 68)))
    (False, None, None)
    """
    if seen[:1] not in (b"", bytes((_REQUEST_TYPE,))):
        return False
    if len(seen) < _HEADER_BYTES:
        return None
    length = int.from_bytes(seen[2:_HEADER_BYTES], "big")
    if not _LEAST_BYTES <= length <= LONGEST_REQUEST:
        return False
    return True if len(seen) >= min(_HEADER_BYTES + length, _PEEKED_BYTES // 2) else None


def _reason(error: OSError) -> str:
    """Return what broke a connection, without any of its bytes."""
    return str(getattr(error, "reason", None) or type(error).__name__)
