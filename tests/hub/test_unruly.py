"""Clients that ask for too much, send what nobody may, fall silent or get stuck."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from geoworks.config.settings import Stream
from geoworks.hub.codes import Code
from geoworks.hub.session import Phase
from tests.hub.client import Message, Work
from tests.hub.link import Link, turns
from tests.hub.town import Town


async def test_ping(town: Town, tasks: Work) -> None:
    """A ping is answered by a pong, before and after subscribing."""
    link = Link(town, tasks)
    link.send("ping")
    link.subscribe()
    link.send("ping")
    assert link.types() == ["hello", "pong", "snapshot", "caught_up", "pong"]


async def test_too_many_subscriptions(tasks: Work) -> None:
    """Of 200 subscriptions the first 128 are served, the others refused; the connection goes on."""
    link = Link(Town(settings=Stream(messages_burst=200)), tasks)
    for number in range(200):
        link.subscribe(f"s{number}", {"zones": ["gare"]})
    errors = [message for message in link.hear() if message["type"] == "error"]
    assert {error["code"] for error in errors} == {Code.TOO_MANY_SUBSCRIPTIONS.number}
    assert [error["id"] for error in errors] == [f"s{number}" for number in range(128, 200)]
    assert len(link.session.subscriptions) == 128


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "unsubscribe", "id": "x"}, Code.UNKNOWN_SUBSCRIPTION),
        ({"type": "subscribe", "id": "x", "area": {}}, Code.AREA),
        ({"type": "resume", "since": "?", "filters": "", "subscriptions": [{"id": "x", "area": {}}]}, Code.CURSOR),
        ({"type": "nonsense"}, Code.UNKNOWN_TYPE),
    ],
)
async def test_error_leaves_the_connection_open(town: Town, tasks: Work, message: Message, code: Code) -> None:
    """A message that cannot be taken is answered by an error; the next one is served."""
    link = Link(town, tasks)
    link.session.receive(msgspec.json.encode(message).decode())
    link.subscribe()
    _, error, *rest = link.hear()
    assert (error["type"], error["code"], error["temporary"]) == ("error", code.number, False)
    assert [message["type"] for message in rest] == ["snapshot", "caught_up"]


async def test_frame_too_large(town: Town, tasks: Work) -> None:
    """A frame of 33 KiB is answered by an error that says how to mend it, and a close."""
    link = Link(town, tasks)
    link.session.receive(" " * 33 * 1024)
    assert link.hear()[1]["code"] == 1009
    assert link.outlet.closed is not None
    assert link.outlet.closed[0] == 1009


async def test_binary_frame(town: Town, tasks: Work) -> None:
    """A binary frame closes the connection."""
    link = Link(town, tasks)
    link.session.receive_binary()
    assert link.outlet.closed == (1003, "binary frames are not taken; send JSON in text frames")


async def test_client_that_sends_nothing_but_errors(town: Town, tasks: Work) -> None:
    """Who goes on sending what cannot be taken is shown out."""
    link = Link(town, tasks)
    for _ in range(110):
        link.session.receive("?")
    assert link.types() == ["hello"] + ["error"] * 100
    assert link.outlet.closed is not None
    assert link.outlet.closed[0] == Code.TOO_MANY_ERRORS.number


async def test_messages_that_pile_up(tasks: Work) -> None:
    """While a client does not read, only so many of its messages wait; the others are dropped."""
    town = Town(settings=Stream(high_water_bytes=600, subscriptions=4))
    town.publish_works("voirie:1")
    link = Link(town, tasks)
    link.subscribe("a")
    assert link.waits_for(Phase.SOCKET)
    for number in range(10):
        link.subscribe(f"b{number}")
    assert link.waits_for(Phase.SOCKET)
    while link.outlet.unsent() or link.session.waiting:
        link.hear()
        await turns()
    assert len(link.session.subscriptions) == 4


async def test_silent_client(town: Town, tasks: Work) -> None:
    """Who sends no message in time is shown out; who does may stay."""
    now = asyncio.get_running_loop().time()
    silent, speaking = Link(town, tasks), Link(town, tasks)
    speaking.send("ping")
    for link in (silent, speaking):
        link.session.tick(now + 11)
    assert silent.outlet.closed is not None
    assert silent.outlet.closed[0] == Code.SILENT.number
    assert speaking.outlet.closed is None


async def test_dead_client(town: Town, tasks: Work) -> None:
    """Who answers no ping within 8 seconds is cut; a sign of life saves."""
    now = asyncio.get_running_loop().time()
    dead, alive = Link(town, tasks), Link(town, tasks)
    for link in (dead, alive):
        link.subscribe()
        link.hear()
        link.session.beat(b"", now=now)
    alive.session.hear()
    for link in (dead, alive):
        link.session.tick(now + 9)
    assert dead.outlet.aborted
    assert not alive.outlet.aborted
    assert town.hub.counters.aborted == 1


async def test_stuck_client(tasks: Work) -> None:
    """Who takes nothing for 30 seconds is cut; who takes a little may stay."""
    town = Town(settings=Stream(high_water_bytes=1))
    town.publish_works("voirie:1")
    stuck, slow = Link(town, tasks), Link(town, tasks)
    now = asyncio.get_running_loop().time()
    for link in (stuck, slow):
        link.subscribe()
    for second in range(0, 70, 10):
        stuck.session.tick(now + second)
        slow.session.tick(now + second)
        del slow.outlet.buffer[:1]
    assert stuck.outlet.aborted
    assert not slow.outlet.aborted
