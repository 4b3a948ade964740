"""A small town without doors: real store, state, join, desk and followers, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from geoworks.clock import ManualClock
from geoworks.config.settings import Levels
from geoworks.model.change import Change, Reason
from geoworks.model.impact import Impact, VehicleImpact
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.model.zone import Zone
from geoworks.pipeline.derive import Deriver, zone_geometries
from geoworks.pipeline.desk import Desk, Edit
from geoworks.pipeline.draft import Draft, works_key, zone_key
from geoworks.pipeline.ledger import OwnLedger
from geoworks.pipeline.levels import ZoneLevels
from geoworks.pipeline.rejoin import Rejoiner, ReportLinks, ZoneKeeper
from geoworks.pipeline.timetable import Timetable
from geoworks.ports import OwnStore
from geoworks.state import Published, State

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEAR_M = 40.0


@dataclass
class House:
    """The parts under test, and every change the followers were told."""

    state: State
    store: OwnStore
    desk: Desk
    clock: ManualClock
    timetable: Timetable
    rejoiner: Rejoiner
    told: list[Change] = field(default_factory=list)

    def listen(self, published: Sequence[Published]) -> Edit[None] | None:
        """Remember what is told (a desk follower)."""
        self.told += [item.change for item in published]
        return None

    async def advance(self, step: timedelta) -> None:
        """Let time pass, and let the timetable and what follows from it be written."""
        self.clock.advance(step)
        await self.timetable.tick()
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until the house's own follow-ups are written."""
        await self.desk.submit(lambda _: None)
        await self.desk.submit(lambda _: None)


@asynccontextmanager
async def open_house(store: OwnStore, clock: ManualClock) -> AsyncIterator[House]:
    """Open a house on a store, as the composition root does, and keep its desk going."""
    head = await store.open()
    state = State(head.epoch, head.offset)
    async for records in store.records():
        state.load(records)
    deriver = Deriver(state, near_works_m=NEAR_M)
    await deriver.replace_zones(zone_geometries(state))
    desk = Desk(state, OwnLedger(store), deriver, clock=clock)
    zones = ZoneKeeper(state, deriver)
    house = House(state, store, desk, clock, Timetable(state, desk, clock), Rejoiner(state, desk, zones))
    levels = ZoneLevels(state, Levels())
    links = ReportLinks(state, near_works_m=NEAR_M)
    desk.followers += [house.listen, levels.follow, links.follow, house.timetable.follow, house.rejoiner.follow]
    desk.follow_up(levels.load())
    house.timetable.load()
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(desk.run())
            await house.rejoiner.refresh()
            await house.quiet()
            yield house
            running.cancel()
    finally:
        deriver.close()
        await store.close()


def square(west: float, south: float, size: float = 0.01) -> BaseGeometry:
    """Return a square zone (lon/lat degrees)."""
    return Polygon([(west, south), (west + size, south), (west + size, south + size), (west, south + size)])


def a_zone(west: float = 2.30, south: float = 48.63) -> Zone:
    """Return a zone of about 700 m by 1100 m."""
    return Zone(name="Gare", geometry=square(west, south))


def a_works(
    *,
    title: str = "Réseau d'eau",
    at: tuple[float, float] = (2.302, 48.635),
    start: datetime = NOON - timedelta(days=1),
    end: datetime | None = NOON + timedelta(days=1),
    impact: VehicleImpact = VehicleImpact.ALTERNATING_ONE_WAY,
    schedule: Schedule | None = None,
) -> Works:
    """Return a works of about 150 m inside `a_zone`, under way at noon."""
    lon, lat = at
    return Works(
        title=title,
        geometry=LineString([(lon, lat), (lon + 0.002, lat)]),
        schedule=schedule or Schedule(start=start, end=end),
        impact=Impact(vehicle_impact=impact),
    )


def put(
    id_: str, works: Works | None = None, *, reason: Reason = Reason.UPDATED, source: str = "api", raw_hash: bytes = b""
) -> Edit[int]:
    """Return an edit that writes a works and gives its version."""

    def edit(draft: Draft) -> int:
        given = works or a_works()
        return draft.put(works_key(id_), given, reason=reason, actor="me", source=source, raw_hash=raw_hash).version

    return edit


def put_zone(id_: str, zone: Zone) -> Edit[None]:
    """Return an edit that writes a zone."""

    def edit(draft: Draft) -> None:
        draft.put(zone_key(id_), zone, reason=Reason.UPDATED)

    return edit
