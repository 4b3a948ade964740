"""What goes wrong with files, told as the store's errors, each with its mend."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoworks.errors import StoreError, StoreFull, StoreReadOnly

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def translated_system(path: Path) -> Iterator[None]:
    """Turn errors of the system about a file into the store's errors."""
    try:
        yield
    except OSError as error:
        raise system_fault(error, path) from error


def system_fault(error: OSError, path: Path) -> StoreError:
    """Return an error of the system about a file as the store's."""
    if error.errno in _NO_ROOM:
        return full(path)
    if error.errno in _NO_RIGHT:
        return read_only(path, error.strerror or "refused")
    return StoreError(f"{path} failed ({error}): name a folder on a local disk under [data] dir")


def full(path: Path) -> StoreFull:
    """Return the error of a disk without room."""
    return StoreFull(f"no room to write {path}: free some on the disk, or raise its quota; nothing was lost")


def read_only(path: Path, detail: str) -> StoreReadOnly:
    """Return the error of a file or folder that may not be written."""
    return StoreReadOnly(f"{path} cannot be written ({detail}): give this user the right to write in {path.parent}")
