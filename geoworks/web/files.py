"""Files of a folder: checked anew by tag, texts packed once for all who ask."""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from collections import OrderedDict
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from msgspec import Struct

from geoworks.errors import NotFound
from geoworks.web.answers import FRESH, is_known
from geoworks.web.collections import takes_gzip

_PACKED_MOST = 32 << 20
_FILE_MOST = 16 << 20
_TEXTS = ("text/", "application/javascript", "application/json", "application/geo+json", "image/svg+xml")


class _File(Struct, frozen=True):
    """A file as it stands now; `tag` is its entity tag without quotes."""

    path: Path
    tag: str
    size: int
    kind: str


class Files:
    """The files below one folder, and nothing outside of it."""

    def __init__(self, root: Path) -> None:
        """Serve what is below `root`; packed texts are kept up to a bound, the one asked for longest ago goes first."""
        self._root = root.resolve()
        self._packed: OrderedDict[tuple[Path, str], bytes] = OrderedDict()
        self._kept = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Return the file that the address names (`path` in the route)."""
        file = await asyncio.to_thread(self._find, request.match_info["path"])
        if file is None:
            raise NotFound("no file has this address")
        headers = {"ETag": f'"{file.tag}"', "Vary": "Accept-Encoding", **FRESH}
        if is_known(request, headers["ETag"]):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if not self._is_text(file) or not takes_gzip(request) or "Range" in request.headers:
            return web.FileResponse(file.path, headers={"Vary": "Accept-Encoding", **FRESH})
        headers |= {"Content-Encoding": "gzip", "ETag": f'"{file.tag}-gz"'}
        charset = "utf-8" if file.kind.startswith("text/") else None
        return web.Response(body=await self._pack(file), content_type=file.kind, charset=charset, headers=headers)

    def _find(self, name: str) -> _File | None:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            return None
        status = path.stat()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # The form that aiohttp gives its own tags of files.
        return _File(path, f"{status.st_mtime_ns:x}-{status.st_size:x}", status.st_size, kind)

    def _is_text(self, file: _File) -> bool:
        return file.kind.startswith(_TEXTS) and file.size <= _FILE_MOST

    async def _pack(self, file: _File) -> bytes:
        name = file.path, file.tag
        if name not in self._packed:
            packed = await asyncio.to_thread(_read_packed, file.path)
            self._kept += len(packed) - len(self._packed.get(name, b""))
            self._packed[name] = packed
        self._packed.move_to_end(name)
        packed = self._packed[name]
        while self._kept > _PACKED_MOST:
            self._kept -= len(self._packed.popitem(last=False)[1])
        return packed


def _read_packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)
