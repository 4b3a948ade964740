"""What the hub does for all connections together."""

from __future__ import annotations

import asyncio
import functools
import itertools
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from geoworks.config.settings import Stream
from geoworks.hub import hub
from geoworks.hub.codes import Code
from geoworks.hub.counters import Counters, Delays
from geoworks.hub.farewell import spread
from geoworks.hub.session import Session
from tests.hub.client import MemoryOutlet, Work
from tests.hub.town import Look, Town, works_record

_SUBSCRIBE = '{"type":"subscribe","id":"all","area":{"everywhere":true}}'


class CountingOutlet(MemoryOutlet):
    """A socket in memory that counts how often it is written to."""

    writes = 0
    on_close: Callable[[], None] | None = None

    def close(self, code: int, reason: str) -> None:
        """Note how it was closed, and leave if that is wanted."""
        super().close(code, reason)
        if self.on_close:
            self.on_close()

    def write(self, data: bytes) -> None:
        """Take bytes of the hub."""
        self.writes += 1
        super().write(data)


def _live(town: Town, tasks: Work) -> tuple[CountingOutlet, Session]:
    outlet = CountingOutlet(tasks)
    session = town.hub.connect(outlet)
    session.receive(_SUBSCRIBE)
    outlet.take()
    outlet.writes = 0
    return outlet, session


async def test_idle_hub_writes_at_once(tasks: Work) -> None:
    """When nothing was written just before, a change is on the socket before `publish` returns."""
    town = Town()
    outlet, _ = _live(town, tasks)
    town.publish_works("a")
    assert [message["type"] for message in outlet.take()] == ["put"]


async def test_changes_that_come_fast_are_joined(tasks: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes that come within the pause after a write share the next one, for every socket the same bytes."""
    # However slow the machine is: here they all come within the pause.
    monkeypatch.setattr(hub, "_JOIN_S", 60.0)
    town = Town()
    outlets = [_live(town, tasks)[0] for _ in range(3)]
    for number in range(50):
        town.publish_works(f"{number}")
    assert [outlet.writes for outlet in outlets] == [1, 1, 1]
    town.hub.flush()
    assert [outlet.writes for outlet in outlets] == [2, 2, 2]
    assert len({bytes(outlet.buffer) for outlet in outlets}) == 1
    assert len(outlets[0].take()) == 50
    assert town.hub.counters.sent == 150


async def test_pause_ends_by_itself(tasks: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to be joined is written a moment later, without another change."""
    # Long enough for a slow machine to write both within it.
    monkeypatch.setattr(hub, "_JOIN_S", 0.3)
    town = Town()
    outlet, _ = _live(town, tasks)
    town.publish_works("a")
    town.publish_works("b")
    assert outlet.writes == 1
    async with asyncio.timeout(5):
        while outlet.writes < 2:  # noqa: ASYNC110 - the pause has no signal
            await asyncio.sleep(0.001)


async def test_delay_is_counted_from_the_commit(tasks: Work) -> None:
    """The counters keep how long it took from the commit of a change to its writing."""
    town = Town()
    _live(town, tasks)
    assert town.hub.counters.delays is None
    town.durable_s = time.monotonic() - 2
    town.put(works_record("a", Look()))
    # The town's own clock may be shifted, and is: it has no say in this.
    town.clock.advance(timedelta(seconds=100))
    town.publish()
    delays = town.hub.counters.delays
    assert delays is not None
    assert 2 <= delays.p50 == delays.p99 < 50
    assert town.hub.counters.published == 1


def test_percentiles_of_delays() -> None:
    """Half, 95 and 99 of 100 of the last delays are no longer than what is told; older ones are forgotten."""
    counters = Counters()
    for _ in range(100):
        counters.note_delay(99.0)
    for delay in range(1, 1025):
        counters.note_delay(delay / 1024)
    assert counters.delays == Delays(512 / 1024, 973 / 1024, 1014 / 1024)


async def test_store_learns_what_was_told(tasks: Work) -> None:
    """The highest offset that clients may know is noted in the store."""
    town = Town()
    running = tasks.create_task(town.hub.run())
    town.publish_works("a")
    town.publish_works("b")
    async with asyncio.timeout(5):
        while town.log.highest_told < 2:  # noqa: ASYNC110 - the log in memory has no signal
            await asyncio.sleep(0.001)
    assert not running.done()


async def test_heartbeats_are_spread(tasks: Work) -> None:
    """Every live connection gets a heartbeat each period, but not all in the same moment."""
    town = Town(settings=Stream(heartbeat_s=0.4, pong_s=10))
    outlets = [_live(town, tasks)[0] for _ in range(8)]
    tasks.create_task(town.hub.run())
    async with asyncio.timeout(5):
        while not any(outlet.writes for outlet in outlets):  # noqa: ASYNC110 - sockets in memory have no signal
            await asyncio.sleep(0.001)
        assert not all(outlet.writes for outlet in outlets)
        while not all(outlet.writes for outlet in outlets):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.001)
    assert outlets[0].take()[0] == {"type": "heartbeat", "cursor": "epoch1.0"}


async def test_drain_cuts_who_does_not_leave(tasks: Work) -> None:
    """At the end everybody gets a notice and a close; who stays all the same is cut."""
    town = Town()
    polite, polite_session = _live(town, tasks)
    stubborn, stubborn_session = _live(town, tasks)
    draining = tasks.create_task(town.hub.drain(0.2))
    await asyncio.sleep(0)
    for outlet in (polite, stubborn):
        assert [message["type"] for message in outlet.take()] == ["notice"]
        assert outlet.closed is not None
        assert outlet.closed[0] == Code.GOING_AWAY.number
    town.hub.disconnect(polite_session)
    await draining
    assert (polite.aborted, stubborn.aborted) == (False, True)
    town.hub.disconnect(stubborn_session)
    assert town.hub.counters.connected == 0


async def test_clients_come_back_spread_over_time(tasks: Work) -> None:
    """Each client is told another time to come back, and none comes back before the last connection was closed."""
    town = Town()
    live = [_live(town, tasks) for _ in range(120)]
    loop = asyncio.get_running_loop()
    closed_at: dict[int, float] = {}
    for number, (outlet, session) in enumerate(live):
        outlet.on_close = functools.partial(_leave, town, session, closed_at, number)
    await town.hub.drain(1.0)
    over = loop.time()
    told = [outlet.take()[0]["retry_after_s"] for outlet, _ in live]
    back_at = sorted(closed_at[number] + wait_s for number, wait_s in enumerate(told))
    assert len(set(told)) == len(live)
    assert back_at[0] >= max(closed_at.values())
    assert 0.2 < back_at[-1] - back_at[0] < 2
    assert over - max(closed_at.values()) < 0.5, "it waited for those who had left"


async def test_who_comes_when_all_are_leaving(tasks: Work) -> None:
    """Whose handshake ends when all others have been told is told and closed like them, in a turn of its own."""
    town = Town()
    polite, polite_session = _live(town, tasks)
    draining = tasks.create_task(town.hub.drain(5))
    await asyncio.sleep(0)
    late = [CountingOutlet(tasks) for _ in range(2)]
    sessions = [town.hub.connect(outlet) for outlet in late]
    told = [outlet.take() for outlet in (*late, polite)]
    assert [[message["type"] for message in one] for one in told] == [["hello", "notice"]] * 2 + [["notice"]]
    assert len({one[-1]["retry_after_s"] for one in told}) == 3
    assert [outlet.closed and outlet.closed[0] for outlet in late] == [Code.GOING_AWAY.number] * 2
    assert not draining.done(), "it waits for them too"
    for session in (polite_session, *sessions):
        town.hub.disconnect(session)
    await draining
    assert not late[0].aborted


async def test_who_is_being_closed_is_told_nothing(tasks: Work) -> None:
    """Nothing follows the close of a connection, a farewell neither."""
    town = Town()
    outlet, session = _live(town, tasks)
    session.close(Code.SILENT, "")
    town.hub.connect(CountingOutlet(tasks))
    await town.hub.drain(0.1)
    assert outlet.writes == 0
    assert outlet.aborted


def _leave(town: Town, session: Session, closed_at: dict[int, float], number: int) -> None:
    closed_at[number] = asyncio.get_running_loop().time()
    town.hub.disconnect(session)


def test_ten_thousand_come_back_within_seconds() -> None:
    """However many there are, all are back after some seconds, and no two in the same tenth of a millisecond."""
    waits_s = list(itertools.islice(spread(10_000), 10_000))
    assert len(set(waits_s)) == 10_000
    assert max(waits_s) < 10


async def test_forgotten_audiences_cost_nothing(tasks: Work) -> None:
    """When the last one who asks a question leaves, the matcher forgets the question."""
    town = Town()
    _, session = _live(town, tasks)
    assert town.hub.questions == 1
    town.hub.disconnect(session)
    assert town.hub.questions == 0
