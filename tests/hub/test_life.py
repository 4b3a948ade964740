"""Whatever happens, a client ends with what the server has."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoworks.config.settings import Stream
from geoworks.hub.messages import Wanted
from geoworks.hub.question import compile_test, read_question
from geoworks.hub.session import Session
from geoworks.model.change import Key, Kind
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from tests.hub.client import FeatureKey, Held, MemoryOutlet, Message
from tests.hub.town import Look, Town, works_record

_PLACES = [shapely.Point(2.30, 48.63), shapely.Point(2.31, 48.63), shapely.Point(2.32, 48.63)]
_AREAS: list[Message] = [
    {"everywhere": True},
    {"zones": ["gare"]},
    {"bbox": [2.295, 48.62, 2.315, 48.64]},
    {"circle": {"center": [2.32, 48.63], "radius_m": 100}},
]
_LOOKS = st.builds(
    Look,
    place=st.sampled_from(_PLACES),
    severity=st.sampled_from([Severity.LOW, Severity.HIGH]),
    status=st.sampled_from([Status.ACTIVE, Status.ACTIVE, Status.COMPLETED]),
    draft=st.sampled_from([False, False, False, True]),
    zones=st.sampled_from([(), ("gare",), ("gare", "nord")]),
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


class Life:
    """One client of a town, over many connections."""

    def __init__(self, tasks: asyncio.TaskGroup, *, high_water: int, tail: int) -> None:
        """Connect for the first time."""
        self.town = Town(settings=Stream(high_water_bytes=high_water), tail=tail)
        self.held = Held()
        self.wanted: dict[str, Message] = {}
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
            assert message["type"] != "error", message
            self.held.hear(message)

    def cut(self, frames: int) -> None:
        """Lose the connection after some more frames; come back and resume."""
        self.take(frames)
        self.end()
        self._connect()
        if self.held.cursor and self.held.filters and self.wanted:
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
            for wanted in self.wanted.values():
                self._send({"type": "subscribe", **wanted})

    def subscribe(self, wanted: Message) -> None:
        """Ask one more question, or another one under an old name."""
        self.wanted[wanted["id"]] = wanted
        self.held.filters = None
        self._send({"type": "subscribe", **wanted})

    def unsubscribe(self, id_: str) -> None:
        """Ask a question no more."""
        if self.wanted.pop(id_, None):
            self.held.filters = None
            self._send({"type": "unsubscribe", "id": id_})

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
        tests = [compile_test(read_question(msgspec.convert(wanted, Wanted))) for wanted in self.wanted.values()]
        return {
            (entry.record.key.kind.value, entry.record.key.id): msgspec.json.decode(entry.body)
            for entry in self.town.state.of_kind(Kind.WORKS)
            if any(test(entry.record.key, entry.keys) for test in tests)
        }

    def _connect(self) -> None:
        self.outlet = MemoryOutlet(self._tasks)
        self.session = self.town.hub.connect(self.outlet)

    def _send(self, message: Message) -> None:
        self.session.receive(msgspec.json.encode(message).decode())


@settings(max_examples=200)
@given(steps=_STEPS, high_water=st.sampled_from([600, 3000, 100_000]), tail=st.sampled_from([2, 10, 1000]))
def test_client_ends_with_the_servers_state(steps: list[tuple[str, Any]], high_water: int, tail: int) -> None:
    """For any changes, cuts, stalls and subscriptions the client ends with what the server has, in order, once."""

    async def live() -> None:
        async with asyncio.TaskGroup() as tasks:
            life = Life(tasks, high_water=high_water, tail=tail)
            life.change([(id_, Look(place=place)) for id_, place in zip("abc", _PLACES, strict=True)])
            life.subscribe({"id": "x", "area": {"everywhere": True}})
            for name, argument in steps:
                done = getattr(life, name)(argument)
                if done is not None:
                    await done
            await life.settle()
            assert life.held.features == life.expected()
            life.end()

    asyncio.run(live())
