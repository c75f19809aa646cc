"""Takes complete studies one after the other from images to documents."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from discern.node.analysis import Analyze, Failure, Order, run_limited
from discern.node.config import NodeConfig
from discern.node.log import note
from discern.node.spool import Spool
from discern.node.state import Job, State

_MOST_STARTS = 3
_LOOK_S, _CLEAN_S = 0.2, 600.0


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

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; a study in analysis then is taken up at the next start."""
        self._state.resume()
        cleaned_at = -_CLEAN_S
        while not stop.wait(_LOOK_S):
            for study_uid in self._state.receiving():
                if self.quiet.quiet_s(study_uid) >= self._config.study.quiet_seconds:
                    self._process(study_uid, stop)
                if stop.is_set():
                    return
            if time.monotonic() - cleaned_at >= _CLEAN_S:
                self._clean()
                cleaned_at = time.monotonic()

    def _process(self, study_uid: str, stop: threading.Event) -> None:
        self.quiet.forget(study_uid)
        job = self._state.begin(study_uid, _now())
        note("analysis_started", study=study_uid, revision=job.revision, images=len(job.files))
        if job.starts > _MOST_STARTS:
            self._fail(job, f"Crash: the node ended {_MOST_STARTS} times during this analysis")
            return
        started_at = time.monotonic()
        try:
            with self._spool.folder_of(job.files) as folder:
                order = Order(folder, job.content_time, self._config.study)
                outcome = run_limited(self._analyze, order, stop)
        except OSError as error:
            outcome = Failure(f"disk: {type(error).__name__}")
        if isinstance(outcome, Failure):
            self._fail(job, outcome.reason)
        elif outcome is not None:
            names = [one.name for one in self._config.destinations]
            counted = self._state.finish(job, _now(), outcome, names)
            took_s = round(time.monotonic() - started_at, 1)
            event = "analysis_done" if counted else "analysis_overtaken"
            note(event, study=study_uid, documents=len(outcome), took_s=took_s)
            self._made()

    def _fail(self, job: Job, reason: str) -> None:
        self._state.fail(job, _now(), reason)
        note("analysis_failed", level=logging.ERROR, study=job.study_uid, reason=reason)

    def _clean(self) -> None:
        before = datetime.now(UTC) - timedelta(hours=self._config.study.keep_hours)
        names = self._state.forget_images(before.isoformat(timespec="seconds"))
        self._spool.remove(names)
        if names:
            note("images_deleted", count=len(names))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
