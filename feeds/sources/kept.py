"""The last good copy of a source's file, and what tells whether the file changed since."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
from msgspec import Struct

from feeds.sources.fetch import Validators

_NOTE = "kept.json"
_NEW = ".new"


class _Note(Struct):
    file: str
    validators: Validators


class KeptCopy:
    """One folder for one source: the file, and a note about it."""

    def __init__(self, folder: Path) -> None:
        """Keep the copy in a folder, which need not be there yet."""
        self._folder = folder

    def load(self) -> tuple[Path, Validators] | None:
        """Return the file and what it is known by; None when there is none, or its note is not whole."""
        try:
            note = msgspec.json.decode((self._folder / _NOTE).read_bytes(), type=_Note)
        except (OSError, msgspec.DecodeError):
            return None
        path = self._folder / note.file
        return (path, note.validators) if path.is_file() else None

    def keep(self, path: Path, validators: Validators) -> None:
        """Put a file in place of the one kept; a crash in between leaves the old one or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        old = self.load()
        new = self._folder / (path.name + _NEW)
        shutil.copyfile(path, new)
        # The note goes first, so that it never vouches for a file it was not written for.
        (self._folder / _NOTE).unlink(missing_ok=True)
        new.replace(self._folder / path.name)
        if old and old[0].name != path.name:
            old[0].unlink(missing_ok=True)
        self._write_note(_Note(path.name, validators))

    def _write_note(self, note: _Note) -> None:
        new = self._folder / (_NOTE + _NEW)
        with new.open("wb") as file:
            file.write(msgspec.json.encode(note))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / _NOTE)
