"""The sidecar `told`: the highest offset anybody can have been told, kept beside the database.

When the database is replaced by an older copy, its offsets would be given out a second time, for other changes, and
clients that had come further would miss them in silence. So a database found behind its sidecar gets a new epoch.

The sidecar is written at every commit, after the database and before the caller can tell anybody, so it is never
behind what was told and never ahead of what was durable. It is overwritten in place, a line of constant length in
one sector, and not synced: that costs microseconds, and a killed process loses nothing. After a power cut
the sidecar may be some seconds behind the database, which is harmless: it could only fail to notice a copy that was
taken within these seconds. A sidecar that is missing or damaged counts as one that knows more than the database.
"""

from __future__ import annotations

import logging
import os
import zlib
from pathlib import Path

from geoworks.errors import Invalid
from geoworks.model.change import Cursor
from geoworks.store.faults import translated_system

TOLD_NAME = "told"
_log = logging.getLogger(__name__)


class Told:
    """The sidecar of an open database; used by the writer's thread."""

    def __init__(self, path: Path, cursor: Cursor) -> None:
        """Write the sidecar anew, durably, and keep it open."""
        self.cursor = cursor
        self._path = path
        write_told(path, cursor)
        self._handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def note(self, offset: int) -> None:
        """Move the sidecar on to an offset; a fault is logged only, for the change itself is durable already."""
        if offset <= self.cursor.offset:
            return
        self.cursor = self.cursor._replace(offset=offset)
        try:
            os.pwrite(self._handle, _line(self.cursor), 0)
        except OSError as error:
            _log.warning("%s could not be written: %s", self._path, error)

    def close(self) -> None:
        """Sync and let go of the file."""
        os.fsync(self._handle)
        os.close(self._handle)


def write_told(path: Path, cursor: Cursor) -> None:
    """Write a sidecar as a whole, durably, or leave the old one as it was."""
    fresh = path.with_name(f"{path.name}.part")
    with translated_system(path):
        with fresh.open("wb") as file:
            file.write(_line(cursor))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def read_told(path: Path) -> Cursor | None:
    """Read a sidecar; None when it is missing or damaged."""
    try:
        text, check = path.read_text("ascii").split()
        cursor = Cursor.parse(text)
    except (OSError, ValueError, Invalid):
        return None
    return cursor if check == _check(text) else None


def _line(cursor: Cursor) -> bytes:
    # 18 digits, the most a cursor may have, keep the length constant.
    text = f"{cursor.epoch}.{cursor.offset:018d}"
    return f"{text} {_check(text)}\n".encode("ascii")


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
