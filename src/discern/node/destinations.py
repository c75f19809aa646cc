"""Where the node sends its documents: C-STORE or STOW-RS, one object at a time."""

import os
import ssl
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE

from discern.dicomweb.server import WebServer
from discern.dicomweb.storing import DUPLICATE, out_of_resources, read_object, send
from discern.errors import DeliveryError

CONNECT_S, ANSWER_S = 10.0, 60.0
_STORED = frozenset({0x0000, 0xB000, 0xB006, 0xB007, DUPLICATE})
_RESOURCE_LIMITATION = 0x0213
_REJECTED_TRANSIENT = 2


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a TLS connection.

    Attributes:
        ca: Authorities that the other side's certificate must come from; None for the system's.
        certificate: This side's certificate; None where the other side asks for none.
        key: Its private key.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DimseDestination:
    """A C-STORE service class provider."""

    name: str
    host: str
    port: int
    ae_title: str
    calling_ae_title: str = "DISCERN"
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class WebDestination:
    """A STOW-RS server; the password is read from the environment variable ``password_env``."""

    name: str
    url: str
    user: str | None = None
    password_env: str | None = None
    ca: str | None = None


Destination = DimseDestination | WebDestination


def store(destination: Destination, content: bytes) -> None:
    """Send the bytes of one DICOM Part 10 object; one already held there counts as stored.

    Raises:
        DeliveryError: It was not stored. Temporary where the destination is down, busy or out of
            resources; permanent where it refuses the object or this sender.
    """
    match destination:
        case WebDestination():
            send(server_of(destination), [content])
        case DimseDestination():
            _c_store(destination, content)


def server_of(destination: WebDestination) -> WebServer:
    """Return the server with its credentials.

    Raises:
        DeliveryError: The password is not set; temporary.
    """
    if destination.user is None:
        return WebServer(destination.url, ca=destination.ca)
    password = os.environ.get(destination.password_env or "", "")
    if destination.password_env and not password:
        raise DeliveryError(
            f"{destination.name}: the environment variable {destination.password_env} is not set",
            temporary=True,
        )
    return WebServer(destination.url, destination.user, password, destination.ca)


def _c_store(destination: DimseDestination, content: bytes) -> None:
    dataset = read_object(content)
    association = associate(destination, dataset.SOPClassUID, _syntaxes(dataset))
    try:
        status = association.send_c_store(dataset)
    except (ValueError, RuntimeError) as error:
        raise DeliveryError(
            f"{destination.name}: the object cannot be sent ({error})", temporary=False
        ) from error
    finally:
        if association.is_established:
            association.release()
    _check_status(destination, status)


def associate(destination: DimseDestination, class_uid: UID, syntaxes: list[str]) -> Any:  # noqa: ANN401 - untyped
    """Return an association for objects or questions of one class.

    Raises:
        DeliveryError: There is none; temporary where the destination is down or busy.
    """
    ae = AE(destination.calling_ae_title)
    ae.connection_timeout, ae.acse_timeout = CONNECT_S, CONNECT_S
    ae.dimse_timeout = ae.network_timeout = ANSWER_S
    ae.add_requested_context(class_uid, syntaxes)
    association = ae.associate(
        destination.host,
        destination.port,
        ae_title=destination.ae_title,
        tls_args=_tls(destination),
    )
    if not association.is_established:
        raise _not_associated(destination, association)
    return association


def _syntaxes(dataset: Dataset) -> list[str]:
    own = dataset.file_meta.TransferSyntaxUID
    convertible = own in {ExplicitVRLittleEndian, ImplicitVRLittleEndian}
    return list(dict.fromkeys([own, ImplicitVRLittleEndian])) if convertible else [own]


def _tls(destination: DimseDestination) -> tuple[ssl.SSLContext, str] | None:
    if destination.tls is None:
        return None
    files = destination.tls
    try:
        context = ssl.create_default_context(cafile=files.ca)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key)
    except OSError as error:
        raise DeliveryError(
            f"{destination.name}: the TLS files cannot be used ({error.strerror})", temporary=True
        ) from error
    return context, destination.host


def _not_associated(destination: DimseDestination, association: Any) -> DeliveryError:  # noqa: ANN401
    name, title = destination.name, destination.ae_title
    if association.rejected_contexts:
        return DeliveryError(f"{name}: {title} takes no object of this kind", temporary=False)
    if association.is_rejected:
        answer = association.acceptor.primitive
        return DeliveryError(
            f"{name}: {title} rejected the association of {destination.calling_ae_title}: "
            f"{answer.reason_str}",
            temporary=answer.result == _REJECTED_TRANSIENT,
        )
    return DeliveryError(f"{name}: {title} cannot be reached", temporary=True)


def _check_status(destination: DimseDestination, status: Dataset) -> None:
    if "Status" not in status:
        raise DeliveryError(
            f"{destination.name}: no answer, or the connection broke", temporary=True
        )
    code = int(status.Status)
    if code not in _STORED:
        raise DeliveryError(
            f"{destination.name}: refused the object with status {code:04X}",
            temporary=out_of_resources(code) or code == _RESOURCE_LIMITATION,
        )
