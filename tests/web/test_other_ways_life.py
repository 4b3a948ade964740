"""Whatever happens, clients that only listen end with what the server has: by events and by long poll.

On real sockets and a real database. What `tests/hub/test_life.py` shows of the hub is shown here of the ways a client
keeps its place between two connections: `Last-Event-ID`, and `since`.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoworks.clock import ManualClock
from geoworks.model.change import Kind
from geoworks.model.impact import Impact, VehicleImpact
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works
from geoworks.pipeline.draft import works_key
from tests.hub.client import FeatureKey
from tests.web.events import Listener, Poller
from tests.web.house import NOW, House, opened
from tests.web.writing import FAR, NEAR, served, until

_QUESTIONS: list[dict[str, str]] = [
    {"everywhere": "true"},
    {"circle": "2.3057,48.6357,200"},
    {"bbox": "2.30,48.63,2.31,48.64", "min_severity": "high"},
]
_OVER = {"completed", "cancelled"}
# Matches every question; written last, whoever has it has all before it.
_MARK = "api:mark"


class Look(NamedTuple):
    """What of a works matters here; times are in minutes from when it is written."""

    place: shapely.Point = NEAR
    impact: VehicleImpact = VehicleImpact.ALL_LANES_CLOSED
    begins: int = 0
    lasts: int | None = None


_LOOKS = st.builds(
    Look,
    st.sampled_from([NEAR, FAR]),
    st.sampled_from([VehicleImpact.ALL_LANES_CLOSED, VehicleImpact.SOME_LANES_CLOSED]),
    st.sampled_from([0, 0, 60]),
    st.sampled_from([None, 30, 90]),
)
_BATCHES = st.lists(st.tuples(st.sampled_from(["api:a", "api:b"]), st.none() | _LOOKS), min_size=1, max_size=4)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), _BATCHES),
        st.tuples(st.just("hear"), st.integers(0, 4)),
        st.tuples(st.just("cut"), st.integers(0, 3)),
        st.tuples(st.just("poll"), st.none() | _BATCHES),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("pass_time"), st.sampled_from([20, 60])),
        st.tuples(st.just("forget"), st.none()),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("lose_history"), _BATCHES),
    ),
    min_size=6,
    max_size=24,
)


class Life:
    """A client of events and one that polls, of a town that is changed, stopped, started and restored."""

    def __init__(self, folder: Path, question: dict[str, str]) -> None:
        """Keep the town in a folder; call `open` first."""
        self._data, self._copy = folder / "data", folder / "copy"
        self._data.mkdir()
        self._question = question
        self._clock = ManualClock(NOW)
        self._stack = AsyncExitStack()
        self._marks = 0
        self._numbers = itertools.count()
        self._is_away = True
        self.house: House
        self.listener: Listener
        self.poller: Poller

    async def open(self) -> None:
        """Open the town and begin to listen."""
        await self._open()
        self.listener = Listener(self.house.client, self.house.base, **self._question)
        self.poller = Poller(self.house.client, self.house.base, **self._question)

    async def close(self) -> None:
        """Leave, and close the town."""
        await self._stop()

    async def change(self, batch: list[tuple[str, Look | None]]) -> None:
        """Write and cancel some works."""
        for id_, look in batch:
            if look is not None:
                await self._write(id_, look)
            elif self.house.town.state.get(works_key(id_)) is not None:
                await self.house.town.desk.submit(works.cancel(id_, actor="test"))

    async def hear(self, most: int | None) -> None:
        """Come if away, and hear so many events, or all there are."""
        if self._is_away:
            await self.listener.come()
            self._is_away = False
        await self._mark()
        while most != 0 and not self._has_all:
            await self.listener.hear()
            most = most and most - 1

    async def cut(self, after: int) -> None:
        """Lose the connection of the events after some more of them, with what was not heard."""
        if after:
            await self.hear(after)
        self.leave()

    def leave(self) -> None:
        """Lose the connection of the events at once."""
        if not self._is_away:
            self.listener.cut()
            self._is_away = True

    async def poll(self, meanwhile: list[tuple[str, Look | None]] | None) -> None:
        """Ask what changed; then, with nothing more to tell, wait while something is written."""
        await self.poller.poll()
        if meanwhile is None:
            return
        counters, before = self.house.town.hub.counters, int(not self._is_away)
        await until(lambda: counters.connected == before)
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(self.poller.poll(wait=30))
            await until(lambda: asking.done() or counters.connected > before)
            # Written at once, so that what is told first does not come alone.
            await asyncio.gather(self._mark(), self.change(meanwhile))

    async def lose(self, _: None) -> None:
        """Ask what changed and lose the answer."""
        await self.poller.drop()

    async def pass_time(self, minutes: int) -> None:
        """Let the clock go on, and with it what begins and ends."""
        self._clock.advance(timedelta(minutes=minutes))
        await self.house.town.timetable.tick()

    async def forget(self, _: None) -> None:
        """Drop the log up to now, so that who is behind has to begin anew."""
        after = self._clock.now() + timedelta(days=1)
        await self.house.town.store.prune(changes_before=after, now=self._clock.now())

    async def restart(self, _: None) -> None:
        """Stop the town and start it."""
        await self._stop()
        await self._start()

    async def lose_history(self, batch: list[tuple[str, Look | None]]) -> None:
        """Put the database of before some changes, which clients know, in its place, and write others instead."""
        database = self._data / "geoworks.db"
        await self._stop()
        shutil.copy(database, self._copy)
        await self._start()
        await self.change(batch)
        await self.hear(None)
        await self.poll(None)
        await self._stop()
        shutil.copy(self._copy, database)
        await self._start()
        await self.change(batch[::-1])
        # As many entries as the log had, and more: no offset tells that it is another one.
        for _ in range(2):
            await self._mark()

    def expected(self) -> dict[FeatureKey, Any]:
        """Return what clients should hold, told from the features alone."""
        return {key: feature for key, feature in served(self.house, Kind.WORKS).items() if self._is_asked(feature)}

    @property
    def _has_all(self) -> bool:
        held = self.listener.held
        mark = held.features.get(("works", _MARK))
        return held.cursor is not None and mark is not None and mark["properties"]["title"] == str(self._marks)

    def _is_asked(self, feature: Any) -> bool:  # noqa: ANN401 - a feature as JSON
        properties = feature["properties"]
        is_near = "everywhere" in self._question or feature["geometry"]["coordinates"][0] == NEAR.x
        is_severe = "min_severity" not in self._question or properties["severity"] in {"high", "blocked"}
        return is_near and is_severe and properties["status"] not in _OVER

    async def _stop(self) -> None:
        self.leave()
        await self._stack.aclose()

    async def _start(self) -> None:
        await self._open()
        for client in (self.listener, self.poller):
            client.turn_to(self.house.client, self.house.base)

    async def _open(self) -> None:
        self._stack = AsyncExitStack()
        self.house = await self._stack.enter_async_context(opened(self._data, self._clock))

    async def _mark(self) -> None:
        self._marks += 1
        await self._write(_MARK, Look(), title=str(self._marks))

    async def _write(self, id_: str, look: Look, *, title: str = "") -> None:
        start = self._clock.now() + timedelta(minutes=look.begins)
        end = None if look.lasts is None else start + timedelta(minutes=look.lasts)
        impact = Impact(vehicle_impact=look.impact)
        # Each write is another one, or nothing would be written.
        title = title or f"Travaux {next(self._numbers)}"
        given_ = Works(title=title, geometry=look.place, schedule=Schedule(start=start, end=end), impact=impact)
        await self.house.town.desk.submit(works.replace(id_, given_, actor="test"))


async def _live(steps: list[tuple[str, Any]], question: dict[str, str]) -> None:
    """Do all steps, take what is left to take, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), question)
        await life.open()
        try:
            for name, argument in steps:
                await getattr(life, name)(argument)
            await life.hear(None)
            await life.poll(None)
            expected = life.expected()
            assert life.listener.held.features == expected
            assert life.poller.held.features == expected
        finally:
            await life.close()


# Cut in the middle of a catch-up: what left, and changed once more, must have been told before what came after.
_LEFT = [
    ("change", [("api:a", Look())]),
    ("hear", 9),
    ("cut", 0),
    ("change", [("api:a", Look(place=FAR)), ("api:b", Look()), ("api:a", Look(place=FAR))]),
    ("cut", 1),
]


@settings(max_examples=80)
@example(steps=_LEFT, question=_QUESTIONS[1])
@given(steps=_STEPS, question=st.sampled_from(_QUESTIONS))
def test_listeners_end_with_the_servers_state(steps: list[tuple[str, Any]], question: dict[str, str]) -> None:
    """For any changes, cuts, lost answers, restarts and restored copies both hold what the server has, told once."""
    asyncio.run(_live(steps, question))
