"""``dicomweb://host:port/root/studies/UID`` on the command line: which server, which study."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, urlsplit

from discern.dicomweb.server import WebServer
from discern.errors import UsageError

SCHEMES = ("dicomweb", "dicomweb+http")
USER, PASSWORD, CA = "DISCERN_DICOMWEB_USER", "DISCERN_DICOMWEB_PASSWORD", "DISCERN_DICOMWEB_CA"
QUERY_KEYS = ("PatientID", "StudyDate", "AccessionNumber", "StudyID", "StudyInstanceUID")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64


@dataclass(frozen=True, slots=True)
class WebSource:
    """A study on a DICOMweb server.

    Attributes:
        server: Where it is.
        study_uid: StudyInstanceUID; None where QIDO-RS has to find it by ``query``.
        query: Attribute keywords and values that match exactly one study.
    """

    server: WebServer
    study_uid: str | None = None
    query: tuple[tuple[str, str], ...] = ()


def is_web_source(text: str) -> bool:
    """Return whether an input is an address of DICOMweb and no file.

    >>> is_web_source("dicomweb://pacs.example/dicom-web"), is_web_source("studies/one")
    (True, False)
    """
    return text.partition("://")[0].lower() in SCHEMES and "://" in text


def parse_source(text: str, environment: Mapping[str, str]) -> WebSource:
    """Return what an address names; ``dicomweb`` is HTTPS, but plain HTTP on this machine.

    ``dicomweb+http`` is plain HTTP everywhere. User, password and CA file come from
    ``DISCERN_DICOMWEB_USER``, ``DISCERN_DICOMWEB_PASSWORD`` and ``DISCERN_DICOMWEB_CA`` of
    ``environment``, so that none of them appears in a process list.

    >>> source = parse_source("dicomweb://pacs.example:8443/dicom-web/studies/1.2.3", {})
    >>> source.server.url, source.study_uid
    ('https://pacs.example:8443/dicom-web', '1.2.3')
    >>> found = parse_source("dicomweb://localhost:8042/dicom-web?PatientID=P1", {})
    >>> found.server.url, found.query
    ('http://localhost:8042/dicom-web', (('PatientID', 'P1'),))

    Raises:
        UsageError: It has no host, a password, no study and no query, or an unknown query key.
    """
    parts = _split(text)
    root, marker, uid = parts.path.rstrip("/").partition("/studies")
    uid = uid.strip("/")
    if uid and (not _UID.fullmatch(uid) or len(uid) > _LONGEST_UID):
        raise UsageError("what follows /studies/ in the address is not a StudyInstanceUID")
    query = _query(parts.query)
    if bool(uid) == bool(query):
        raise UsageError(
            f"{parts.netloc}{root}{marker}: name one study, either by /studies/UID or by a query "
            "such as ?PatientID=...&StudyDate=20240131"
        )
    url = f"{_protocol(parts)}://{parts.netloc}{root}"
    server = WebServer(
        url, environment.get(USER) or None, environment.get(PASSWORD), environment.get(CA) or None
    )
    return WebSource(server, uid or None, query)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or parts.scheme not in SCHEMES:
        raise UsageError("not an address like dicomweb://host:port/dicom-web/studies/UID")
    if "@" in parts.netloc:
        raise UsageError(f"no user or password in the address: set {USER} and {PASSWORD} instead")
    return parts


def _query(text: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple(parse_qsl(text, keep_blank_values=True))
    unknown = sorted({key for key, value in pairs if key not in QUERY_KEYS or not value})
    if unknown:
        raise UsageError(
            f"?{'&'.join(unknown)}: a study is found by values of {', '.join(QUERY_KEYS)}"
        )
    return pairs


def _protocol(parts: SplitResult) -> str:
    plain = parts.scheme == "dicomweb+http" or _is_this_machine(parts.hostname or "")
    return "http" if plain else "https"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
