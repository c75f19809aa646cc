"""One DICOMweb server: where it is, who asks, and how far its answers are trusted.

The environment is not consulted: no proxy, no ``.netrc``, no redirect takes images or credentials
anywhere but to the server that was named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from discern.errors import InputError, UsageError

if TYPE_CHECKING:
    from dicomweb_client.web import DICOMwebClient

CONNECT_S, ANSWER_S = 10.0, 120.0
LARGEST_ANSWER_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class WebServer:
    """A DICOMweb service.

    Attributes:
        url: Root of QIDO-RS, WADO-RS and STOW-RS: ``https://pacs.example/dicom-web``.
        user: For HTTP basic authentication; None without.
        password: Of the user.
        ca: PEM file with the certificate authorities to trust; None for the public ones.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    @property
    def host(self) -> str:
        """Host and port, for messages: never the credentials."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def connect(server: WebServer, *, chunk_bytes: int = 1 << 20) -> "DICOMwebClient":
    """Return a client of ``server`` that tries once, times out and bounds what it reads.

    Raises:
        UsageError: dicomweb-client is not installed, or the CA file cannot be read.
        InputError: The URL is malformed.
    """
    if server.ca is not None and not Path(server.ca).is_file():
        raise UsageError(f"{server.host}: there is no CA file {server.ca}")
    try:
        from dicomweb_client.web import DICOMwebClient  # noqa: PLC0415 - an optional extra
        from requests import Session  # noqa: PLC0415 - an optional extra
        from requests.auth import HTTPBasicAuth  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UsageError(
            "DICOMweb needs the dicomweb-client package: pip install 'discern-lumbar[dicomweb]'"
        ) from error
    session = Session()
    session.trust_env = False
    session.max_redirects = 0
    session.verify = server.ca or True
    if server.user is not None:
        session.auth = HTTPBasicAuth(server.user.encode(), (server.password or "").encode())
    try:
        client = DICOMwebClient(
            server.url,
            session=session,
            headers={"Accept": "application/dicom+json"},
            callback=_bound,
            chunk_size=chunk_bytes,
            timeout=(CONNECT_S, ANSWER_S),
        )
    except ValueError as error:
        raise InputError(f"{server.host}: not the address of a DICOMweb server") from error
    client.set_http_retry_params(retry=False)
    return client


class TooLarge(Exception):
    """An answer is longer than any study."""


def _bound(response: Any, *_args: object, **_options: object) -> Any:  # noqa: ANN401 - untyped
    response.raw = _Bounded(response.raw)
    return response


class _Bounded:
    """The body of an answer, cut off with ``TooLarge`` where it grows past the limit."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401 - urllib3's response
        self._raw = raw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the rest of the response
        return getattr(self._raw, name)

    def stream(self, amount: int, *, decode_content: bool) -> Iterator[bytes]:
        read = 0
        for chunk in self._raw.stream(amount, decode_content=decode_content):
            read += len(chunk)
            if read > LARGEST_ANSWER_BYTES:
                raise TooLarge
            yield chunk
