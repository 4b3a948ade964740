"""Zip files: judged before anything reads them, unpacked by us and within bounds."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from geoworks.config.settings import Limits
from geoworks.errors import SourceError

# What holds records, the likeliest first; the other files of a zip belong to one of these.
DATA_SUFFIXES = (
    *(".gpkg", ".shp", ".fgb", ".geojson", ".json", ".gml", ".kml", ".tab", ".mif", ".csv", ".tsv"),
    *(".xlsx", ".ods", ".dxf", ".gpx", ".sqlite", ".dbf"),
)
_SIDE_SUFFIXES = {".dbf": (".shp", ".tab")}
_BLOCK = 1 << 16
_ENCRYPTED = 1
_NO_NAME = re.compile(r"^[A-Za-z]:|[\x00-\x1f\\]")
# Small files may be all one letter; only large ones can hurt.
_HARMLESS_BYTES = 1 << 20


def check_zip(path: Path, limits: Limits) -> None:
    """Refuse a zip that would hurt: names that lead out, too many files, too large or too dense once unpacked.

    Raises:
        SourceError: with what is wrong.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive.infolist(), path.stat().st_size, limits)
    except zipfile.BadZipFile as error:
        raise SourceError(f"the zip is damaged ({error}); pack or fetch it again") from error


def unpack(path: Path, into: Path, limits: Limits) -> None:
    """Unpack a zip into a folder, stopping at the bounds whatever its directory says.

    Raises:
        SourceError: it is refused, damaged, or larger than it says.

    """
    check_zip(path, limits)
    left = limits.unzipped_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    target = into / PurePosixPath(entry.filename)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(entry) as packed, target.open("wb") as unpacked:
                        left -= _copy(packed, unpacked, left)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"the zip is damaged ({error}); pack or fetch it again") from error


def find_data(folder: Path, *, layer: str = "") -> Path:
    """Return the one file or folder with records in an unpacked zip; `layer` chooses among several by their names.

    Raises:
        SourceError: there is none, or there are several and `layer` names none.

    """
    geodatabases = [path for path in folder.rglob("*.gdb") if path.is_dir()]
    found = geodatabases or [path for path in sorted(folder.rglob("*")) if _holds_data(path)]
    if len(found) > 1 and layer:
        found = [path for path in found if path.stem == layer]
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(path.relative_to(folder)) for path in found)
    raise SourceError(
        f"the zip holds several files of data ({names}); set `layer` to the name of one, without its ending"
        if found
        else "the zip holds no file that GDAL reads; pack the data itself, with all its parts"
    )


def _holds_data(path: Path) -> bool:
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    beside = any(path.with_suffix(suffix).exists() for suffix in _SIDE_SUFFIXES.get(path.suffix.lower(), ()))
    return path.is_file() and path.suffix.lower() in DATA_SUFFIXES and not hidden and not beside


def _check(entries: Sequence[zipfile.ZipInfo], packed_bytes: int, limits: Limits) -> None:
    if len(entries) > limits.zip_entries:
        raise SourceError(f"the zip holds {len(entries)} files; at most limits.zip_entries = {limits.zip_entries}")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if unpacked_bytes > limits.unzipped_bytes:
        raise SourceError(
            f"the zip unpacks to {unpacked_bytes} bytes; at most limits.unzipped_bytes = {limits.unzipped_bytes}"
        )
    if unpacked_bytes > max(_HARMLESS_BYTES, packed_bytes * limits.zip_ratio):
        raise SourceError(f"the zip grows more than limits.zip_ratio = {limits.zip_ratio} times; is it a zip bomb?")
    for entry in entries:
        _check_entry(entry)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name.startswith("/") or ".." in PurePosixPath(name).parts or _NO_NAME.search(entry.orig_filename):
        raise SourceError(f"the zip has a file named {name[:80]!r}, which leads out of it; pack it again without paths")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise SourceError(f"the zip has a link, {name[:80]!r}; pack the file itself")
    if entry.flag_bits & _ENCRYPTED:
        raise SourceError("the zip needs a password; pack it without")


def _copy(packed: IO[bytes], unpacked: IO[bytes], most: int) -> int:
    copied = 0
    while block := packed.read(_BLOCK):
        copied += len(block)
        if copied > most:
            raise SourceError("the zip is larger than its directory says; is it a zip bomb?")
        unpacked.write(block)
    return copied
