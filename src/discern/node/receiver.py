"""What happens to one received object: checked, written to disk, recorded, only then confirmed."""

import logging
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from discern.node.config import DiskConfig, OtherObjects
from discern.node.log import note
from discern.node.spool import Spool, digest
from discern.node.state import Instance, Kept, State

IMAGES = frozenset({MRImageStorage, EnhancedMRImageStorage})
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_UID_LENGTH = 64


class Status(IntEnum):
    """Answers to C-STORE (PS3.4 B.2.3, PS3.7 annex C)."""

    SUCCESS = 0x0000
    DUPLICATE = 0x0111
    CLASS_NOT_SUPPORTED = 0x0122
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000


@dataclass(frozen=True, slots=True)
class Received:
    """One C-STORE request: what it claims, its data set, and the same as a Part 10 file."""

    peer: str
    class_uid: str
    sop_uid: str
    dataset: bytes
    file: bytes


def is_uid(text: str) -> bool:
    """Say whether ``text`` is a UID (PS3.5 9.1).

    >>> [is_uid(text) for text in ("1.2.840", "1.2.", "../../etc/passwd", "1.02", "")]
    [True, False, False, False, False]
    """
    return len(text) <= _UID_LENGTH and _UID.fullmatch(text) is not None


class Receiver:
    """Takes MR images into spool and state."""

    def __init__(
        self,
        state: State,
        spool: Spool,
        disk: DiskConfig,
        *,
        others: OtherObjects,
        arrived: Callable[[str], None],
    ) -> None:
        """``arrived`` is told the study of every object that came, new or again."""
        self._state, self._spool, self._disk = state, spool, disk
        self._others, self._arrived = others, arrived

    def take(self, received: Received) -> Status:
        """Return the answer to one C-STORE request; success means that it is on disk."""
        if not (is_uid(received.sop_uid) and is_uid(received.class_uid)):
            return _refused(received, Status.DOES_NOT_MATCH, "malformed UID")
        if received.class_uid not in IMAGES:
            return self._take_other(received)
        study_uid = _study_of(received)
        if study_uid is None:
            return _refused(received, Status.CANNOT_UNDERSTAND, "header cannot be read")
        if not study_uid:
            return _refused(received, Status.DOES_NOT_MATCH, "UIDs missing or contradictory")
        return self._keep(received, study_uid)

    def is_full(self, size: int = 0) -> bool:
        """Say whether the limits of the disk leave no room for ``size`` bytes."""
        kept_gb = (self._state.kept_bytes() + size) / 1024**3
        return kept_gb > self._disk.most_gb or self._spool.free_gb() < self._disk.least_free_gb

    def _take_other(self, received: Received) -> Status:
        if self._state.is_own(received.sop_uid):
            note("own_result_ignored", peer=received.peer, sop=received.sop_uid)
            return Status.SUCCESS
        if self._others is OtherObjects.IGNORE:
            note("other_object_ignored", peer=received.peer, sop_class=received.class_uid)
            return Status.SUCCESS
        return _refused(received, Status.CLASS_NOT_SUPPORTED, "no MR image")

    def _keep(self, received: Received, study_uid: str) -> Status:
        try:
            if self.is_full(len(received.file)):
                return _refused(received, Status.OUT_OF_RESOURCES, "disk limit reached")
            instance = self._spooled(received, study_uid)
            kept = self._state.keep(instance)
            if kept is not Kept.NEW and not self._state.refers_to(instance.file):
                self._spool.remove([instance.file])
        except (OSError, sqlite3.Error) as error:
            return _refused(received, Status.OUT_OF_RESOURCES, type(error).__name__)
        if kept is Kept.DIFFERENT:
            return _refused(received, Status.DUPLICATE, "other bytes under a known SOP instance")
        self._arrived(study_uid)
        note("stored", peer=received.peer, study=study_uid, sop=received.sop_uid, kept=kept)
        return Status.SUCCESS

    def _spooled(self, received: Received, study_uid: str) -> Instance:
        return Instance(
            sop_uid=received.sop_uid,
            study_uid=study_uid,
            class_uid=received.class_uid,
            sha256=digest(received.dataset),
            file=self._spool.write(received.sop_uid, received.file),
            size=len(received.file),
        )


def _study_of(received: Received) -> str | None:
    """Return the study UID, "" where the UIDs do not fit together, None where unreadable."""
    try:
        header = dcmread(BytesIO(received.file), stop_before_pixels=True)
        named = [_text(header, name) for name in ("SOPInstanceUID", "SOPClassUID")]
        study_uid, series_uid = (
            _text(header, name) for name in ("StudyInstanceUID", "SeriesInstanceUID")
        )
    except Exception:  # noqa: BLE001 - untrusted bytes raise anything; the peer is told
        return None
    fits = named == [received.sop_uid, received.class_uid]
    return study_uid if fits and is_uid(study_uid) and is_uid(series_uid) else ""


def _text(header: Dataset, name: str) -> str:
    return str(header.get(name, ""))


def _refused(received: Received, status: Status, reason: str) -> Status:
    note(
        "refused",
        level=logging.WARNING,
        peer=received.peer,
        status=f"{status:04X}",
        reason=reason,
        sop=received.sop_uid if is_uid(received.sop_uid) else None,
    )
    return status
