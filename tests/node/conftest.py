from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import Archive, config_for
from stand_ins import report
from starting import StartNode

from discern.node.analysis import Analyze
from discern.node.service import Node


@pytest.fixture
def archive() -> Iterator[Archive]:
    one = Archive()
    yield one
    one.stop()


@pytest.fixture
def start_node(archive: Archive, tmp_path: Path) -> Iterator[StartNode]:
    running = []

    def start(*, analyze: Analyze = report, **parts: Any) -> Node:  # noqa: ANN401 - any section
        running.append(Node(config_for(tmp_path / "node", archive.port, **parts), analyze=analyze))
        return running[-1]

    yield start
    for node in running:
        node.stop()
