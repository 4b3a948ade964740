"""Whatever happens, a client ends with what the server has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoworks.config.settings import Stream
from geoworks.hub.codes import Code
from geoworks.hub.messages import Wanted
from geoworks.hub.question import read_question, sieve_of
from geoworks.hub.session import Session
from geoworks.model.change import Key, Kind
from geoworks.model.impact import Impact, VehicleImpact, WayState
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from tests.hub.client import FeatureKey, Held, MemoryOutlet, Message
from tests.hub.town import NOON, Look, Town, works_record

_PLACES = [shapely.Point(2.30, 48.63), shapely.Point(2.31, 48.63), shapely.Point(2.32, 48.63)]
_AREAS: list[Message] = [
    {"everywhere": True},
    {"zones": ["gare"]},
    {"bbox": [2.295, 48.62, 2.315, 48.64]},
    {"circle": {"center": [2.32, 48.63], "radius_m": 100}},
]
# What drivers ask: their answers depend on the clock, on where they are, and on what a works is.
_DRIVEN = [
    {"area": {"around_me": {"radius_m": 1_500}}},
    {"area": {"around_me": {"radius_m": 300}}, "vehicle": {"class": "hgv"}},
    {"area": {"everywhere": True}, "horizon": "PT3H"},
    {"area": {"bbox": [2.295, 48.62, 2.315, 48.64]}, "horizon": "PT1H", "vehicle": {"class": "pedestrian"}},
    {"area": {"route": {"line": {"type": "LineString", "coordinates": [[2.29, 48.63], [2.33, 48.63]]}}}},
    {
        "area": {
            "route": {
                "line": {"type": "LineString", "coordinates": [[2.29, 48.63], [2.33, 48.63]]},
                "depart": "2026-11-24T13:00:00Z",
                "speed_kmh": 5,
            }
        },
        "vehicle": {"class": "car"},
    },
]
_IMPACTS = [
    Impact(),
    Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, footway=WayState.CLOSED),
    Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED),
]
_TIMES = [
    (Status.ACTIVE, Schedule(start=NOON)),
    (Status.ACTIVE, Schedule(start=NOON, end=NOON + timedelta(minutes=75))),
    (Status.PLANNED, Schedule(start=NOON + timedelta(hours=2))),
    (Status.PLANNED, Schedule(start=NOON + timedelta(hours=5))),
    (Status.COMPLETED, Schedule(start=NOON)),
]
_LOOKS = st.builds(
    Look,
    place=st.sampled_from(_PLACES),
    severity=st.sampled_from([Severity.LOW, Severity.HIGH]),
    status=st.sampled_from([Status.ACTIVE, Status.ACTIVE, Status.COMPLETED]),
    draft=st.sampled_from([False, False, False, True]),
    zones=st.sampled_from([(), ("gare",), ("gare", "nord")]),
)
_DRIVEN_LOOKS = st.builds(
    lambda place, impact, times: Look(place=place, impact=impact, status=times[0], schedule=times[1]),
    st.sampled_from(_PLACES),
    st.sampled_from(_IMPACTS),
    st.sampled_from(_TIMES),
)
_IDS = st.sampled_from(["a", "b", "c", "d"])
_SUBSCRIPTIONS = st.builds(
    lambda id_, area, severity: {"id": id_, "area": area, "min_severity": severity},
    st.sampled_from(["x", "y"]),
    st.sampled_from(_AREAS),
    st.sampled_from(["none", "high"]),
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.lists(st.tuples(_IDS, st.none() | _LOOKS), min_size=1, max_size=6)),
        st.tuples(st.just("change"), st.lists(st.tuples(_IDS, st.none() | _LOOKS), min_size=1, max_size=6)),
        st.tuples(st.just("take"), st.none() | st.integers(0, 5)),
        st.tuples(st.just("cut"), st.integers(0, 4)),
        st.tuples(st.just("subscribe"), _SUBSCRIPTIONS),
        st.tuples(st.just("unsubscribe"), st.sampled_from(["x", "y"])),
        st.tuples(st.just("prune"), st.integers(1, 10)),
        st.tuples(st.just("wait"), st.just(None)),
    ),
    min_size=8,
    max_size=40,
)

_DRIVES = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.lists(st.tuples(_IDS, st.none() | _DRIVEN_LOOKS), min_size=1, max_size=4)),
        st.tuples(st.just("take"), st.none() | st.integers(0, 5)),
        st.tuples(st.just("cut"), st.integers(0, 4)),
        st.tuples(
            st.just("subscribe"),
            st.builds(lambda id_, asked: {"id": id_, **asked}, st.sampled_from(["x", "y"]), st.sampled_from(_DRIVEN)),
        ),
        st.tuples(st.just("unsubscribe"), st.sampled_from(["x", "y"])),
        st.tuples(st.just("drive"), st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(_PLACES))),
        st.tuples(st.just("pass_time"), st.sampled_from([20, 60, 200])),
        st.tuples(st.just("wait"), st.just(None)),
    ),
    min_size=8,
    max_size=40,
)


class Life:
    """One client of a town, over many connections."""

    def __init__(self, tasks: asyncio.TaskGroup, *, high_water: int, tail: int) -> None:
        """Connect for the first time."""
        self.town = Town(settings=Stream(high_water_bytes=high_water), tail=tail)
        self.held = Held()
        self.wanted: dict[str, Message] = {}
        self.unanswered = 0
        self._tasks = tasks
        self.outlet: MemoryOutlet
        self.session: Session
        self._connect()

    def change(self, batch: list[tuple[str, Look | None]]) -> None:
        """Have the server write and tell some changes."""
        for id_, look in batch:
            key = Key(Kind.WORKS, id_)
            if look is not None:
                self.town.put(works_record(id_, look))
            elif self.town.state.get(key) is not None:
                self.town.remove(key)
        self.town.publish()

    def take(self, frames: int | None) -> None:
        """Have the client read some frames."""
        for message in self.outlet.take(frames):
            # A position may be of a question that is not, or not about a driver.
            if message["type"] == "error":
                assert message["code"] in {Code.UNKNOWN_SUBSCRIPTION.number, Code.INVALID.number}, message
            else:
                self.held.hear(message)
            if message["type"] == "caught_up" and message["id"] is not None:
                self.unanswered -= 1

    def cut(self, frames: int) -> None:
        """Lose the connection after some more frames; come back and resume."""
        self.take(frames)
        self.end()
        self._connect()
        if self.held.cursor and self.held.filters and self.wanted and not self.unanswered:
            self._send(
                {
                    "type": "resume",
                    "since": self.held.cursor,
                    "filters": self.held.filters,
                    "subscriptions": list(self.wanted.values()),
                }
            )
        else:
            self.held.features.clear()
            self.held.cursor = self.held.filters = None
            self.unanswered = len(self.wanted)
            for wanted in self.wanted.values():
                self._send({"type": "subscribe", **wanted})

    def subscribe(self, wanted: Message) -> None:
        """Ask one more question, or another one under an old name."""
        self.wanted[wanted["id"]] = wanted
        self.unanswered += 1
        self._send({"type": "subscribe", **wanted})

    def unsubscribe(self, id_: str) -> None:
        """Ask a question no more."""
        if self.wanted.pop(id_, None):
            self.unanswered += 1
            self._send({"type": "unsubscribe", "id": id_})

    def drive(self, position: tuple[str, shapely.Point]) -> None:
        """Tell where the driver is."""
        id_, place = position
        self._send({"type": "position", "id": id_, "at": [place.x, place.y]})

    async def pass_time(self, minutes: int) -> None:
        """Let the clock go on."""
        self.town.clock.advance(timedelta(minutes=minutes))
        await self.town.hub.follow_clock()

    def prune(self, kept: int) -> None:
        """Have the server forget the beginning of its log."""
        del self.town.log.entries[:-kept]

    async def wait(self, _: None) -> None:
        """Let the server's own tasks have their turns."""
        for _turn in range(5):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Read until nothing more comes."""
        async with asyncio.timeout(20):
            self.town.hub.flush()
            while self.session.waiting or self.outlet.buffer:
                self.take(None)
                await asyncio.sleep(0)

    def end(self) -> None:
        """Lose the connection."""
        self.town.hub.disconnect(self.session)
        self.outlet.stop()

    def expected(self) -> dict[FeatureKey, Any]:
        """Return what the client should hold: worked out from the state, question by question."""
        tests = [sieve_of(read_question(msgspec.convert(wanted, Wanted))) for wanted in self.wanted.values()]
        return {
            (entry.record.key.kind.value, entry.record.key.id): msgspec.json.decode(entry.body)
            for entry in self.town.state.of_kind(Kind.WORKS)
            if any(test(entry.record.key, entry.keys, NOON) for test in tests)
        }

    def driven(self) -> dict[FeatureKey, Any]:
        """Return what the client should hold, by the questions as the server has them, with the driver's place in."""
        asked = self.session.subscriptions
        return {
            (entry.record.key.kind.value, entry.record.key.id): msgspec.json.decode(entry.body)
            for entry in self.town.state.of_kind(Kind.WORKS)
            if asked.test(entry.record.key, entry.keys, self.town.hub.moment)
        }

    def _connect(self) -> None:
        self.outlet = MemoryOutlet(self._tasks)
        self.session = self.town.hub.connect(self.outlet)

    def _send(self, message: Message) -> None:
        self.session.receive(msgspec.json.encode(message).decode())


async def _live(
    steps: list[tuple[str, Any]], wanted: list[Message], *, life_of: Callable[[asyncio.TaskGroup], Life]
) -> Life:
    """Do all steps, read until nothing more comes, and leave."""
    async with asyncio.TaskGroup() as tasks:
        life = life_of(tasks)
        life.change([(id_, Look(place=place)) for id_, place in zip("abc", _PLACES, strict=True)])
        for one in wanted:
            life.subscribe(one)
        for name, argument in steps:
            done = getattr(life, name)(argument)
            if done is not None:
                await done
        await life.settle()
        life.end()
    return life


@settings(max_examples=200)
@given(steps=_STEPS, high_water=st.sampled_from([600, 3000, 100_000]), tail=st.sampled_from([2, 10, 1000]))
def test_client_ends_with_the_servers_state(steps: list[tuple[str, Any]], high_water: int, tail: int) -> None:
    """For any changes, cuts, stalls and subscriptions the client ends with what the server has, in order, once."""
    wanted: list[Message] = [{"id": "x", "area": {"everywhere": True}}]
    life = asyncio.run(_live(steps, wanted, life_of=lambda tasks: Life(tasks, high_water=high_water, tail=tail)))
    assert life.held.features == life.expected()


@settings(max_examples=200)
@given(
    steps=_DRIVES,
    asked=st.lists(st.sampled_from(_DRIVEN), min_size=1, max_size=2),
    high_water=st.sampled_from([600, 3000, 100_000]),
    tail=st.sampled_from([2, 1000]),
)
def test_driver_ends_with_the_servers_state(
    steps: list[tuple[str, Any]], asked: list[Message], high_water: int, tail: int
) -> None:
    """The same for drivers, whatever the clock brings and wherever they say they are."""
    wanted: list[Message] = [{"id": id_, **one} for id_, one in zip("xy", asked, strict=False)]
    life = asyncio.run(_live(steps, wanted, life_of=lambda tasks: Life(tasks, high_water=high_water, tail=tail)))
    assert life.held.features == life.driven()
