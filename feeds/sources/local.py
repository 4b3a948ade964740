"""A local file or folder, made ready for GDAL: judged, unpacked, under a name GDAL knows."""

from __future__ import annotations

import stat
from pathlib import Path

from feeds.sources.archive import check_zip, find_data, unpack
from feeds.sources.formats import tell_suffix
from geoworks.config.settings import Limits
from geoworks.errors import SourceError

_VIRTUAL = "/vsi"


def prepare(path: Path, into: Path, *, limits: Limits, layer: str = "") -> tuple[Path, str]:
    """Return what GDAL shall open, and the layer in it; what must be unpacked or renamed goes into a folder.

    The path is a real one: GDAL's virtual file systems and connection strings are never tried.

    Raises:
        SourceError: there is no such file, or it is refused.

    """
    if _VIRTUAL in str(path).lower():
        raise SourceError("names with /vsi are not opened; give the file or its address itself")
    if not _is_text(path):
        raise SourceError("its name or folder is no UTF-8 text; rename it")
    try:
        if path.is_dir():
            return path.resolve(strict=True), layer
        _check_file(path, limits)
        suffix = tell_suffix(path)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}; check the path and its rights") from error
    return _ready(path.resolve(), suffix, into, limits=limits, layer=layer)


def _is_text(path: Path) -> bool:
    """Tell whether a path is UTF-8; the reading process and GDAL take no other."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _ready(path: Path, suffix: str, into: Path, *, limits: Limits, layer: str) -> tuple[Path, str]:
    if suffix == ".zip":
        folder = into / "unzipped"
        unpack(path, folder, limits)
        data = find_data(folder, layer=layer)
        # The layer chose the file; in a file of one layer GDAL names it the same.
        return data, layer
    if suffix in {".xlsx", ".ods", ".kmz"}:
        check_zip(path, limits)
    if path.suffix.lower() == suffix:
        return path, layer
    renamed = into / f"{path.stem}{suffix}"
    if not renamed.exists():
        renamed.symlink_to(path)
    return renamed, layer


def _check_file(path: Path, limits: Limits) -> None:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path.name} is no file; a pipe or a device would never end")
    size = found.st_size
    if size > limits.upload_bytes:
        raise SourceError(
            f"it has {size} bytes; at most limits.upload_bytes = {limits.upload_bytes}: raise it or split the source"
        )
