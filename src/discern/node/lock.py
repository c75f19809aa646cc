"""One node per folder."""

import fcntl
import os
from pathlib import Path

from discern.errors import UsageError


class FolderLock:
    """Held while a node runs; the system lets go of it however the node ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: Another node holds it.
        """
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise UsageError(
                "disk.folder: another node uses it; stop that one or name another folder"
            ) from error

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)
