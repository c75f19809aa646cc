"""What a manifest tells of the machine that trained."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from discern.errors import DatasetError
from discern.training.manifest import Circumstances, read_circumstances


def _manifest(path: Path, accelerator: str) -> Path:
    hardware = {"processor": "A processor", "threads": 2, "accelerator": accelerator}
    software = {"torch": "2.11.0", "python": "3.12.3"}
    document = {"schema": "discern.run/1", "hardware": hardware, "software": software}
    path.write_text(json.dumps(document | {"seconds": 455.0}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("accelerator", "named"), [("none", "A processor"), ("A graphics card", "A graphics card")]
)
def test_the_ledger_learns_from_the_manifest_where_a_run_was_trained(
    tmp_path: Path, accelerator: str, named: str
) -> None:
    told = read_circumstances(_manifest(tmp_path / "manifest.json", accelerator))
    assert told == Circumstances(455.0, 2, named, "2.11.0")


def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema": "discern.run/1"}')
    with pytest.raises(DatasetError, match=r"manifest\.json: not a discern\.run/1 file"):
        read_circumstances(tmp_path / "manifest.json")
