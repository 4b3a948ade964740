"""Connections to the database file, and transactions on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

# After a large import the write-ahead log shrinks back to this.
_JOURNAL_BYTES = 67_108_864


def connect(path: Path, *, busy_timeout_s: float, mode: str = "rwc") -> sqlite3.Connection:
    """Open a database file for the calling thread, without implicit transactions.

    `mode` is SQLite's: `ro`, `rw`, or `rwc` to create the file where it is missing.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=busy_timeout_s, isolation_level=None)


def connect_writer(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """Open the connection that writes: what it committed survives a crash of the machine."""
    connection = connect(path, busy_timeout_s=busy_timeout_s)
    with closed_on_error(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What people took back is overwritten, not only unlinked.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES:d}")
    return connection


def connect_reader(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """Open a connection that only reads, beside the one that writes."""
    connection = connect(path, busy_timeout_s=busy_timeout_s, mode="rw")
    with closed_on_error(connection):
        connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection when the block fails."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make all that the block writes durable, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
