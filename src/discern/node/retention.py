"""What the node forgets, and when: images and delivered documents, ``study.keep_hours`` later.

Of a document the UID stays, so that it is never sent again. A clock that jumps is noticed and said,
and what is kept is kept for its hours all the same.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from discern.node.log import note
from discern.node.spool import Spool
from discern.node.state import State

_CLEAN_S, _JUMP_S = 600.0, 60.0


class ClockWatch:
    """Compares the clock on the wall with one that never jumps."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Both return seconds; ``wall`` since 1970."""
        self.wall, self.steady = wall, steady
        self._apart_s = wall() - steady()

    def jump_s(self) -> int:
        """Return by how much the clock jumped since the last question; 0 for less than a minute."""
        jump_s = self.wall() - self.steady() - self._apart_s
        if abs(jump_s) < _JUMP_S:
            return 0
        self._apart_s += jump_s
        return round(jump_s)


class Retention:
    """Deletes what was kept long enough."""

    def __init__(
        self, state: State, spool: Spool, keep_hours: float, watch: ClockWatch | None = None
    ) -> None:
        """Nothing is deleted before ``look``."""
        self._state, self._spool, self._keep_hours = state, spool, keep_hours
        self._watch = watch or ClockWatch()
        self._cleaned_at = self._watch.steady() - _CLEAN_S

    def look(self) -> None:
        """Follow a clock that jumped; delete now and then. Cheap: called several times a second."""
        jump_s = self._watch.jump_s()
        if jump_s:
            note("clock_jumped", level=logging.WARNING, seconds=jump_s)
            self._state.shift_ends(jump_s)
        now_s = self._watch.steady()
        if now_s - self._cleaned_at >= _CLEAN_S:
            self._clean()
            self._cleaned_at = now_s

    def _clean(self) -> None:
        before_s = self._watch.wall() - self._keep_hours * 3600
        ended_by = datetime.fromtimestamp(before_s, UTC).isoformat(timespec="seconds")
        names = self._state.forget_images(ended_by)
        self._spool.remove(names)
        documents = self._state.forget_documents(ended_by)
        if names or documents:
            note("kept_long_enough", images=len(names), documents=documents)
