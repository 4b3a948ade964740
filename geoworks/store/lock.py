"""The lock on a data directory: one process at a time, let go by the system when the process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from geoworks.errors import StoreBusy
from geoworks.store.faults import translated_system

LOCK_NAME = "geoworks.lock"


class DirectoryLock:
    """A lock held on `geoworks.lock`; the file holds the number of the process and stays behind empty."""

    def __init__(self, handle: int) -> None:
        """Hold an open file that is already locked."""
        self._handle = handle

    @classmethod
    def take(cls, data_dir: Path) -> Self:
        """Lock a data directory, made where it is missing.

        Raises:
            StoreBusy: another process holds it.
            StoreReadOnly: nothing can be written there.

        """
        path = data_dir / LOCK_NAME
        with translated_system(path):
            data_dir.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _lock(handle, path)
            except BaseException:
                os.close(handle)
                raise
        return cls(handle)

    def release(self) -> None:
        """Let another process in."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreBusy(f"process {holder} holds {path}: stop it, or send it the command instead") from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
