"""Other sides for the tests of the node: senders, a storage provider, small studies."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, evt

from discern.node.asking import STUDY_ROOT_FIND
from discern.node.config import (
    DiskConfig,
    HealthConfig,
    ListenConfig,
    NodeConfig,
    RetryConfig,
    StudyConfig,
)
from discern.node.destinations import DimseDestination

STRUCTURED_REPORT = UID("1.2.840.10008.5.1.4.1.1.88.33")
STRUCTURED_REPORT_3D = UID("1.2.840.10008.5.1.4.1.1.88.34")


class Archive:
    """A storage provider that remembers the bytes of every object it was sent.

    ``statuses`` are its first answers, None for none at all: it takes the object and hangs up.
    ``finds`` says whether it can be asked what it holds.
    """

    def __init__(
        self, port: int = 0, statuses: Sequence[int | None] = (), *, finds: bool = True
    ) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self._statuses = list(statuses)
        ae = AE("ARCHIVE")
        ae.add_supported_context(STRUCTURED_REPORT, ExplicitVRLittleEndian)
        ae.add_supported_context(STRUCTURED_REPORT_3D, ExplicitVRLittleEndian)
        if finds:
            ae.add_supported_context(STUDY_ROOT_FIND)
        self._ae = ae
        handlers: list[Any] = [(evt.EVT_C_STORE, self._take), (evt.EVT_C_FIND, self._find)]
        server: Any = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
        self.port: int = server.server_address[1]

    def _take(self, event: Any) -> int:  # noqa: ANN401 - pynetdicom is untyped
        status = self._statuses.pop(0) if self._statuses else 0x0000
        if status:
            return status
        uid = str(event.request.AffectedSOPInstanceUID)
        self.taken.append((uid, event.encoded_dataset()))
        if status is None:
            event.assoc.abort()
        return 0x0000

    def contents(self) -> list[bytes]:
        return [content for _, content in self.taken]

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:  # noqa: ANN401
        wanted = str(event.identifier.SOPInstanceUID)
        if wanted in {uid for uid, _ in self.taken}:
            found = Dataset()
            found.QueryRetrieveLevel, found.SOPInstanceUID = "IMAGE", wanted
            yield 0xFF00, found
        yield 0x0000, None

    def stop(self) -> None:
        self._ae.shutdown()


def config_for(folder: Path, archive_port: int, **parts: Any) -> NodeConfig:  # noqa: ANN401
    defaults: dict[str, Any] = {
        "listen": ListenConfig(port=0, timeout_s=10),
        "study": StudyConfig(quiet_seconds=0.5, timeout_s=100),
        "disk": DiskConfig(folder=folder, least_free_gb=0.01),
        "retry": RetryConfig(first_wait_s=0.2, longest_wait_s=0.5),
        "health": HealthConfig(port=0),
        "destinations": (DimseDestination("pacs", "127.0.0.1", archive_port, "ARCHIVE"),),
    }
    return NodeConfig(**(defaults | parts))


def image(study: int, number: int, *, value: int = 7, class_uid: str = MRImageStorage) -> Dataset:
    """A small image that no analysis could read, with all the UIDs that a node needs."""
    one = Dataset()
    one.SOPClassUID = class_uid
    one.SOPInstanceUID = f"2.25.{study}.1.{number}"
    one.StudyInstanceUID, one.SeriesInstanceUID = f"2.25.{study}", f"2.25.{study}.1"
    one.PatientName, one.PatientID, one.Modality = "Secret^Name", "SECRET-ID", "MR"
    one.Rows = one.Columns = 8
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 15, 0, 1
    one.PhotometricInterpretation = "MONOCHROME2"
    one.PixelData = np.full((8, 8), value, np.uint16).tobytes()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = UID(class_uid)
    one.file_meta.MediaStorageSOPInstanceUID = UID(one.SOPInstanceUID)
    return one


@contextmanager
def association(port: int, *, calling: str = "SCANNER", called: str = "DISCERN") -> Iterator[Any]:
    ae = AE(calling)
    for class_uid in (
        "1.2.840.10008.1.1",
        MRImageStorage,
        "1.2.840.10008.5.1.4.1.1.4.1",
        "1.2.840.10008.5.1.4.1.1.2",
        STRUCTURED_REPORT,
    ):
        ae.add_requested_context(class_uid, ExplicitVRLittleEndian)
    ae.add_requested_context("1.2.840.10008.1.20.1")
    one = ae.associate("127.0.0.1", port, ae_title=called)
    try:
        yield one
    finally:
        if one.is_established:
            one.release()


def send(port: int, *images: Dataset) -> list[int]:
    with association(port) as one:
        assert one.is_established
        return [int(one.send_c_store(image_).Status) for image_ in images]


def wait_until(true: Callable[[], object], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def read(content: bytes) -> Dataset:
    return dcmread(BytesIO(content))
