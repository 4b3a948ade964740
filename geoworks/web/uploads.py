"""Files in: streamed to a temporary folder, bounded, with a name that only keeps its ending."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.web.arrival import arriving
from geoworks.web.services import services

_CHUNK = 1 << 18
# By content type, for bodies without a file name.
_ENDINGS = {
    "application/geo+json": ".geojson",
    "application/json": ".geojson",
    "text/csv": ".csv",
    "application/zip": ".zip",
}
_MOST_ENDING = 12


@asynccontextmanager
async def uploaded(request: web.Request) -> AsyncIterator[Path | None]:
    """Give the file of a request while the block runs: a form's first file, or the body itself; None without body.

    Raises:
        TooLarge: it is larger than `limits.upload_bytes`.
        Invalid: the form has no file, or the file is empty.
        TooSlow: it does not arrive.

    """
    if not request.can_read_body:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="geoworks-upload-") as folder:
        most = services(request).settings.limits.upload_bytes
        async with arriving(request):
            path = await _save_body(request, Path(folder), most)
        yield path


async def _save_body(request: web.Request, folder: Path, most: int) -> Path:
    if request.content_type.startswith("multipart/"):
        return await _save_form(request, folder, most)
    ending = _ENDINGS.get(request.content_type, "") or _ending(request.query.get("name", ""))
    return await _save(request.content, folder / f"upload{ending}", most)


async def _save_form(request: web.Request, folder: Path, most: int) -> Path:
    try:
        reader = await request.multipart()
        part = await _first_file(reader)
    except ValueError as error:
        raise Invalid(Problem("body", f"is no form: {error}", "send multipart/form-data with one file")) from error
    if part is None:
        raise Invalid(Problem("body", "the form holds no file", "send multipart/form-data with one file"))
    return await _save(part, folder / f"upload{_ending(part.filename or '')}", most)


async def _first_file(reader: MultipartReader) -> BodyPartReader | None:
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.filename:
            return part
    return None


async def _save(content: StreamReader | BodyPartReader, target: Path, most: int) -> Path:
    with await asyncio.to_thread(target.open, "wb") as file:
        size = await _copy(content, file, most)
    if not size:
        raise Invalid(Problem("body", "the file is empty", "send a file with at least one record"))
    return target


async def _copy(content: StreamReader | BodyPartReader, file: BinaryIO, most: int) -> int:
    size = 0
    while chunk := await _next_chunk(content):
        size += len(chunk)
        if size > most:
            raise TooLarge(
                Problem("body", f"the file is larger than {most} bytes", "send less, or raise limits.upload_bytes")
            )
        await asyncio.to_thread(file.write, chunk)
    return size


async def _next_chunk(content: StreamReader | BodyPartReader) -> bytes:
    return await (content.read_chunk(_CHUNK) if isinstance(content, BodyPartReader) else content.read(_CHUNK))


def _ending(name: str) -> str:
    """Return the ending of a file name, by which its format is known, and nothing else of it.

    >>> _ending("../../plan été.GPKG")
    '.gpkg'
    """
    ending = PurePath(name.replace("\\", "/")).suffix.lower()
    return ending if ending[1:].isalnum() and ending.isascii() and len(ending) <= _MOST_ENDING else ""
