"""A node in a process of its own, that a test can kill, and whose log it can read."""

import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from peers import association, send, wait_until
from pydicom import Dataset

SENDERS = 4


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class NodeProgram:
    """Starts when it is made; ``command`` gets ``--config FILE`` added."""

    def __init__(
        self,
        folder: Path,
        archive_port: int,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self._config = folder / "node.toml"
        self._config.write_text(
            f"""
            listen = {{ port = {self.port} }}
            study = {{ quiet_seconds = 2 }}
            disk = {{ folder = "{folder / "node"}", least_free_gb = 0.01 }}
            retry = {{ first_wait_s = 0.2 }}
            [[destinations]]
            name = "pacs"
            host = "127.0.0.1"
            port = {archive_port}
            ae_title = "ARCHIVE"
            """
        )
        self._command = [*command, "--config", str(self._config)]
        self._environment = {**os.environ, **(environment or {})}
        self.log = ""
        try:
            self.start()
        except BaseException:
            self.kill()
            raise

    def start(self) -> None:
        self._process: subprocess.Popen[str] = subprocess.Popen(
            self._command, stderr=subprocess.PIPE, text=True, env=self._environment
        )
        self._reading = threading.Thread(target=self._read_log)
        self._reading.start()
        wait_until(self._answers, 60)

    def _read_log(self) -> None:
        for line in self._process.stderr or ():
            self.log += line

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log
        with association(self.port) as one:
            return bool(one.is_established)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.splitlines()]
        return [one for one in lines if one["event"] == name]

    def limit_files(self, size: int) -> None:
        """Let no file grow beyond so many bytes, as a full disk would; -1 lifts the limit."""
        hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(60)
        self._reading.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
        assert code in {0, -number}, self.log

    def push_and_kill(self, studies: Sequence[Sequence[Dataset]], waits_s: Sequence[float]) -> None:
        """Send studies from four senders at once, again until confirmed; kill -9 in between."""

        def push(sender: int) -> None:
            for study in studies[sender::SENDERS]:
                while not self._confirms(study):
                    time.sleep(0.1)

        senders = [threading.Thread(target=push, args=(one,)) for one in range(SENDERS)]
        for one in senders:
            one.start()
        for wait_s in waits_s:
            time.sleep(wait_s)
            self.kill()
            self.start()
        for one in senders:
            one.join()

    def _confirms(self, study: Sequence[Dataset]) -> bool:
        try:
            return send(self.port, *study) == [0] * len(study)
        except (AssertionError, AttributeError, RuntimeError):
            return False


def waits(count: int, longest_s: float) -> list[float]:
    """Return when to kill: the same every time."""
    chance = Random(11)  # noqa: S311 - when to kill
    return [chance.uniform(1.0, longest_s) for _ in range(count)]
