"""The memory of a real server process that holds and serves a region, beside six times the size of its GeoJSON."""

from __future__ import annotations

import asyncio
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import psutil
from msgspec import structs

from geoworks.app import open_town
from geoworks.config.settings import Data, Settings
from geoworks.model.change import Reason
from geoworks.model.works import Works
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, works_key
from tests.bench.row import Growth, Row
from tests.bench.served import START_S, Tables, served
from tests.bench.town import NOW, large_town

_ZONES = 3000
_SIZES = (1_000, 10_000, 100_000)
_TIMES = 6
_MB = 1e6
_BATCH = 500
_TABLES: Tables = {"maps": {"enabled": False}, "clock": {"start": NOW}}


def rows() -> Iterator[Row | Growth]:
    """Measure the resident memory at three sizes, the largest beside its peer."""
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(fill(Path(folder), *large_town(size, _ZONES)))
            served_mb, resident_mb = serve(Path(folder))
        yield Growth("memory of a server with 3000 zones", size, resident_mb, "MB")
    allowed_mb = _TIMES * served_mb
    name = "memory: 100 k works and 3000 zones loaded and served"
    yield Row(name, resident_mb, allowed_mb, allowed_mb / resident_mb, target=1, unit="MB")


async def fill(folder: Path, works: Mapping[str, Works], given_zones: Mapping[str, Zone]) -> None:
    """Write the town to a data directory, joined and derived as in life."""
    settings = structs.replace(Settings(), data=Data(dir=str(folder)))
    async with open_town(settings, sources=[]) as town:
        await town.desk.submit(zones.replace_all(given_zones, lambda: (), actor="bench"))
        await town.rejoiner.refresh()
        waiting = iter(works.items())
        while some := dict(islice(waiting, _BATCH)):
            await town.desk.submit(_writing(some))


def _writing(works: Mapping[str, Works]) -> Edit[None]:
    def edit(draft: Draft) -> None:
        for id_, one in works.items():
            draft.put(works_key(id_), one, reason=Reason.CREATED, actor="bench", source="api")

    return edit


def serve(folder: Path) -> tuple[float, float]:
    """Start a server on a data directory and read all it has; return MB of GeoJSON and MB resident afterwards."""
    with served(folder, _TABLES) as (process, address):
        size = sum(len(_read(address + door, "identity")) for door in ("v1/works", "v1/zones"))
        for door in ("v1/works", "v1/zones", "v1/works?severity=blocked"):
            _read(address + door, "gzip")
        return size / _MB, psutil.Process(process.pid).memory_info().rss / _MB


def _read(address: str, encoding: str) -> bytes:
    request = urllib.request.Request(address, headers={"Accept-Encoding": encoding})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=START_S) as response:  # noqa: S310 - the same
        body: bytes = response.read()
        return body
