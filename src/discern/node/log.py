"""One JSON object a line: what happened, when, to which UIDs; never who the patient is."""

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

_LOGGER = logging.getLogger("discern.node")
_QUIET = ("pynetdicom", "pydicom", "highdicom", "discern.dicomweb")


def note(event: str, *, level: int = logging.INFO, **about: str | float | None) -> None:
    """Log one event with plain values: UIDs, counts, AE titles, reasons of Discern's own."""
    _LOGGER.log(level, event, extra={"about": about})


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what exceptions carry is left out, for it may quote a header."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(line | dict(getattr(record, "about", {})))


def log_to(stream: TextIO = sys.stderr) -> None:
    """Send the node's log to ``stream`` and silence libraries whose messages quote headers."""
    sink = logging.StreamHandler(stream)
    sink.setFormatter(JsonLines())
    _LOGGER.handlers[:] = [sink]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    quieten()


def quieten() -> None:
    """Silence libraries whose messages quote header values; of warnings only the kind is kept."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.showwarning = _note_warning


def _note_warning(
    message: Warning | str,  # noqa: ARG001 - may quote a header
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    note("warning", kind=category.__name__, place=f"{Path(filename).stem}:{lineno}")
