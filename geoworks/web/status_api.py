"""How the town stands: freshness of each source, head of the log, counts; public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from aiohttp import web
from msgspec import Struct

from geoworks.model.change import Kind
from geoworks.pipeline.sync_report import SourceStatus
from geoworks.web.answers import answer
from geoworks.web.route import Door
from geoworks.web.services import Services, services

TAG = "status"


class TownStatus(Struct, frozen=True, kw_only=True):
    """How the town stands; `now` is the service's clock, `cursor` the head of its log.

    `delay_ms` is the usual time from the commit of a change to its writing to the streams, of which `connections` are
    open.
    """

    town: str
    now: datetime
    cursor: str
    offset: int
    counts: dict[str, int]
    delay_ms: float | None
    connections: int
    sources: list[SourceStatus]


async def read_status(request: web.Request) -> web.StreamResponse:
    """Answer how fresh everything is."""
    return answer(tell_status(services(request)))


def tell_status(house: Services) -> TownStatus:
    """Return how the town stands now."""
    delays_s = house.hub.counters.delays_s
    return TownStatus(
        town=house.settings.town.name,
        now=house.clock.now(),
        cursor=str(house.state.cursor),
        offset=house.state.cursor.offset,
        counts={
            "works": _shown(house, Kind.WORKS),
            "zones": _shown(house, Kind.ZONE),
            "reports": _shown(house, Kind.REPORT),
        },
        delay_ms=median(delays_s) * 1000 if delays_s else None,
        connections=house.hub.counters.connected,
        sources=list(house.syncs.status()),
    )


def _shown(house: Services, kind: Kind) -> int:
    return sum(entry.keys.visible for entry in house.state.of_kind(kind))


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/status",
        handler=read_status,
        summary="How fresh everything is",
        tag=TAG,
        answer=TownStatus,
    ),
)
