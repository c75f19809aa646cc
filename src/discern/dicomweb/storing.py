"""STOW-RS: DICOM objects to a DICOMweb server (PS3.18 section 10.5)."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from discern.dicomweb.server import TooLarge, WebServer, connect
from discern.errors import DeliveryError

DUPLICATE = 0x0111
_SOP_UID = "00080018"
_CONFLICT = 409
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_ONE_REQUEST_BYTES = 1 << 30


def send(server: WebServer, contents: Sequence[bytes]) -> None:
    """Store DICOM Part 10 objects; one that the server already holds counts as stored.

    UIDs of Discern's documents derive from their content: the same UID is the same object.

    Raises:
        DeliveryError: Not stored; temporary when the server is down, busy or failing (5xx).
        UsageError: dicomweb-client is not installed, or the CA file cannot be read.
    """
    datasets = [read_object(content) for content in contents]
    client = connect(server, chunk_bytes=_ONE_REQUEST_BYTES)
    from requests import HTTPError, RequestException  # noqa: PLC0415 - an optional extra

    try:
        answer = client.store_instances(datasets)
    except HTTPError as error:
        answer = _refusal(server, error.response)
    except (ValueError, TooLarge) as error:
        raise DeliveryError(
            f"{server.host}: does not answer like STOW-RS; is the URL its DICOMweb root?",
            temporary=False,
        ) from error
    except RequestException as error:
        raise _unreachable(server, error) from error
    _check_failures(server, answer)


def has_object(server: WebServer, dataset: Dataset) -> bool:
    """Say whether QIDO-RS finds an object; False where the server does not answer like QIDO-RS.

    Raises:
        DeliveryError: The server cannot be reached; temporary.
        UsageError: dicomweb-client is not installed, or the CA file cannot be read.
    """
    client = connect(server)
    from requests import HTTPError, RequestException  # noqa: PLC0415 - an optional extra

    uids = dataset.StudyInstanceUID, dataset.SeriesInstanceUID
    wanted = {"SOPInstanceUID": dataset.SOPInstanceUID}
    try:
        found = client.search_for_instances(*uids, search_filters=wanted)
    except (HTTPError, ValueError, TypeError, TooLarge):
        return False
    except RequestException as error:
        raise _unreachable(server, error) from error
    held = [uid for one in found for uid in one.get(_SOP_UID, {}).get("Value", ())]
    return dataset.SOPInstanceUID in held


def _unreachable(server: WebServer, error: Exception) -> DeliveryError:
    reason = type(error).__name__
    return DeliveryError(f"{server.host}: cannot be reached ({reason})", temporary=True)


def read_object(content: bytes) -> Dataset:
    """Return the data set of a DICOM Part 10 object.

    Raises:
        DeliveryError: The bytes are none; permanent.
    """
    try:
        return dcmread(BytesIO(content))
    except InvalidDicomError as error:
        raise DeliveryError("the document is no DICOM object", temporary=False) from error


def _refusal(server: WebServer, response: Any) -> Dataset:  # noqa: ANN401 - requests
    """Return what a conflict says of each object; anything else is an error."""
    code = response.status_code
    if code == _CONFLICT:
        try:
            return Dataset.from_json(response.json())
        except (ValueError, TypeError, KeyError):
            pass
    raise DeliveryError(
        f"{server.host}: refused the objects with HTTP status {code}",
        temporary=code >= 500 or code in _WORTH_ANOTHER_TRY,  # noqa: PLR2004 - server errors
    )


def _check_failures(server: WebServer, answer: Dataset) -> None:
    failed = answer.get("FailedSOPSequence") or []
    reasons = {int(one.get("FailureReason") or 0) for one in failed} - {DUPLICATE}
    if reasons:
        words = ", ".join(f"{reason:04X}" for reason in sorted(reasons))
        raise DeliveryError(
            f"{server.host}: did not store {len(failed)} objects, failure reason {words}",
            temporary=all(out_of_resources(reason) for reason in reasons),
        )


def out_of_resources(status: int) -> bool:
    """Whether a storage status is "refused: out of resources" (PS3.4 table B.2-1)."""
    return status & 0xFF00 == 0xA700  # noqa: PLR2004 - A7xx
