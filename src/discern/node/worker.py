"""Takes complete studies one after the other from images to documents."""

import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TypeVar

from discern.node.analysis import Analyze, Failure, Order, run_limited
from discern.node.config import NodeConfig
from discern.node.log import note
from discern.node.retention import Retention
from discern.node.spool import Spool
from discern.node.state import Job, Result, State

T = TypeVar("T")
_MOST_STARTS = 10
_LOOK_S, _AGAIN_S = 0.2, 2.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class QuietTimes:
    """Since when each study has been quiet, by a clock that never jumps.

    A study that is not known here (after a restart) counts from the first question about it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` returns seconds and never goes back."""
        self._clock, self._lock = clock, threading.Lock()
        self._last: dict[str, float] = {}

    def arrived(self, study_uid: str) -> None:
        """Note that an instance came just now."""
        with self._lock:
            self._last[study_uid] = self._clock()

    def quiet_s(self, study_uid: str) -> float:
        """Return for how long nothing came."""
        with self._lock:
            return self._clock() - self._last.setdefault(study_uid, self._clock())

    def forget(self, study_uid: str) -> None:
        """Drop a study that is being analyzed."""
        with self._lock:
            self._last.pop(study_uid, None)


class Worker:
    """Watches for complete studies and has them analyzed."""

    def __init__(
        self,
        state: State,
        spool: Spool,
        config: NodeConfig,
        *,
        analyze: Analyze,
        made: Callable[[], None],
    ) -> None:
        """``made`` is called when there is something to deliver."""
        self.quiet = QuietTimes()
        self._state, self._spool, self._config = state, spool, config
        self._analyze, self._made = analyze, made
        self._retention = Retention(state, spool, config.study.keep_hours)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; a study in analysis then is taken up at the next start."""
        self._state.resume()
        while not stop.wait(_LOOK_S):
            for study_uid in self._state.receiving():
                if self.quiet.quiet_s(study_uid) >= self._config.study.quiet_seconds:
                    self._process(study_uid, stop)
                if stop.is_set():
                    return
            self._retention.look()

    def _process(self, study_uid: str, stop: threading.Event) -> None:
        self.quiet.forget(study_uid)
        job = self._state.begin(study_uid, _now())
        note("analysis_started", study=study_uid, revision=job.revision, images=len(job.files))
        if job.starts > _MOST_STARTS:
            reason = f"Crash: the node ended {_MOST_STARTS} times during this analysis"
            outcome: list[Result] | Failure | None = Failure(reason)
        else:
            outcome = self._outcome(job, stop)
        if outcome is None:
            self._state.put_back(job)
        else:
            _when_there_is_room(lambda: self._record(job, outcome), stop)

    def _outcome(self, job: Job, stop: threading.Event) -> list[Result] | Failure | None:
        """Return documents or why there are none; None where the node stops."""
        with ExitStack() as stack:
            links = self._spool.folder_of(job.files)
            try:
                folder = _when_there_is_room(lambda: stack.enter_context(links), stop)
            except OSError as error:
                return Failure(f"disk: {type(error).__name__}")
            if folder is None:
                return None
            order = Order(folder, job.content_time, self._config.study)
            return run_limited(self._analyze, order, stop)

    def _record(self, job: Job, outcome: Sequence[Result] | Failure) -> None:
        if isinstance(outcome, Failure):
            self._state.fail(job, _now(), outcome.reason)
            note("analysis_failed", level=logging.ERROR, study=job.study_uid, reason=outcome.reason)
            return
        names = [one.name for one in self._config.destinations]
        counted = self._state.finish(job, _now(), outcome, names)
        event = "analysis_done" if counted else "analysis_overtaken"
        note(event, study=job.study_uid, documents=len(outcome))
        self._made()


def _when_there_is_room(do: Callable[[], T], stop: threading.Event) -> T | None:
    """Do it once the disk lets it be done, so that a full disk costs no analysis; None on stop.

    Raises:
        OSError: For another reason than a full disk.
    """
    while True:
        try:
            return do()
        except (OSError, sqlite3.OperationalError) as error:
            if isinstance(error, OSError) and error.errno not in _FULL:
                raise
            note("disk_trouble", level=logging.ERROR, reason=type(error).__name__)
        if stop.wait(_AGAIN_S):
            return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
