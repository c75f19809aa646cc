"""``python -m discern``."""

from discern.cli.main import run

run()
