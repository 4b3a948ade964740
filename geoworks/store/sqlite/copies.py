"""Plain copies of a database: one file without a write-ahead log, which appears only when it is whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from geoworks.store.sqlite.connection import connect

# The write-ahead log, its index, and the rollback journal that a plain file has in their place.
BESIDE = ("-wal", "-shm", "-journal")


@contextmanager
def fresh_copy(original: sqlite3.Connection, target: Path) -> Iterator[sqlite3.Connection]:
    """Copy what a connection sees, while others write; the block gets the copy, and what it raises undoes it.

    The copy takes its name, durably, at the end of the block.
    """
    part = target.with_name(f"{target.name}.part")
    discard(part)
    try:
        with closing(connect(part, busy_timeout_s=0)) as copy:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            yield copy
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    finally:
        discard(part)


def discard(part: Path) -> None:
    """Remove a database file with all that stands beside it."""
    for suffix in ("", *BESIDE):
        part.with_name(f"{part.name}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
