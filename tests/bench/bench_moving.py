"""Drivers who tell where they are, each once a second, beside looking at every works for each of them.

They are real sessions of a real hub, whose sockets are in memory: a position is read, the works that came near or went
are found and encoded as frames. The brute force only measures from the driver's way to every works, all at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from statistics import median
from time import process_time

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.clock import ManualClock
from geoworks.config.settings import Stream
from geoworks.geo.types import Geometries, Numbers
from geoworks.hub.hub import Hub
from geoworks.memory import settle_memory
from geoworks.state import State
from tests.bench.bench_join import EAST, NORTH, SOUTH, WEST, in_metres
from tests.bench.row import Growth, Row, measure, paired_row
from tests.bench.town import NOW, large_town, make_record
from tests.hub.client import Held, MemoryOutlet
from tests.hub.town import MemoryLog

DRIVERS, WORKS = 2_000, 20_000
ROUNDS = 5
RADIUS_M = 1_000.0
# 50 km/h.
_STEP_DEG = 14 / 111_200
# So many positions of the brute force are measured, and answers compared.
_BRUTE = 50
_SECONDS = 5
_BEAT_S = 0.005
_BLOCKED_S = 0.05
_SUBSCRIBE = json.dumps(
    {"type": "subscribe", "id": "me", "kinds": ["works"], "area": {"around_me": {"radius_m": RADIUS_M}}}
)


def rows() -> Iterator[Row | Growth]:
    """Measure the cost of positions, then how late the event loop is while they come."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Row | Growth]:
    drive = Drive()
    check(drive)
    pairs = [compare(drive, first=number % 2) for number in range(ROUNDS)]
    late_s = sorted(await drive.lateness_s())
    what = "2 000 drivers, a position a second, 20 k works"
    return [
        paired_row(f"{what}: beside brute force", pairs, target=50, unit="s", cost=True),
        Row(
            f"{what}: longest block of the event loop, beside 50 ms", late_s[-1], _BLOCKED_S, _BLOCKED_S / late_s[-1], 1
        ),
        Growth("usual lateness of the event loop, by drivers who move", DRIVERS, median(late_s)),
    ]


class _Ear(MemoryOutlet):
    """A socket that takes everything at once and keeps it."""

    def unsent(self) -> int:
        """Return that nothing waits."""
        return 0


class Driver:
    """One driver with a session."""

    def __init__(self, hub: Hub, rng: np.random.Generator) -> None:
        """Connect, ask what is around, and tell where it begins."""
        heading = rng.uniform(0, 2 * np.pi)
        self.at = rng.uniform((WEST, SOUTH), (EAST, NORTH))
        self.path: Numbers = np.array([self.at, self.at])
        self._step = _STEP_DEG * np.array([np.cos(heading) * 1.5, np.sin(heading)])
        self._ear = _Ear()
        self._held = Held()
        self._session = hub.connect(self._ear)
        self._session.receive(_SUBSCRIBE)
        self.tell(self.next_position())

    def next_position(self) -> str:
        """Drive on for a second; return what tells it."""
        self.path = np.array([self.at, self.at + self._step])
        self.at = self.path[1]
        return json.dumps({"type": "position", "id": "me", "at": self.at.round(6).tolist()})

    def tell(self, position: str) -> None:
        """Send a position."""
        self._session.receive(position)

    def held(self) -> set[str]:
        """Return the works that the client holds by what it was told."""
        for message in self._ear.take():
            self._held.hear(message)
        return {id_ for _, id_ in self._held.features}


class Drive:
    """Drivers on their ways in a town, and the same town for the brute force."""

    def __init__(self) -> None:
        """Connect them all."""
        rng = np.random.default_rng(20261129)
        works, _ = large_town(WORKS, 0)
        state = State("bench", 0)
        state.load(make_record(id_, one) for id_, one in works.items())
        settle_memory()
        # No position is held back for coming too soon after another.
        settings = Stream(messages_per_s=1_000_000, messages_burst=1_000_000)
        self._hub = Hub(state, MemoryLog(), settings=settings, clock=ManualClock(NOW))
        self.drivers = [Driver(self._hub, rng) for _ in range(DRIVERS)]
        self.ids = np.array(list(works))
        self.works_m: Geometries = in_metres([one.geometry for one in works.values()]).geometry.to_numpy()

    def move_all(self) -> None:
        """Have every driver tell one position."""
        for driver, position in self.next_positions():
            driver.tell(position)

    def next_positions(self) -> list[tuple[Driver, str]]:
        """Return what every driver tells next."""
        return [(driver, driver.next_position()) for driver in self.drivers]

    async def lateness_s(self) -> list[float]:
        """Return how late the event loop was, again and again, while positions came for some seconds.

        As clocks of phones do, each driver's ticks at another moment of the second.
        """
        loop = asyncio.get_running_loop()
        moments = np.random.default_rng(20261130).uniform(0, 1, DRIVERS)
        late: list[float] = []
        # Made before, as the drivers make them on their own machines.
        told = [self.next_positions() for _ in range(_SECONDS)]
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._hub.run())
            begin = loop.time()
            for second, positions in enumerate(told):
                for (driver, position), moment in zip(positions, moments.tolist(), strict=True):
                    loop.call_at(begin + second + moment, driver.tell, position)
            beating = tasks.create_task(_beat(late))
            await asyncio.sleep(_SECONDS)
            running.cancel()
            beating.cancel()
        return late


async def _beat(late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT_S
        await asyncio.sleep(_BEAT_S)
        late.append(loop.time() - due)


def compare(drive: Drive, *, first: int) -> tuple[float, float]:
    """Return the CPU seconds of one position: ours, and by brute force; who goes first is given."""
    positions = drive.next_positions()
    ways = paths_m(drive)[:_BRUTE]

    def ours() -> None:
        for driver, position in positions:
            driver.tell(position)

    def brute() -> None:
        for way in ways:
            near_by_brute_force(drive, way)

    calls = ((ours, DRIVERS), (brute, len(ways)))
    seconds = {which: measure(calls[which][0], clock=process_time) / calls[which][1] for which in (first, 1 - first)}
    return seconds[0], seconds[1]


def paths_m(drive: Drive) -> Geometries:
    """Return each driver's way between the last two positions in metres, given to the brute force for nothing."""
    ways = [shapely.LineString(driver.path) for driver in drive.drivers]
    found: Geometries = in_metres(ways).geometry.to_numpy()
    return found


def near_by_brute_force(drive: Drive, way: BaseGeometry, radius_m: float = RADIUS_M) -> set[str]:
    """Return the works within a radius of a driver's last way."""
    return set(drive.ids[shapely.distance(drive.works_m, way) <= radius_m].tolist())


def check(drive: Drive) -> None:
    """See that after some positions drivers hold what the brute force finds, but for a hair (planes differ)."""
    for _ in range(_SECONDS):
        drive.move_all()
    for driver, way in list(zip(drive.drivers, paths_m(drive), strict=True))[:_BRUTE]:
        surely = near_by_brute_force(drive, way, RADIUS_M * 0.997)
        assert surely <= driver.held() <= near_by_brute_force(drive, way, RADIUS_M * 1.003)
