"""One door of the API: its address, who may use it, what goes in and out; served and described from the same value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web
from msgspec import Struct

from geoworks.errors import GeoworksError
from geoworks.pipeline.keys import Role
from geoworks.web.auth import require

Answerer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANYONE = frozenset(Role)
STAFF = frozenset({Role.STAFF, Role.ADMIN})
MODERATORS = frozenset({Role.MODERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
JSON = "application/json"
GEOJSON = "application/geo+json"
EVENT_STREAM = "text/event-stream"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, kw_only=True)
class Door:
    """One method at one address. `body` and `answer` are types whose JSON schema the documents show.

    `may_wait`: where no node numbers the log just now it answers 202, with what is written and not told yet.
    """

    method: str
    path: str
    handler: Answerer
    summary: str
    tag: str
    allow: frozenset[Role] = ANYONE
    query: type[Struct] | None = None
    body: Any = None
    body_media: str = JSON
    answer: Any = None
    answer_media: str = JSON
    status: int = 200
    may_wait: bool = False
    errors: tuple[type[GeoworksError], ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the operation: that of its handler."""
        return str(getattr(self.handler, "__name__", self.path))


def add_doors(app: web.Application, doors: Iterable[Door], *, prefixes: Sequence[str]) -> None:
    """Serve doors under each prefix; a GET answers HEAD too."""
    for door in doors:
        for prefix in prefixes:
            app.router.add_route(door.method, prefix + door.path, _guarded(door))
            if door.method == "GET":
                app.router.add_route("HEAD", prefix + door.path, _guarded(door))


def _guarded(door: Door) -> Answerer:
    async def answer(request: web.Request) -> web.StreamResponse:
        require(request, door.allow)
        return await door.handler(request)

    return answer
