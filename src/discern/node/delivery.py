"""Brings documents to one destination: stored bytes only, in order, until taken or given up.

An attempt is on record before anything is sent. Where there was one before - it failed, or the node
ended before it knew - the destination is asked first whether it has the document.
"""

import logging
import threading
import time
from collections.abc import Callable

from discern.errors import DeliveryError
from discern.node.asking import is_held
from discern.node.config import RetryConfig
from discern.node.destinations import Destination, store
from discern.node.log import note
from discern.node.state import Delivery, DeliveryState, State

_LOOK_S = 0.2


class Deliverer:
    """Delivers to one destination, so that one that is down holds up no other.

    Waits are counted on a clock that never jumps; after a restart everything pending is due at
    once, and the waits of all runs together count towards giving up.
    """

    def __init__(
        self,
        state: State,
        destination: Destination,
        retry: RetryConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent before ``run``; ``clock`` returns seconds and never goes back."""
        self._state, self._destination, self._retry, self._clock = state, destination, retry, clock
        self._due: dict[int, float] = {}
        self._made = threading.Event()
        self._made.set()

    def wake(self) -> None:
        """Say that there may be something new to deliver."""
        self._made.set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop``."""
        while not stop.is_set():
            self._made.wait(_LOOK_S)
            self._made.clear()
            for delivery_id in self._state.pending(self._destination.name):
                if stop.is_set():
                    return
                if self._due.get(delivery_id, self._clock()) <= self._clock():
                    self._attempt(self._state.delivery(delivery_id))

    def _attempt(self, delivery: Delivery) -> None:
        self._state.begin_attempt(delivery)
        held = False
        try:
            held = delivery.attempts > 0 and is_held(self._destination, delivery.content)
            if not held:
                store(self._destination, delivery.content)
        except DeliveryError as error:
            self._failed(delivery, error)
            return
        except Exception as error:  # noqa: BLE001 - one destination must never stop the others
            wrapped = DeliveryError(f"internal error: {type(error).__name__}", temporary=True)
            self._failed(delivery, wrapped)
            return
        self._state.attempted(delivery, DeliveryState.DONE)
        self._due.pop(delivery.id, None)
        self._note("found_there" if held else "delivered", delivery)

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        wait_s = self._retry.wait_s(delivery.attempts + 1)
        enough = delivery.waited_s >= self._retry.give_up_after_hours * 3600
        if enough or not error.temporary:
            self._state.attempted(delivery, DeliveryState.FAILED, reason=str(error))
            self._due.pop(delivery.id, None)
            self._note("delivery_failed", delivery, logging.ERROR, str(error))
            return
        self._due[delivery.id] = self._clock() + wait_s
        self._state.attempted(delivery, DeliveryState.PENDING, wait_s=wait_s, reason=str(error))
        self._note("delivery_postponed", delivery, logging.WARNING, str(error))

    def _note(
        self, event: str, delivery: Delivery, level: int = logging.INFO, reason: str | None = None
    ) -> None:
        note(
            event,
            level=level,
            destination=self._destination.name,
            study=delivery.study_uid,
            sop=delivery.sop_uid,
            attempt=delivery.attempts + 1,
            reason=reason,
        )
