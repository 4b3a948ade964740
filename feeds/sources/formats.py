"""What a file is, told by its first bytes: names and content types lie."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from geoworks.errors import SourceError

_HEAD_BYTES = 4096
_PAGE = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)
_XML_ROOT = re.compile(rb"<(?:[\w-]+:)?([A-Za-z_][\w-]*)")
# Not data but orders to fetch data from elsewhere; GDAL's drivers for them are off too.
_ORDERS = re.compile(rb"OGRVRTDataSource|OGRWFSDataSource|VRTDataset|gdal_streamed_alg|GDAL_WMS", re.IGNORECASE)
_MARKS = ((b"SQLite format 3\0", ".gpkg"), (b"fgb", ".fgb"))
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_BY_ROOT = {b"kml": ".kml", b"gpx": ".gpx"}
_IN_ZIP = {"xl/workbook.xml": ".xlsx", "content.xml": ".ods", "doc.kml": ".kmz"}
# What GDAL tells apart by the name; a table of text has no mark of its own.
_BY_NAME = frozenset(
    {".csv", ".tsv", ".shp", ".dbf", ".tab", ".mif", ".dxf", ".gml", ".gpx", ".sqlite", ".json", ".geojsonl", ".gdb"}
)


def tell_suffix(path: Path, *, name: str = "") -> str:
    """Return the suffix under which GDAL knows a file; `name` is how it was called where it came from.

    Raises:
        SourceError: it is empty, a web page, half a zip, or an order to read something else.

    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise SourceError("it is empty; check what writes it")
    if text.startswith(b"<") and _PAGE.search(text[:1024]):
        raise SourceError("it is a web page, not data; take the address of the download itself")
    if _ORDERS.search(head):
        raise SourceError("it only points to other data; give the file or address of the data itself")
    if head.startswith(_ZIP_MARKS):
        return _suffix_in_zip(path)
    return _by_mark(text) or _by_name(name or path.name)


def _by_mark(text: bytes) -> str:
    for mark, suffix in _MARKS:
        if text.startswith(mark):
            return suffix
    if text.startswith((b"{", b"[")):
        return ".geojson"
    if text.startswith(b"<"):
        roots = _XML_ROOT.findall(text)
        return _BY_ROOT.get(roots[0] if roots else b"", ".gml")
    return ""


def _by_name(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in _BY_NAME else ".csv"


def _suffix_in_zip(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        raise SourceError("it is a zip that is not whole; fetch or make it again")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    return next((suffix for name, suffix in _IN_ZIP.items() if name in names), ".zip")
