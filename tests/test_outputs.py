import resource
import subprocess
import sys
from pathlib import Path

import pytest

from discern.errors import OutputError
from discern.outputs import check_folder, write_files


def test_all_files_appear_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path / "a" / "b", {"one.txt": b"1", "two.txt": b"2"})

    assert {p.name: p.read_bytes() for p in (tmp_path / "a" / "b").iterdir()} == {
        "one.txt": b"1",
        "two.txt": b"2",
    }


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below"])
def test_a_file_in_the_way_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="--out"):
        check_folder(tmp_path / place)
    with pytest.raises(OutputError, match="--out"):
        write_files(tmp_path / place, {"one.txt": b"1"})


def test_checking_creates_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "folder")

    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_former_files_and_no_fragments(tmp_path: Path) -> None:
    write_files(tmp_path, {"small.txt": b"before"})
    code = (
        "import pathlib, sys\n"
        "from discern.outputs import write_files\n"
        "from discern.errors import OutputError\n"
        "files = {'small.txt': b'x', 'big.txt': b'0' * 200000}\n"
        "try: write_files(pathlib.Path(sys.argv[1]), files)\n"
        "except OutputError as error: print(error); sys.exit(error.exit_status)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert done.returncode == 2
    assert "free some space" in done.stdout
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"small.txt": b"before"}
