"""How the town stands: freshness of each source, head of the log, counts; public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web
from msgspec import Struct

from geoworks.hub.counters import Counters
from geoworks.model.change import Kind
from geoworks.pipeline.node import NodeStatus
from geoworks.pipeline.sync_report import SourceStatus
from geoworks.web.answers import answer
from geoworks.web.route import Door
from geoworks.web.services import Services, services

TAG = "status"


class StreamStatus(Struct, frozen=True, kw_only=True):
    """How the live stream fares, all ways of listening together.

    `connected` and `lagging` (those behind, who read slower than changes come) are of now; `resumed`, `resynced` (told
    to take a snapshot instead) and `aborted` (cut because they did not read) are since the start. The delays are those
    from the commit of a change to its writing to the sockets, of the last 1024 changes; null before the first.
    """

    connected: int
    lagging: int
    resumed: int
    resynced: int
    aborted: int
    delay_p50_ms: float | None
    delay_p95_ms: float | None
    delay_p99_ms: float | None


class TownStatus(Struct, frozen=True, kw_only=True):
    """How the town stands; `now` is the service's clock, `cursor` the head of its log.

    `delay_ms` and `connections` are `delay_p50_ms` and `connected` of `stream`. `node` is null where one process serves
    the town alone, and before a node has looked at the database.
    """

    town: str
    now: datetime
    cursor: str
    offset: int
    counts: dict[str, int]
    delay_ms: float | None
    connections: int
    stream: StreamStatus
    sources: list[SourceStatus]
    node: NodeStatus | None = None


async def read_status(request: web.Request) -> web.StreamResponse:
    """Answer how fresh everything is."""
    return answer(tell_status(services(request)))


def tell_status(house: Services) -> TownStatus:
    """Return how the town stands now."""
    stream = _tell_stream(house.hub.counters)
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
        delay_ms=stream.delay_p50_ms,
        connections=stream.connected,
        stream=stream,
        sources=list(house.syncs.status()),
        node=house.node.status() if house.node else None,
    )


def _tell_stream(counters: Counters) -> StreamStatus:
    delays = counters.delays
    p50, p95, p99 = (delays.p50, delays.p95, delays.p99) if delays else (None, None, None)
    return StreamStatus(
        connected=counters.connected,
        lagging=counters.lagging,
        resumed=counters.resumed,
        resynced=counters.resynced,
        aborted=counters.aborted,
        delay_p50_ms=_in_ms(p50),
        delay_p95_ms=_in_ms(p95),
        delay_p99_ms=_in_ms(p99),
    )


def _in_ms(delay_s: float | None) -> float | None:
    return None if delay_s is None else round(delay_s * 1000, 3)


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
