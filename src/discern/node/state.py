"""What must survive a power cut: studies, instances, results and deliveries, in one SQLite file.

A study goes ``receiving`` -> ``analyzing`` -> ``done`` or ``failed``; a late instance takes it
back to ``receiving`` as the next revision. A delivery goes ``pending`` -> ``done`` or ``failed``.
Every change is one transaction, on disk (``synchronous=FULL``) before the call returns.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from discern.errors import OutputError

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE studies (
  study_uid TEXT PRIMARY KEY, state TEXT NOT NULL, revision INTEGER NOT NULL,
  starts INTEGER NOT NULL DEFAULT 0, content_time TEXT, ended_at TEXT, reason TEXT) STRICT;
CREATE TABLE instances (
  sop_uid TEXT PRIMARY KEY, study_uid TEXT NOT NULL REFERENCES studies, class_uid TEXT NOT NULL,
  sha256 TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX instances_of ON instances (study_uid);
CREATE TABLE results (
  id INTEGER PRIMARY KEY, study_uid TEXT NOT NULL REFERENCES studies, revision INTEGER NOT NULL,
  kind TEXT NOT NULL, class_uid TEXT NOT NULL, sop_uid TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY, result_id INTEGER NOT NULL REFERENCES results,
  destination TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  waited_s REAL NOT NULL DEFAULT 0, reason TEXT, UNIQUE (result_id, destination)) STRICT;
CREATE INDEX deliveries_by ON deliveries (destination, state);
CREATE TABLE commitments (
  id INTEGER PRIMARY KEY, transaction_uid TEXT NOT NULL, peer TEXT NOT NULL,
  requested TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) STRICT;
"""


class Kept(StrEnum):
    """What became of an instance."""

    NEW = "new"
    SAME = "same"
    DIFFERENT = "different"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Instance:
    """One received object: its UIDs, the SHA-256 of its data set, its spool file and size."""

    sop_uid: str
    study_uid: str
    class_uid: str
    sha256: str
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """One document made of a study, as it is sent, today and after every restart."""

    kind: str
    class_uid: str
    sop_uid: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One analysis: ``starts`` counts it, too; ``content_time`` is the same after a restart."""

    study_uid: str
    revision: int
    starts: int
    content_time: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document for one destination; ``waited_s`` adds up the waits between its attempts."""

    id: int
    sop_uid: str
    study_uid: str
    attempts: int
    waited_s: float
    content: bytes


class State:
    """The SQLite file; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            OutputError: The file is of another version of Discern, damaged or not writable.
        """
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._open(path)
        except sqlite3.DatabaseError as error:
            raise OutputError(
                f"{path.name}: the node's state cannot be used ({error}); restore it from a "
                "backup, or move disk.folder away to start anew"
            ) from error

    def _open(self, path: Path) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        with self.transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version not in {0, SCHEMA_VERSION}:
                raise OutputError(
                    f"{path.name}: written by another version of Discern; use that one to empty "
                    "it, or name another disk.folder"
                )
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one transaction: all of it is on disk afterwards, or none."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def keep(self, instance: Instance) -> Kept:
        """Record an instance whose bytes are on disk; the first of two that differ stays."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT study_uid, sha256 FROM instances WHERE sop_uid = ?", (instance.sop_uid,)
            ).fetchone()
            if row is not None:
                same = row == (instance.study_uid, instance.sha256)
                return Kept.SAME if same else Kept.DIFFERENT
            db.execute(
                "INSERT INTO studies (study_uid, state, revision) VALUES (?, 'receiving', 1) "
                "ON CONFLICT DO UPDATE SET revision = revision + 1, state = 'receiving', "
                "starts = 0, content_time = NULL, reason = NULL WHERE state != 'receiving'",
                (instance.study_uid,),
            )
            db.execute(
                "INSERT INTO instances (sop_uid, study_uid, class_uid, sha256, file, size) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    instance.sop_uid,
                    instance.study_uid,
                    instance.class_uid,
                    instance.sha256,
                    instance.file,
                    instance.size,
                ),
            )
            return Kept.NEW

    def receiving(self) -> list[str]:
        """Return the studies that wait: those whose analysis a crash has cut short come last."""
        return self._column(
            "SELECT study_uid FROM studies WHERE state = 'receiving' ORDER BY starts, rowid"
        )

    def put_back(self, job: Job) -> None:
        """Undo ``begin`` where the node stops in good order."""
        with self.transaction() as db:
            db.execute(
                "UPDATE studies SET state = 'receiving', starts = starts - 1 "
                "WHERE study_uid = ? AND revision = ? AND state = 'analyzing'",
                (job.study_uid, job.revision),
            )

    def resume(self) -> None:
        """Take up again what was being analyzed when the node ended."""
        with self.transaction() as db:
            db.execute("UPDATE studies SET state = 'receiving' WHERE state = 'analyzing'")

    def resume_deliveries(self) -> int:
        """Try again what was given up and is still kept; return how many."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE deliveries SET state = 'pending', waited_s = 0 WHERE state = 'failed' "
                "AND (SELECT length(content) FROM results WHERE id = result_id) > 0"
            )
        return changed.rowcount

    def begin(self, study_uid: str, now: str) -> Job:
        """Take a study into analysis; its content time is set the first time only."""
        with self.transaction() as db:
            revision, starts, content_time = db.execute(
                "UPDATE studies SET state = 'analyzing', starts = starts + 1, "
                "content_time = coalesce(content_time, ?) WHERE study_uid = ? "
                "RETURNING revision, starts, content_time",
                (now, study_uid),
            ).fetchone()
            files = self._column(
                "SELECT file FROM instances WHERE study_uid = ? ORDER BY sop_uid", study_uid
            )
        return Job(study_uid, revision, starts, content_time, tuple(files))

    def finish(
        self, job: Job, now: str, results: Sequence[Result], destinations: Sequence[str]
    ) -> bool:
        """Keep the documents with their deliveries; False where a late instance overtook them.

        A document that is there already, under its UID, stays as it is.
        """
        with self.transaction() as db:
            if not self._end(job, "done", now, None):
                return False
            for one in results:
                row = db.execute(
                    "INSERT INTO results (study_uid, revision, kind, class_uid, sop_uid, sha256, "
                    "content) VALUES (?, ?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (sop_uid) DO NOTHING RETURNING id",
                    (
                        job.study_uid,
                        job.revision,
                        one.kind,
                        one.class_uid,
                        one.sop_uid,
                        one.sha256,
                        one.content,
                    ),
                ).fetchone()
                for name in destinations if row else ():
                    db.execute(
                        "INSERT INTO deliveries (result_id, destination, state) "
                        "VALUES (?, ?, 'pending')",
                        (row[0], name),
                    )
            return True

    def fail(self, job: Job, now: str, reason: str) -> bool:
        """Record why a study has no documents; False where a late instance overtook it."""
        with self.transaction():
            return self._end(job, "failed", now, reason)

    def _end(self, job: Job, state: str, now: str, reason: str | None) -> bool:
        changed = self._db.execute(
            "UPDATE studies SET state = ?, ended_at = ?, reason = ? "
            "WHERE study_uid = ? AND revision = ? AND state = 'analyzing'",
            (state, now, reason, job.study_uid, job.revision),
        )
        return changed.rowcount == 1

    def pending(self, destination: str) -> list[int]:
        """Return the deliveries that a destination still waits for, oldest first."""
        return self._column(
            "SELECT id FROM deliveries WHERE destination = ? AND state = 'pending' ORDER BY id",
            destination,
        )

    def delivery(self, delivery_id: int) -> Delivery:
        """Return one delivery with the bytes it sends."""
        with self._lock:
            row = self._db.execute(
                "SELECT d.id, r.sop_uid, r.study_uid, d.attempts, d.waited_s, r.content "
                "FROM deliveries d JOIN results r ON r.id = d.result_id WHERE d.id = ?",
                (delivery_id,),
            ).fetchone()
        return Delivery(*row)

    def begin_attempt(self, delivery: Delivery) -> None:
        """Count an attempt before it is made: a crash in its middle is known afterwards."""
        with self.transaction() as db:
            db.execute("UPDATE deliveries SET attempts = attempts + 1 WHERE id = ?", (delivery.id,))

    def attempted(
        self, delivery: Delivery, state: DeliveryState, *, wait_s: float = 0, reason: str = ""
    ) -> None:
        """Record the outcome of one attempt and the wait before the next."""
        with self.transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, waited_s = waited_s + ?, reason = ? WHERE id = ?",
                (state, wait_s, reason or None, delivery.id),
            )

    def is_own(self, sop_uid: str) -> bool:
        """Say whether an object is a document that this node made."""
        return bool(self._column("SELECT 1 FROM results WHERE sop_uid = ?", sop_uid))

    def holds(self, sop_uid: str, class_uid: str) -> bool:
        """Say whether an object is held: asked before a promise to keep it."""
        return bool(
            self._column(
                "SELECT 1 FROM instances WHERE sop_uid = ? AND class_uid = ?", sop_uid, class_uid
            )
        )

    def promise(self, transaction_uid: str, peer: str, requested: str) -> None:
        """Record a request for storage commitment; ``requested`` is JSON of its pairs."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO commitments (transaction_uid, peer, requested) VALUES (?, ?, ?)",
                (transaction_uid, peer, requested),
            )

    def promises(self) -> list[tuple[int, str, str, str, int]]:
        """Return unanswered requests: id, transaction, peer, pairs as JSON, attempts."""
        with self._lock:
            return self._db.execute(
                "SELECT id, transaction_uid, peer, requested, attempts FROM commitments"
            ).fetchall()

    def promise_answered(self, promise_id: int, *, settled: bool) -> None:
        """Drop a request that is settled; count an attempt of one that is not."""
        query = (
            "DELETE FROM commitments WHERE id = ?"
            if settled
            else "UPDATE commitments SET attempts = attempts + 1 WHERE id = ?"
        )
        with self.transaction() as db:
            db.execute(query, (promise_id,))

    def refers_to(self, file: str) -> bool:
        """Say whether a spool file belongs to an instance."""
        return bool(self._column("SELECT 1 FROM instances WHERE file = ?", file))

    def files(self) -> set[str]:
        """Return the spool files of all instances."""
        return set(self._column("SELECT file FROM instances"))

    def kept_bytes(self) -> int:
        """Return the size of all instances and documents."""
        images = self._column("SELECT coalesce(sum(size), 0) FROM instances")[0]
        documents = self._column("SELECT coalesce(sum(length(content)), 0) FROM results")[0]
        return int(images + documents)

    def shift_ends(self, seconds: int) -> None:
        """Move the ends of all studies, as a clock that jumped has moved."""
        with self.transaction() as db:
            db.execute(
                "UPDATE studies SET ended_at = strftime('%Y-%m-%dT%H:%M:%S+00:00', ended_at, ?) "
                "WHERE ended_at IS NOT NULL",
                (f"{seconds:+d} seconds",),
            )

    def forget_images(self, ended_by: str) -> list[str]:
        """Drop instances of studies that ended by a time with nothing left to deliver."""
        with self.transaction() as db:
            rows = db.execute(
                "DELETE FROM instances WHERE study_uid IN (SELECT study_uid FROM studies "
                "WHERE state IN ('done', 'failed') AND ended_at <= ?) AND NOT EXISTS (SELECT 1 "
                "FROM deliveries d JOIN results r ON r.id = d.result_id "
                "WHERE r.study_uid = instances.study_uid AND d.state = 'pending') RETURNING file",
                (ended_by,),
            ).fetchall()
        return [file for (file,) in rows]

    def forget_documents(self, ended_by: str) -> int:
        """Drop the bytes of documents likewise, keep their UIDs; return how many."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE results SET content = x'' WHERE length(content) > 0 AND study_uid IN "
                "(SELECT study_uid FROM studies WHERE state IN ('done', 'failed') "
                "AND ended_at <= ?) AND NOT EXISTS (SELECT 1 FROM deliveries d "
                "WHERE d.result_id = results.id AND d.state = 'pending')",
                (ended_by,),
            )
        return changed.rowcount

    def reasons(self) -> dict[str, str]:
        """Return why studies failed, by their UIDs."""
        with self._lock:
            rows = self._db.execute("SELECT study_uid, reason FROM studies WHERE state = 'failed'")
            return dict(rows.fetchall())

    def counts(self, table: str) -> dict[str, int]:
        """Return how many studies or deliveries there are in each state."""
        query = {
            "studies": "SELECT state, count(*) FROM studies GROUP BY state",
            "deliveries": "SELECT state, count(*) FROM deliveries GROUP BY state",
        }[table]
        with self._lock:
            return dict(self._db.execute(query).fetchall())

    def _column(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            return [row[0] for row in self._db.execute(query, values)]
