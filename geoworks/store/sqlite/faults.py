"""What goes wrong below the embedded store, told as the store's errors, each with its mend."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoworks.errors import StoreBusy, StoreError, StoreUnusable
from geoworks.store.faults import full, read_only, system_fault

_PRIMARY = 0xFF  # the low byte of an extended result code is the primary one (sqlite.org/rescode.html)
# A write refused for another reason than ENOSPC: a quota, a limit on file sizes, or the shared index cannot grow.
_NO_GROWTH = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_ROOM_NEEDED = 65_536


@contextmanager
def translated(path: Path, *, reading: Path | None = None) -> Iterator[None]:
    """Turn errors of SQLite and of the system about a database file into the store's errors.

    Where `path` is written from another file, `reading` is that other: if one of the two is damaged, it is that.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) is None:
            raise  # a misuse of the driver is our bug, not a fault of the file
        raise _database_fault(error, path, reading or path) from error
    except OSError as error:
        raise system_fault(error, path) from error


def _database_fault(error: sqlite3.Error, path: Path, read: Path) -> StoreError:
    code, primary = error.sqlite_errorcode, error.sqlite_errorcode & _PRIMARY
    detail = f"{error}, {error.sqlite_errorname}"
    if code in _NO_GROWTH or _lacks_room(primary, path):
        return full(path)
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreUnusable(f"{read} is damaged ({detail}): restore a copy with `geoworks restore`")
    return _by_code(primary, path, detail)


def _lacks_room(code: int, path: Path) -> bool:
    """Tell whether the disk is full; SQLite says `cannot open` or `I/O error` when a file beside cannot be created."""
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}:
        return path.parent.is_dir() and shutil.disk_usage(path.parent).free < _ROOM_NEEDED
    return code == sqlite3.SQLITE_FULL


def _by_code(code: int, path: Path, detail: str) -> StoreError:
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(f"another program holds {path}: close it there, then try again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return read_only(path, detail)
        case _:
            return StoreError(f"{path} failed ({detail}): check the disk, and report it when the disk is well")
