"""Copies of the database: made while it serves, checked before they count, and put back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from geoworks.errors import Invalid, Problem, StoreUnusable
from geoworks.ids import new_id
from geoworks.model.change import Cursor
from geoworks.store.lock import DirectoryLock
from geoworks.store.sqlite import tables
from geoworks.store.sqlite.connection import connect, connect_reader, transaction
from geoworks.store.sqlite.copies import BESIDE, fresh_copy
from geoworks.store.sqlite.faults import translated
from geoworks.store.sqlite.migrate import check_schema, known_migrations
from geoworks.store.sqlite.queries import SQL
from geoworks.store.told import TOLD_NAME, write_told

DATABASE_NAME = "geoworks.db"
_BUSY_TIMEOUT_S = 5.0


def back_up(database: Path, target: Path) -> None:
    """Copy a database that may be in use to a file that appears only when it is whole and checked.

    Raises:
        Invalid: the target is the database itself.
        StoreError: it cannot be read, or the copy cannot be written.

    """
    if target.resolve() == database.resolve():
        raise Invalid(Problem("target", f"{target} is the database itself", "name another file"))
    with translated(target, reading=database):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _checked_copy(database, target):
            pass


def restore(source: Path, data_dir: Path, *, at: datetime) -> Path | None:
    """Put a copy in the place of a database that nobody uses, and begin a new epoch.

    Returns where the replaced database was kept (`geoworks.db.replaced-...`, dated `at`), or None when there was none.

    Raises:
        Invalid: there is no such file.
        StoreBusy: a process uses the data directory.
        StoreUnusable: the copy is damaged, or from another program or a later release.

    """
    if not source.is_file():
        raise Invalid(Problem("source", f"{source} is no file", "name one that `geoworks backup` wrote"))
    lock = DirectoryLock.take(data_dir)
    try:
        return _replace(source, data_dir / DATABASE_NAME, at)
    finally:
        lock.release()


def _replace(source: Path, database: Path, at: datetime) -> Path | None:
    with translated(database, reading=source):
        with _checked_copy(source, database) as copy:
            with transaction(copy):
                tables.begin_epoch(copy, new_id())
            head = tables.head(copy)
            kept = _keep_aside(database, at)
        write_told(database.with_name(TOLD_NAME), Cursor(head.epoch, head.offset))
    return kept


@contextmanager
def _checked_copy(source: Path, target: Path) -> Iterator[sqlite3.Connection]:
    """Copy one moment of a database and check the copy before the block gets it."""
    with closing(connect_reader(source, busy_timeout_s=_BUSY_TIMEOUT_S)) as original:
        with translated(source):
            if not check_schema(original, source, newest=len(known_migrations())):
                raise StoreUnusable(f"{source} is empty: name a file that `geoworks backup` wrote")
        # In one open read transaction writers go on, and the counts are of what is copied.
        original.execute("BEGIN")
        counted = original.execute(SQL["counts"]).fetchone()
        with fresh_copy(original, target) as copy:
            ((verdict,), *_) = copy.execute("PRAGMA integrity_check")
            if verdict != "ok" or copy.execute(SQL["counts"]).fetchone() != counted:
                raise StoreUnusable(f"{source} is damaged ({verdict}): restore an older copy")
            yield copy


def _keep_aside(database: Path, at: datetime) -> Path | None:
    """Give the database a second name, with all that its write-ahead log held, and leave no log behind.

    The old name stays until the copy takes it, so that a crash never leaves an empty place.
    """
    if not database.exists():
        return None
    kept = _unused(database.with_name(f"{database.name}.replaced-{at:%Y%m%dT%H%M%SZ}"))
    _fold_log(database)
    for suffix in BESIDE:
        beside = database.with_name(f"{database.name}{suffix}")
        if beside.exists():
            beside.replace(kept.with_name(f"{kept.name}{suffix}"))
    os.link(database, kept)
    return kept


def _unused(path: Path) -> Path:
    """Return a path that nothing has yet: this one, or it with a number behind it."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(one for one in chain((path,), numbered) if not one.exists())


def _fold_log(database: Path) -> None:
    """Write what the write-ahead log holds into the database; a damaged database keeps its log under its new name."""
    try:
        with closing(connect(database, busy_timeout_s=_BUSY_TIMEOUT_S, mode="rw")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return
