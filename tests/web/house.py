"""A town with its doors open on a free port: real store, real desk, real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely
from aiohttp import ClientResponse, ClientSession
from msgspec import structs
from yarl import URL

from geoworks.app import open_doors, open_town
from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Server, Settings
from geoworks.errors import Problem, SourceError
from geoworks.ids import hash_secret
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline.keys import Role
from geoworks.ports import Candidate, Rejected
from geoworks.town import Town

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@dataclass
class GivenSource:
    """A source that gives the titles it is told to, one works each; a title that begins with `!` cannot be mapped."""

    titles: dict[str, str] = field(default_factory=dict)
    fails: str = ""
    name: str = "voirie"
    interval_s: float = 0.0
    removal_guard: float = 0.3

    async def read(self, upload: Path | None = None) -> GivenReading:
        """Give the titles, or those of an uploaded JSON object."""
        if self.fails:
            raise SourceError(self.fails)
        if upload is None:
            return GivenReading(self.titles)
        try:
            return GivenReading(json.loads(await asyncio.to_thread(upload.read_bytes)))
        except ValueError as error:
            raise SourceError(f"{upload.name} cannot be read: {error}") from error


@dataclass
class GivenReading:
    """What such a source gave."""

    titles: Mapping[str, str]
    rejected: Sequence[Rejected] = ()
    ignored: int = 0

    @property
    def candidates(self) -> Sequence[Candidate]:
        """Return each title as a candidate."""
        return [
            Candidate(place, id_, bytes.fromhex(hash_secret(title)))
            for place, (id_, title) in enumerate(self.titles.items(), 1)
        ]

    def map(self, candidates: Sequence[Candidate]) -> Sequence[Works | Rejected]:
        """Make a works of each title."""
        return [self._map(candidate) for candidate in candidates]

    def close(self) -> None:
        """Have nothing to let go of."""

    def _map(self, candidate: Candidate) -> Works | Rejected:
        title = self.titles[candidate.source_id]
        if title.startswith("!"):
            fault = Problem("title", f"{title!r} is no title", "take the mark away")
            return Rejected(candidate.position, candidate.source_id, (fault,), place=(2.3, 48.6))
        return Works(title=title, geometry=shapely.Point(2.3, 48.63), schedule=Schedule(start=NOW))


@dataclass(frozen=True)
class House:
    """A town that is served: its parts, and a client of its doors."""

    town: Town
    source: GivenSource
    clock: ManualClock
    client: ClientSession
    base: URL

    @property
    def folder(self) -> Path:
        """Return the data directory."""
        return Path(self.town.settings.data.dir)

    async def key(self, role: Role = Role.STAFF, name: str = "") -> str:
        """Make a key and return its secret."""
        _, secret = await self.town.keys.create(name or f"{role} of the test", role)
        return secret

    async def as_role(self, role: Role = Role.STAFF) -> dict[str, str]:
        """Return the header of a new key."""
        return {"Authorization": f"Bearer {await self.key(role, f'{role} {len(self.town.keys.all())}')}"}

    async def ask(self, method: str, path: str, **options: Any) -> Answer:  # noqa: ANN401 - aiohttp's own options
        """Send a request and return the whole answer."""
        async with self.client.request(method, self.base.join(URL(path, encoded=True)), **options) as response:
            return Answer(response, await response.read())


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    response: ClientResponse
    body: bytes

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers."""
        return self.response.headers

    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        """Return the decoded body."""
        return json.loads(self.body)


@asynccontextmanager
async def opened(folder: Path, clock: ManualClock | None = None, /, **tables: object) -> AsyncIterator[House]:
    """Serve a town kept in a folder; `tables` replace those of the settings."""
    tables.setdefault("server", Server(port=0, requests_per_minute=10_000))
    settings = structs.replace(Settings(), data=Data(dir=str(folder)), **tables)
    clock, source = clock or ManualClock(NOW), GivenSource()
    async with (
        open_town(settings, clock=clock, sources=[source]) as town,
        open_doors(town) as address,
        ClientSession() as client,
    ):
        yield House(town, source, clock, client, URL(address))


def feature(title: str = "Rue de Montlhéry", **properties: object) -> dict[str, Any]:
    """Return a works as it is posted."""
    given = {"title": title, "schedule": {"start": "2026-11-20T06:00:00Z", "end": "2026-12-04T17:00:00Z"}, **properties}
    geometry = given.pop("geometry", {"type": "LineString", "coordinates": [[2.3051, 48.6342], [2.3079, 48.6351]]})
    return {"type": "Feature", "geometry": geometry, "properties": given}
