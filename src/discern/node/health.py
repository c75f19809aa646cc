"""/health and /metrics over HTTP, on this machine only."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from discern.errors import UsageError
from discern.node.spool import Spool
from discern.node.state import State

_LOCAL = "127.0.0.1"


class Health:
    """Numbers for a monitor, read from the state when they are asked for."""

    def __init__(self, state: State, spool: Spool, is_working: Callable[[], bool]) -> None:
        """``is_working`` says whether every part of the node runs."""
        self._state, self._spool, self._is_working = state, spool, is_working
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._studies = self._gauge("discern_studies", "Studies by state", ["state"])
        self._deliveries = self._gauge("discern_deliveries", "Deliveries by state", ["state"])
        self._kept = self._gauge("discern_kept_bytes", "Images and documents on disk", [])
        self._free = self._gauge("discern_disk_free_bytes", "Free space of the disk", [])

    def _gauge(self, name: str, about: str, labels: list[str]) -> Gauge:
        return Gauge(name, about, labels, registry=self._registry)

    def metrics(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        with self._lock:
            for table, gauge in (("studies", self._studies), ("deliveries", self._deliveries)):
                gauge.clear()
                for state, count in self._state.counts(table).items():
                    gauge.labels(state).set(count)
            self._kept.set(self._state.kept_bytes())
            self._free.set(self._spool.free_gb() * 1024**3)
            return generate_latest(self._registry)

    def health(self) -> tuple[int, bytes]:
        """Return the HTTP status, 200 or 503, and what is going on, as JSON."""
        working = self._is_working()
        about = {
            "status": "ok" if working else "failing",
            "studies": self._state.counts("studies"),
            "deliveries": self._state.counts("deliveries"),
        }
        return 200 if working else 503, json.dumps(about).encode()


class HealthServer:
    """Serves ``Health`` on 127.0.0.1."""

    def __init__(self, health: Health, port: int) -> None:
        """Start serving.

        Raises:
            UsageError: The port is taken.
        """
        try:
            self._server = ThreadingHTTPServer((_LOCAL, port), _answers(health))
        except OSError as error:
            raise UsageError(
                f"health.port: {port} cannot be used ({error.strerror}); set another"
            ) from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _answers(health: Health) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health":
                status, content = health.health()
                self._answer(status, "application/json", content)
            elif self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4; charset=utf-8", health.metrics())
            else:
                self._answer(404, "text/plain", b"there are /health and /metrics\n")

        def _answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing: monitors ask every few seconds."""

    return Answers
