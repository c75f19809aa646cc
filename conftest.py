"""Which modules can be collected on this machine."""

import os
from importlib.util import find_spec

import pytest

HAS_TORCH = find_spec("torch") is not None
FULL = bool(os.environ.get("DISCERN_FULL"))

if not HAS_TORCH:  # looking for doctests imports these modules, and they need the train extra
    collect_ignore_glob = [
        "src/discern/model/*.py",
        "src/discern/training/*.py",
        "src/discern/experiment/*.py",
        "tests/four_images.py",
    ]


def pytest_sessionstart() -> None:
    """With DISCERN_FULL no test may be skipped for want of torch."""
    if FULL and not HAS_TORCH:
        pytest.exit("DISCERN_FULL=1 needs the train extra: make train-extra", returncode=1)
