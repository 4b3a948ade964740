"""Reading one local file by GDAL, in a process of its own with a time limit."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from msgspec import Struct

import feeds
from feeds.sources.columns import Columns
from feeds.sources.wire import LENGTH_BYTES, Chunk, Done, Failure, Layer, Message, Opening, decode_message, frame
from geoworks.errors import SourceError

# pyogrio imports these wherever they are installed; the child needs none, and starts three times faster without.
_PROGRAM = """
import sys
sys.modules.update(dict.fromkeys(("geopandas", "pandas", "pyarrow", "pyproj", "shapely")))
from feeds.sources.child import main
main(sys.stdin.buffer, sys.stdout.buffer)
"""
_LAST_WORDS = 300
# Room for a chunk or two: the child reads on while one is taken in.
_BUFFER_BYTES = 4 << 20

# Drivers that leave the file they are given: to the network, to other files, to other programs.
AWAY = (
    *("ADBC", "AmigoCloud", "Carto", "CSW", "EEDA", "Elasticsearch", "GDALG", "GPSBabel", "HTTP", "NGW", "OAPIF"),
    *("OGCAPI", "OGR_VRT", "PLSCENES", "WFS"),
)
ENVIRONMENT = {
    "GDAL_SKIP": ",".join(AWAY),
    # Whatever still asks for a URL meets a closed port at once.
    "GDAL_HTTP_PROXY": "127.0.0.1:9",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/none",
    "CPL_ALLOW_VSISTDIN": "NO",
    "GML_DOWNLOAD_SCHEMA": "NO",
    "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
    # One core reads, the other serves.
    "GDAL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PROJ_NETWORK": "OFF",
}


class WrongEncoding(SourceError):
    """The texts of a file are in another encoding than it says."""


class RawTable(Struct, frozen=True):
    """One layer as it was read; row i of each column and list belongs together.

    `geometries` are WKB in the layer's CRS, or None; `numbers` are GDAL's record numbers, which a rewritten file may
    deal anew; `hashes` are of all attributes and the geometry.
    """

    layer: Layer
    columns: Columns
    geometries: list[bytes | None]
    numbers: list[int]
    hashes: list[bytes]

    def __repr__(self) -> str:
        # asyncio writes out what its tasks return; a hundred thousand records would take seconds.
        return f"<{len(self.hashes)} records of {self.layer.name}>"


async def read_table(opening: Opening, *, timeout_s: float) -> RawTable:
    """Read one layer of a local file or folder.

    Raises:
        SourceError: it cannot be read, or not in time.

    """
    with tempfile.TemporaryFile() as complaints:
        process = await _start(complaints)
        try:
            async with asyncio.timeout(timeout_s):
                return await _collect(process, opening)
        except TimeoutError as error:
            raise SourceError(
                f"it could not be read within {timeout_s:g} s; raise timeout_s or make the file smaller"
            ) from error
        except (EOFError, ConnectionError) as error:
            raise SourceError(f"GDAL fell over it ({_last_words(complaints)}); check that the file is whole") from error
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _start(complaints: IO[bytes]) -> asyncio.subprocess.Process:
    root = str(Path(feeds.__file__).parents[1])
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        _PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=complaints,
        limit=_BUFFER_BYTES,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": root},
        # The terminal's Ctrl-C is for the service, which ends its readers itself.
        start_new_session=True,
    )


async def _collect(process: asyncio.subprocess.Process, opening: Opening) -> RawTable:
    assert process.stdin  # noqa: S101 - opened above as a pipe
    assert process.stdout  # noqa: S101 - the same
    body = frame(opening)[LENGTH_BYTES:]
    process.stdin.write(body)
    process.stdin.write_eof()
    table: RawTable | None = None
    async for message in _messages(process.stdout):
        match message:
            case Failure(text, wrong_encoding):
                raise WrongEncoding(text) if wrong_encoding else SourceError(text)
            case Layer():
                columns = Columns([field.name for field in message.fields])
                table = RawTable(message, columns, [], [], [])
            case Chunk() if table:
                _extend(table, message)
    if table is None:
        raise EOFError
    return table


async def _messages(stream: asyncio.StreamReader) -> AsyncIterator[Message]:
    """Yield what the child says until it is done."""
    while True:
        length = int.from_bytes(await stream.readexactly(LENGTH_BYTES))
        message = decode_message(await stream.readexactly(length))
        if isinstance(message, Done):
            return
        yield message
        if isinstance(message, Failure):
            return


def _extend(table: RawTable, chunk: Chunk) -> None:
    table.columns.extend(chunk.columns)
    table.geometries.extend(chunk.geometries)
    table.numbers.extend(chunk.numbers)
    table.hashes.extend(chunk.hashes)


def _last_words(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:_LAST_WORDS] if lines else "without a word"
