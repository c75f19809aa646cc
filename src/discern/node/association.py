"""The DICOM listener: who may associate, which objects are offered, and the answers."""

import ssl
import threading
from collections.abc import Callable
from socketserver import BaseServer
from typing import Any

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLETransferSyntaxes,
)
from pynetdicom import AE, AllStoragePresentationContexts, evt

from discern.errors import UsageError
from discern.node.bounds import BoundedSocket
from discern.node.commitment import STORAGE_COMMITMENT, Committer
from discern.node.config import ListenConfig
from discern.node.guard import LONGEST_REQUEST, NEGOTIATION_S, GuardedServer
from discern.node.log import note
from discern.node.receiver import Received, Receiver, Status

VERIFICATION = UID("1.2.840.10008.1.1")
SYNTAXES: list[str] = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    *RLETransferSyntaxes,
]


class Listener:
    """A running application entity."""

    def __init__(self, config: ListenConfig, receiver: Receiver, committer: Committer) -> None:
        """Start listening.

        Raises:
            UsageError: The port is taken, or the TLS files cannot be used.
        """
        self._ae = _application_entity(config)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, _bound_by(config)),
            (evt.EVT_C_STORE, _store_with(receiver)),
            (evt.EVT_C_ECHO, _echo),
            (evt.EVT_N_ACTION, _commit_with(committer)),
            (evt.EVT_REJECTED, _note_rejected),
            (evt.EVT_ABORTED, _note_aborted),
        ]
        try:
            self._server: Any = self._ae.make_server(
                (config.host, config.port),
                evt_handlers=handlers,
                ssl_context=_tls(config),
                server_class=GuardedServer,
            )
        except OSError as error:
            raise UsageError(
                f"listen: cannot listen on {config.host}:{config.port} ({error.strerror}); "
                "set another listen.port or stop what uses it"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening; open associations are aborted, their peers send again."""
        BaseServer.shutdown(self._server)
        self._server.server_close()
        self._ae.shutdown()
        self._thread.join()


def _application_entity(config: ListenConfig) -> AE:
    ae = AE(config.ae_title)
    ae.require_called_aet = True
    ae.require_calling_aet = list(config.allowed)
    ae.maximum_associations = config.max_associations
    ae.maximum_pdu_size = config.max_pdu_bytes
    ae.network_timeout = ae.dimse_timeout = config.timeout_s
    ae.acse_timeout = min(config.timeout_s, NEGOTIATION_S)
    ae.add_supported_context(VERIFICATION)
    ae.add_supported_context(STORAGE_COMMITMENT)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), SYNTAXES)
    return ae


def _tls(config: ListenConfig) -> ssl.SSLContext | None:
    if config.tls is None or config.tls.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.tls.ca)
        context.load_cert_chain(config.tls.certificate, config.tls.key)
    except OSError as error:
        raise UsageError(
            f"listen.tls: the PEM files cannot be used ({error.strerror}); check their paths"
        ) from error
    if config.tls.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _bound_by(config: ListenConfig) -> Callable[[Any], None]:
    def bound(event: Any) -> None:  # noqa: ANN401 - pynetdicom is untyped
        dul = event.assoc.dul
        dul.socket = BoundedSocket(
            event.assoc,
            most_pdu=max(config.max_pdu_bytes, LONGEST_REQUEST),
            most_object=config.max_object_mb * 1024**2,
        )

    return bound


def _peer(event: Any) -> str:  # noqa: ANN401 - pynetdicom is untyped
    return str(event.assoc.requestor.ae_title)


def _echo(event: Any) -> int:  # noqa: ANN401
    note("echo", peer=_peer(event))
    return Status.SUCCESS


def _store_with(receiver: Receiver) -> Callable[[Any], int]:
    def store(event: Any) -> int:  # noqa: ANN401
        received = Received(
            peer=_peer(event),
            class_uid=str(event.request.AffectedSOPClassUID),
            sop_uid=str(event.request.AffectedSOPInstanceUID),
            dataset=event.encoded_dataset(include_meta=False),
            file=event.encoded_dataset(),
        )
        return int(receiver.take(received))

    return store


def _commit_with(committer: Committer) -> Callable[[Any], tuple[int, None]]:
    def commit(event: Any) -> tuple[int, None]:  # noqa: ANN401
        return committer.take(_peer(event), event.action_information), None

    return commit


def _note_rejected(event: Any) -> None:  # noqa: ANN401
    note("association_rejected", peer=_peer(event))


def _note_aborted(event: Any) -> None:  # noqa: ANN401
    note("association_aborted", peer=_peer(event))
