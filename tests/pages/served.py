"""A whole town served from a thread of its own, so that a browser can look at it while a test acts on it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from msgspec import structs
from shapely.geometry import shape

from geoworks.app import open_doors, open_town
from geoworks.config.categories import Category
from geoworks.config.settings import Reports, Server, Settings, Tiles
from geoworks.demo import run as demo
from geoworks.demo import town as sample
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.keys import Role
from geoworks.town import Town

T = TypeVar("T")
_WAIT_S = 30.0
# Nobody listens there: the pages must do without a background map.
NO_TILES = Tiles(url="http://127.0.0.1:9/{z}/{x}/{y}.png")
CATEGORIES = (
    Category(
        id="chaussee",
        fr="Chaussée abîmée",
        en="Damaged road",
        handler="Service voirie",
        reason_fr="La chaussée est à la commune.",
        reason_en="The roadway belongs to the town.",
        words=("trou", "nid-de-poule", "pothole"),
    ),
    Category(id="autre", fr="Autre", en="Other", handler="Accueil de la mairie"),
)


@dataclass
class Served:
    """The sample town at an address, with an admin's key."""

    town: Town
    address: str
    key: str
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something where the town lives, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_WAIT_S)

    def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON was answered
        """Send a request with the admin's key and return what was answered."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path.lstrip("/"), data, headers, method=method)  # noqa: S310 - our own address
        with urlopen(request, timeout=_WAIT_S) as answer:  # noqa: S310 - the same
            said = answer.read()
        return json.loads(said) if said else None

    def post_works(self, title: str, **properties: object) -> str:
        """Post a works in force now and return its id."""
        line = {"type": "LineString", "coordinates": [[2.3051, 48.6342], [2.3079, 48.6351]]}
        given = {"title": title, "schedule": {"start": "2020-01-01T06:00:00Z"}, **properties}
        created = self.send("POST", "v1/works", {"type": "Feature", "geometry": line, "properties": given})
        return str(created["id"])


class ServedTown:
    """Serve the sample town while the block lasts."""

    def __init__(
        self,
        folder: Path,
        *,
        look: Mapping[str, Any] | None = None,
        tables: Mapping[str, Any] | None = None,
        **server: Any,  # noqa: ANN401 - settings of any type
    ) -> None:
        """Keep its data in `folder`.

        `look` and `server` are settings of the tables `town` and `server`; `tables` are whole tables by name.
        """
        prepared = demo.prepare(port=0, data_dir=folder)
        self._settings = structs.replace(
            prepared,
            town=structs.replace(prepared.town, **(look or {})),
            server=Server(port=0, requests_per_minute=100_000, report_burst=1000, **server),
            tiles=NO_TILES,
            reports=Reports(categories=CATEGORIES),
            **(tables or {}),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    def __enter__(self) -> Served:
        """Start the town and return it once its doors are open."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(_WAIT_S)

    def __exit__(self, *_: object) -> None:
        """Close the doors, then the loop."""
        self._loop.call_soon_threadsafe(self._stop.set)
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result(_WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()

    async def _begin(self) -> Served:
        ready: asyncio.Future[Served] = self._loop.create_future()
        serving = self._serving = self._loop.create_task(self._serve(ready))
        both: list[asyncio.Future[Any]] = [ready, serving]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await serving  # raises what went wrong
        return await ready

    async def _ended(self) -> None:
        if self._serving:
            await self._serving

    async def _serve(self, ready: asyncio.Future[Served]) -> None:
        async with open_town(self._settings) as town, open_doors(town) as address:
            await _fill(town, self._settings)
            _, key = await town.keys.create("tests", Role.ADMIN)
            ready.set_result(Served(town, address, key, self._loop))
            await self._stop.wait()


async def _fill(town: Town, settings: Settings) -> None:
    """Put in what the sample town has: zones, the GIS's works by one synchronisation, staff's works, reports."""
    await town.desk.submit(zones.replace_all(_sample_zones(), lambda: (), actor="tests"))
    for name in settings.sources:
        await town.syncs.sync(name, actor="tests")
    await demo.fill(town)


def _sample_zones() -> dict[str, Zone]:
    features = json.loads(sample.zones_geojson())["features"]
    return {
        one["properties"]["id"]: Zone(name=one["properties"]["nom"], geometry=shape(one["geometry"]))
        for one in features
    }
