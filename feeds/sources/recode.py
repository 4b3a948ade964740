"""Texts in another encoding, written anew in UTF-8: GDAL takes tables of text for UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from geoworks.errors import SourceError

TABLES = frozenset({".csv", ".tsv"})
_BLOCK = 1 << 20


def to_utf8(path: Path, into: Path, encoding: str) -> Path:
    """Write a copy of a text file in UTF-8 into a folder and return it.

    Raises:
        SourceError: there is no such encoding, or the file is not in it.

    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise SourceError(f"{error}; set `encoding` to one that exists, such as utf-8 or windows-1252") from error
    folder = into / "utf-8"
    folder.mkdir()
    target = folder / path.name
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as copy:
            while block := source.read(_BLOCK):
                copy.write(block)
    except UnicodeError as error:
        raise SourceError(f"its texts are not in {encoding} ({error}); correct `encoding`") from error
    return target
