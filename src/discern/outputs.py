"""Files written beside their place and renamed: either all of them appear, or none."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from discern.errors import OutputError


def check_folder(folder: Path) -> None:
    """Make sure results can be written to ``folder`` before any work is done; create nothing.

    Raises:
        OutputError: It is a file, lies below a file, or cannot be written.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder}: cannot write the results there ({error.strerror}); "
        "free some space or name another folder with --out"
    )


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write every file of ``contents`` into ``folder``, or leave its files as they were.

    A name may have one folder in front: ``tables/grades.csv``.

    Raises:
        OutputError: The folder is not writable or the disk is full; nothing is left half-written.
    """
    written: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            written[target] = _write_beside(target.parent, content)
        for target, temporary in written.items():
            temporary.replace(target)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)


def _write_beside(folder: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".discern-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    temporary.chmod(0o644)
    return temporary
