"""Sources of works: a file or address that GDAL reads."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from feeds.mapping import WorksMapping
from feeds.places import PlaceColumns, Places
from feeds.reading import GdalReading
from feeds.sources.fetch import Validators, download, is_url
from feeds.sources.kept import KeptCopy
from feeds.sources.local import prepare
from feeds.sources.reader import RawTable, read_table
from feeds.sources.recode import TABLES, to_utf8
from feeds.sources.wire import Opening
from geoworks.config.settings import Limits
from geoworks.config.sources import SourceTable
from geoworks.errors import SourceError
from geoworks.ids import check_source_name

_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)", re.ASCII)


class Asked(Struct, frozen=True, kw_only=True):
    """What to read, from where, and how."""

    address: str
    limits: Limits
    layer: str = ""
    encoding: str = ""
    headers: Mapping[str, str] = {}
    timeout_s: float = 60.0
    salt: bytes = b""


class GdalSource:
    """One `[sources.NAME]`; implements `geoworks.ports.Source`."""

    def __init__(self, name: str, table: SourceTable, *, town_time_zone: str, limits: Limits, keep_dir: Path) -> None:
        """Keep the last good copy below `keep_dir`.

        Raises:
            ConfigError: its mapping names a field that is none, or lacks one that is needed.

        """
        self._name = check_source_name(name)
        self._table = table
        self._limits = limits
        self._keep_dir = keep_dir
        self._kept = KeptCopy(keep_dir / name)
        self._mapping = WorksMapping(name, table.mapping, time_zone=town_time_zone)
        self._places = PlaceColumns(lon=table.lon, lat=table.lat, wkt=table.wkt, crs=table.crs)

    @property
    def name(self) -> str:
        """Return the name that begins its works' ids."""
        return self._name

    @property
    def interval_s(self) -> float:
        """Return the seconds between two synchronisations; 0 when only asked."""
        return self._table.interval_s

    @property
    def removal_guard(self) -> float:
        """Return the share of live records above which removals wait for a person."""
        return self._table.removal_guard

    async def read(self, upload: Path | None = None) -> GdalReading:
        """Read everything there is now, or an uploaded file in its place; what could be read is kept as a copy.

        Raises:
            SourceError: it cannot be reached or read; the message says how to mend it.

        """
        try:
            async with asyncio.timeout(self._table.timeout_s):
                return await self._read(upload)
        except TimeoutError as error:
            message = f"source {self._name}: not read within {self._table.timeout_s:g} s; raise its `timeout_s`"
            raise SourceError(message) from error
        except SourceError as error:
            raise SourceError(f"source {self._name}: {error}") from error

    async def _read(self, upload: Path | None) -> GdalReading:
        asked = self._asked(upload)
        await asyncio.to_thread(self._clear_up)
        with tempfile.TemporaryDirectory(prefix=f"{self._name}.", dir=self._keep_dir) as folder:
            path, validators = await self._get(asked, Path(folder))
            table = await read_file(path, Path(folder), asked)
            reading = await asyncio.to_thread(self._understand, table)
            if path.parent == Path(folder) or upload:
                await asyncio.to_thread(self._kept.keep, path, validators)
        return reading

    def _clear_up(self) -> None:
        """Make room; drop what a reading left that was killed with the service: a source is read once at a time."""
        self._keep_dir.mkdir(parents=True, exist_ok=True)
        for left in self._keep_dir.glob(f"{self._name}.*"):
            shutil.rmtree(left, ignore_errors=True)

    def _asked(self, upload: Path | None) -> Asked:
        table = self._table
        return Asked(
            address=str(upload) if upload else table.url,
            limits=self._limits,
            layer=table.layer,
            encoding=table.encoding,
            headers={} if upload else _fill_in(table.headers),
            timeout_s=table.timeout_s,
            salt=self._mapping.fingerprint + table.crs.encode(),
        )

    async def _get(self, asked: Asked, folder: Path) -> tuple[Path, Validators]:
        if not is_url(asked.address):
            return Path(asked.address), Validators()
        kept = self._kept.load()
        path = await fetch(asked, folder, known=kept[1] if kept else Validators())
        if path is not None:
            return path
        if kept is None:
            raise SourceError("its server answers that nothing changed, and there is no copy; ask again")
        return kept

    def _understand(self, table: RawTable) -> GdalReading:
        places = Places(table, self._places)
        return GdalReading(table, places, mapping=self._mapping, keys=self._table.mapping, limits=self._limits)


async def read_address(asked: Asked) -> RawTable:
    """Read a file or address once, keeping nothing.

    Raises:
        SourceError: it cannot be reached or read.

    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        path = Path(asked.address)
        if is_url(asked.address):
            fetched = await fetch(asked, folder, known=Validators())
            assert fetched  # noqa: S101 - without validators there is always a file
            path = fetched[0]
        return await read_file(path, folder, asked)


async def fetch(asked: Asked, folder: Path, *, known: Validators) -> tuple[Path, Validators] | None:
    """Download what is asked for into a folder; None when it is the file known.

    Raises:
        SourceError: it cannot be reached or is too large.

    """
    fetched = await download(
        asked.address,
        folder,
        max_bytes=asked.limits.upload_bytes,
        headers=asked.headers,
        known=known,
        timeout_s=asked.timeout_s,
    )
    return (fetched.path, fetched.validators) if fetched else None


async def read_file(path: Path, folder: Path, asked: Asked) -> RawTable:
    """Read a local file; what must be unpacked goes into a folder.

    Raises:
        SourceError: it cannot be read.

    """
    ready, layer = await asyncio.to_thread(prepare, path, folder, limits=asked.limits, layer=asked.layer)
    encoding = asked.encoding
    if encoding and ready.suffix.lower() in TABLES:
        ready, encoding = await asyncio.to_thread(to_utf8, ready, folder, encoding), ""
    opening = Opening(
        path=str(ready), layer=layer, encoding=encoding, max_records=asked.limits.records, salt=asked.salt
    )
    return await read_table(opening, timeout_s=asked.timeout_s)


def _fill_in(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Put values of the environment in place of `$NAME`, so that no secret stands in the configuration."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise SourceError(f"its headers need {match[1]}; set it in the environment of the service")
        return os.environ[match[1]]

    return {name: _VARIABLE.sub(value, text) for name, text in headers.items()}
