"""Identity of a document: UIDs from what it says, and the one time at which it was first written.

A UID is the SHA-256 of the findings, the kind, the options and the version of the writer, as a
UUID under 2.25 (PS3.5 B.2): the same document made again is the same object, never a second one.
The time cannot come from the findings, which hold none; it is stored once beside the documents,
in ``documents.json``, and read back when they are written again.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from discern.findings import StudyFindings
from discern.reporting.kinds import Document, DocumentKind

WRITER_VERSION = "1"
"""Goes up with every change to the bytes of any document, so that its UIDs change, too."""
MANIFEST = "documents.json"
SCHEMA = "discern.documents/1"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes the documents of one study theirs.

    Attributes:
        findings_sha256: Of the text of findings.json.
        content_time: When the documents were first written, UTC, whole seconds.
    """

    findings_sha256: str
    content_time: datetime

    def uid(self, kind: DocumentKind, part: str = "", options: str = "") -> str:
        """Return the UID of one part of a document: "series", "instance 3", ...

        >>> stamp = Stamp("00", datetime(2026, 1, 1, tzinfo=UTC))
        >>> stamp.uid(DocumentKind.SR).startswith("2.25."), len(stamp.uid(DocumentKind.SR)) <= 64
        (True, True)
        """
        text = json.dumps([self.findings_sha256, kind, part, options, WRITER_VERSION])
        return _uid_of(hashlib.sha256(text.encode()).digest())

    def tracking_uid(self, name: str) -> str:
        """Return the UID by which a report and a segmentation mean the same thing."""
        return self.uid(DocumentKind.SR, f"tracking {name}")


def _uid_of(digest: bytes) -> str:
    """Return 2.25.UUID, the UUID of version 8 (RFC 9562 5.8: bits of one's own making)."""
    bits = bytearray(digest[:16])
    bits[6] = 0x80 | bits[6] & 0x0F
    bits[8] = 0x80 | bits[8] & 0x3F
    return f"2.25.{uuid.UUID(bytes=bytes(bits)).int}"


def findings_digest(findings: StudyFindings) -> str:
    """Return the SHA-256 of the findings as they are written."""
    return hashlib.sha256(findings.to_json().encode()).hexdigest()


def stamp_for(findings: StudyFindings, folder: Path) -> Stamp:
    """Return the stamp of documents in ``folder``: its stored time where the findings are the same.

    A manifest that is damaged or of other findings is as good as none.
    """
    digest = findings_digest(findings)
    stored = _stored(folder / MANIFEST)
    if stored.get("findings_sha256") == digest:
        try:
            return Stamp(digest, datetime.fromisoformat(str(stored["content_time"])))
        except (KeyError, ValueError):
            pass
    return Stamp(digest, datetime.now(UTC).replace(microsecond=0))


def _stored(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def manifest_json(stamp: Stamp, documents: list[Document]) -> str:
    """Return ``documents.json``: what was written, and the time that is stored once."""
    listed = [
        {
            "kind": one.kind,
            "file": one.name,
            "media_type": one.media_type,
            "sop_class_uid": one.sop_class_uid,
            "sop_instance_uid": one.sop_instance_uid,
            "sha256": hashlib.sha256(one.content).hexdigest(),
        }
        for one in documents
    ]
    document = {
        "schema": SCHEMA,
        "findings_sha256": stamp.findings_sha256,
        "content_time": stamp.content_time.isoformat(),
        "documents": listed,
    }
    return json.dumps(document, indent=1) + "\n"
