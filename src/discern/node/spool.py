"""Received images on disk: written beside their place, flushed, renamed, then counted on."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from discern.errors import OutputError

IMAGES, JOBS = "images", "jobs"
_PART = ".part-"
_GIB = 1024**3


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


class Spool:
    """A folder of images, named after digests only: no text of a peer becomes a path."""

    def __init__(self, folder: Path) -> None:
        """Make the folders, for this user only.

        Raises:
            OutputError: They cannot be made.
        """
        self._images, self._jobs = folder / IMAGES, folder / JOBS
        try:
            for place in (folder, self._images, self._jobs):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"disk.folder: cannot be made ({error.strerror}); name another folder"
            ) from error

    def free_gb(self) -> float:
        """Return the free space of the disk, GiB."""
        return shutil.disk_usage(self._images).free / _GIB

    def write(self, sop_uid: str, content: bytes) -> str:
        """Write one image; it is on disk when the call returns. Return its file name.

        Raises:
            OSError: The disk is full or broken; nothing half-written keeps the name.
        """
        name = f"{digest(sop_uid.encode())[:32]}-{digest(content)[:32]}.dcm"
        target = self._images / name[:2] / name
        if target.parent.exists() is False:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._images)
        descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=_PART)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(target)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return name

    def remove(self, names: Iterable[str]) -> None:
        """Delete images that nothing refers to any more."""
        for name in names:
            (self._images / name[:2] / name).unlink(missing_ok=True)

    def sweep(self, known: Set[str]) -> int:
        """Delete what a power cut left behind; return how many files."""
        shutil.rmtree(self._jobs, ignore_errors=True)
        self._jobs.mkdir(mode=0o700, exist_ok=True)
        lost = [path for path in self._images.glob("*/*") if path.name not in known]
        lost += self._images.glob(f"*/{_PART}*")
        for path in lost:
            path.unlink(missing_ok=True)
        return len(lost)

    @contextmanager
    def folder_of(self, names: Iterable[str]) -> Iterator[Path]:
        """Give a folder with exactly these images, as links; it is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._jobs, ignore_cleanup_errors=True) as place:
            for name in names:
                (Path(place) / name).hardlink_to(self._images / name[:2] / name)
            yield Path(place)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
