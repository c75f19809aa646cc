"""QIDO-RS to find a study and WADO-RS to read its MR images (PS3.18 sections 10.4 and 10.6)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

from pydicom import Dataset, dcmwrite
from pydicom.errors import InvalidDicomError

from discern.dicomweb.server import TooLarge, WebServer, connect
from discern.dicomweb.source import CA, PASSWORD, USER, WebSource
from discern.errors import InputError, NoImages, OutputError

if TYPE_CHECKING:
    from dicomweb_client.web import DICOMwebClient

MOST_INSTANCES, MOST_BYTES = 20_000, 8 << 30
_AS_STORED = (("application/dicom", "*"),)
_MODALITY, _STUDY_DATE = "00080060", "00080020"
_STUDY_UID, _SERIES_UID = "0020000D", "0020000E"
_LISTED = 10
_REFUSED, _MISSING = (401, 403), 404


def retrieve(source: WebSource, folder: Path) -> int:
    """Write the MR instances of the study into ``folder``, as stored; return how many.

    Files are named by the SHA-256 of their SOPInstanceUID: nothing a server says becomes a path.

    Raises:
        InputError: The server cannot be reached, refuses, speaks no DICOMweb, or does not hold
            exactly one such study.
        NoImages: The study has no MR series.
        OutputError: The disk is full.
        UsageError: dicomweb-client is not installed.
    """
    client = connect(source.server)
    with _asking(source.server), catch_warnings():
        filterwarnings("ignore", module="dicomweb_client")  # of small breaches of the standard
        study_uid = source.study_uid or _find_study(client, source)
        count = size = 0
        for series_uid in _mr_series(client, source.server, study_uid):
            for dataset in client.iter_series(study_uid, series_uid, media_types=_AS_STORED):
                size += _write(dataset, folder)
                count += 1
                if count > MOST_INSTANCES or size > MOST_BYTES:
                    raise TooLarge
    return count


def _find_study(client: "DICOMwebClient", source: WebSource) -> str:
    found = client.search_for_studies(search_filters=dict(source.query), limit=_LISTED + 1)
    if len(found) == 1:
        return _required(found[0], _STUDY_UID)
    host = source.server.host
    keys = ", ".join(key for key, _ in source.query)
    if not found:
        raise InputError(f"{host}: no study matches the query by {keys}")
    listed = "".join(
        f"\n  {_value(one, _STUDY_DATE) or 'no date'}  /studies/{_value(one, _STUDY_UID)}"
        for one in found[:_LISTED]
    )
    more = "\n  ..." if len(found) > _LISTED else ""
    raise InputError(f"{host}: {keys} match several studies; name one by its UID:{listed}{more}")


def _mr_series(client: "DICOMwebClient", server: WebServer, study_uid: str) -> Sequence[str]:
    series = client.search_for_series(study_uid)
    if not series:
        raise InputError(f"{server.host}: holds no study {study_uid}")
    uids = [_required(one, _SERIES_UID) for one in series if _required(one, _MODALITY) == "MR"]
    if not uids:
        raise NoImages(f"{server.host}: study {study_uid} has no MR series")
    return uids


def _value(answer: Mapping[str, Mapping[str, Sequence[object]]], tag: str) -> str | None:
    """Return the first value of an element in the DICOM JSON model."""
    values = answer.get(tag, {}).get("Value", ())
    return str(values[0]) if values else None


def _required(answer: Mapping[str, Mapping[str, Sequence[object]]], tag: str) -> str:
    value = _value(answer, tag)
    if value is None:
        raise ValueError(tag)
    return value


def _write(dataset: Dataset, folder: Path) -> int:
    name = hashlib.sha256(str(dataset.SOPInstanceUID).encode()).hexdigest()[:32]
    path = folder / f"{name}.dcm"
    dcmwrite(path, dataset)
    return path.stat().st_size


@contextmanager
def _asking(server: WebServer) -> Iterator[None]:
    """Turn what goes wrong on the way into messages that name the server and the remedy."""
    from requests import HTTPError, RequestException  # noqa: PLC0415 - an optional extra
    from requests.exceptions import InvalidJSONError  # noqa: PLC0415 - an optional extra

    try:
        yield
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise InputError(f"{server.host}: {_refusal(status)}") from error
    except TooLarge as error:
        raise InputError(f"{server.host}: sends more than any lumbar study holds") from error
    except (InvalidJSONError, InvalidDicomError, ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{server.host}: does not answer like DICOMweb; the address ends with the root of the "
            "service, often /dicom-web"
        ) from error
    except RequestException as error:
        raise InputError(f"{server.host}: {_unreachable(error)}") from error
    except OSError as error:
        raise OutputError(
            f"{server.host}: the study cannot be kept on disk ({error.strerror})"
        ) from error


def _refusal(status: int) -> str:
    if status in _REFUSED:
        return f"refuses access (HTTP status {status}); set {USER} and {PASSWORD}"
    if status == _MISSING:
        return "has nothing there (HTTP status 404); check the root and the study of the address"
    return f"cannot answer (HTTP status {status}); look into the log of the server"


def _unreachable(error: Exception) -> str:
    from requests.exceptions import SSLError, Timeout, TooManyRedirects  # noqa: PLC0415

    match error:
        case SSLError():
            return (
                f"no trusted TLS connection; name the authority's PEM file in {CA}, or write "
                "dicomweb+http:// for a server without TLS"
            )
        case Timeout():
            return "does not answer in time; try again"
        case TooManyRedirects():
            return "answers with another address; name that one"
        case _:
            return "cannot be reached; check host and port, and that the server runs"
