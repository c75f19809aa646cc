"""One analysis in a process of its own: its cost is limited, its crash harms nothing here."""

import multiprocessing
import os
import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from discern.errors import DiscernError
from discern.node.config import StudyConfig
from discern.node.log import quieten
from discern.node.state import Result

_MIB = 1024**2
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is told; ``content_time`` is that of every document it makes."""

    folder: Path
    content_time: str
    config: StudyConfig


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there are no documents, without anything that names the patient."""

    reason: str


Analyze = Callable[[Order], list[Result]]
"""A function of a module, so that another process can find it."""


def analyze_order(order: Order) -> list[Result]:
    """Analyze a folder of images and return its DICOM documents.

    Raises:
        DiscernError: As ``analyze`` and ``build_documents`` do.
    """
    from discern.node.making import make_results  # noqa: PLC0415 - the node needs no network

    return make_results(order.folder, order.content_time, order.config)


def run_limited(
    analyze: Analyze, order: Order, stop: threading.Event
) -> list[Result] | Failure | None:
    """Run ``analyze`` in a new process under the limits of the order; None where stopped."""
    here, there = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(there, analyze, order), daemon=True)
    process.start()
    there.close()
    try:
        return _await(here, order.config.timeout_s, stop)
    finally:
        process.kill()
        process.join()
        process.close()
        here.close()


def _await(
    here: Connection, timeout_s: float, stop: threading.Event
) -> list[Result] | Failure | None:
    step_s, left_s = 0.2, timeout_s
    while not here.poll(step_s):
        left_s -= step_s
        if stop.is_set():
            return None
        if left_s <= 0:
            return Failure(f"Timeout: the analysis took longer than {timeout_s:g} s")
    try:
        answer: list[Result] | Failure = here.recv()
    except (EOFError, OSError):
        return Failure("Crash: the analysis process ended without an answer")
    return answer


def _work(there: Connection, analyze: Analyze, order: Order) -> None:
    _end_with_parent()
    quieten()
    most = order.config.memory_mb * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer: list[Result] | Failure = analyze(order)
    except DiscernError as error:
        answer = Failure(type(error).__name__)
    except MemoryError:
        answer = Failure(f"MemoryError: more than {order.config.memory_mb} MB needed")
    except Exception as error:  # noqa: BLE001 - one study must never stop the next
        answer = Failure(f"internal error: {type(error).__name__}")
    there.send(answer)


def _end_with_parent() -> None:
    """End this process when the node is killed, so that two never work on one study."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
