"""The node: listener, worker, deliverers and health around one state."""

import logging
import signal
import sqlite3
import threading
from collections.abc import Callable

from discern.errors import OutputError, UsageError
from discern.node.analysis import Analyze, analyze_order
from discern.node.association import Listener
from discern.node.commitment import Committer
from discern.node.config import NodeConfig
from discern.node.delivery import Deliverer
from discern.node.health import Health, HealthServer
from discern.node.lock import FolderLock
from discern.node.log import log_to, note
from discern.node.receiver import Receiver
from discern.node.spool import Spool
from discern.node.state import State
from discern.node.worker import Worker

_STATE_FILE = "state.sqlite"
_AGAIN_S = 5.0


class Node:
    """Starts when it is made, ends with ``stop``."""

    def __init__(self, config: NodeConfig, *, analyze: Analyze = analyze_order) -> None:
        """Open the state, take up what was left, listen.

        Raises:
            UsageError: A port is taken, TLS files cannot be used, or a node runs already.
            OutputError: ``disk.folder`` or the state in it cannot be used.
        """
        self._config, self._stop = config, threading.Event()
        self._spool = Spool(config.disk.folder)
        self._lock = FolderLock(config.disk.folder)
        self._state = State(config.disk.folder / _STATE_FILE)
        swept = self._spool.sweep(self._state.files())
        again = self._state.resume_deliveries()
        self._deliverers = [
            Deliverer(self._state, one, config.retry) for one in config.destinations
        ]
        self._worker = Worker(
            self._state, self._spool, config, analyze=analyze, made=self._wake_deliverers
        )
        self._committer = Committer(
            self._state, config.listen.ae_title, config.commitment_peers, config.retry
        )
        self._listener = self._listen()
        self._health = self._serve_health()
        self._threads = [self._start(run) for run in self._loops()]
        note("node_started", port=self.port, health_port=self.health_port, swept=swept, again=again)

    @property
    def port(self) -> int:
        """The DICOM port."""
        return self._listener.port

    @property
    def health_port(self) -> int | None:
        """The HTTP port on 127.0.0.1, or None."""
        return self._health.port if self._health else None

    @property
    def state(self) -> State:
        """What the node knows; for looking, not for changing."""
        return self._state

    def is_working(self) -> bool:
        """Say whether every part runs."""
        return all(one.is_alive() for one in self._threads)

    def stop(self) -> None:
        """Stop listening, end the analysis under way, close the state; what is left, stays."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._listener.stop()
        if self._health is not None:
            self._health.stop()
        self._wake_deliverers()
        for thread in self._threads:
            thread.join()
        self._state.close()
        self._lock.release()
        note("node_stopped")

    def _listen(self) -> Listener:
        receiver = Receiver(
            self._state,
            self._spool,
            self._config.disk,
            others=self._config.listen.other_objects,
            arrived=self._worker.quiet.arrived,
        )
        return Listener(self._config.listen, receiver, self._committer)

    def _serve_health(self) -> HealthServer | None:
        if self._config.health.port is None:
            return None
        health = Health(self._state, self._spool, self.is_working)
        try:
            return HealthServer(health, self._config.health.port)
        except UsageError:
            self._listener.stop()
            raise

    def _loops(self) -> list[Callable[[threading.Event], None]]:
        return [self._worker.run, self._committer.run, *(one.run for one in self._deliverers)]

    def _start(self, run: Callable[[threading.Event], None]) -> threading.Thread:
        thread = threading.Thread(target=_again_and_again, args=(run, self._stop))
        thread.start()
        return thread

    def _wake_deliverers(self) -> None:
        for one in self._deliverers:
            one.wake()


def _again_and_again(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Start a part again after a full or failing disk; whatever else it raises ends it."""
    while not stop.is_set():
        try:
            run(stop)
        except (sqlite3.Error, OSError) as error:
            note("disk_trouble", level=logging.ERROR, reason=type(error).__name__)
            stop.wait(_AGAIN_S)


def serve(config: NodeConfig, *, analyze: Analyze = analyze_order) -> None:
    """Run a node until SIGTERM or SIGINT; logs JSON lines to the standard error.

    Raises:
        UsageError: As ``Node`` does.
        OutputError: As ``Node`` does, or a part of it ended.
    """
    log_to()
    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    node = Node(config, analyze=analyze)
    while not ended.wait(1.0) and node.is_working():
        pass
    node.stop()
    if not ended.is_set():
        raise OutputError("the node ended for an internal reason; start it again, nothing is lost")
