"""News between nodes through a real NATS server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import nats
import pytest
from msgspec import structs
from nats.aio.client import Client

from geoworks.bus import nats as bus
from geoworks.bus.jetstream import make_stream
from geoworks.bus.line import Line
from geoworks.bus.message import Message, write_change
from geoworks.config.nodes import BusTable
from geoworks.errors import BusError
from geoworks.model.wire import Wire
from geoworks.nodes import Followed
from tests.bus.nodes import EPOCH, followed, running_node, settings_of, told
from tests.nats_server import NatsServer, running_nats


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """Run a server with JetStream."""
    with running_nats() as server:
        yield server


@asynccontextmanager
async def anybody(server: NatsServer) -> AsyncIterator[Client]:
    """Connect to the server as somebody who is no node."""
    client = await nats.connect(server.url)
    try:
        yield client
    finally:
        await client.close()


async def test_nodes_hear_what_one_of_them_numbered(server: NatsServer) -> None:
    """All nodes hear all changes, in their order and byte for byte, of the log they belong to."""
    settings, changes = settings_of(server), [followed(offset) for offset in range(1, 1001)]
    async with running_node(settings) as one, running_node(settings) as other:
        for start in range(0, 1000, 100):
            one.bus.tell_numbered(EPOCH, changes[start : start + 100])
        for node in (one, other):
            await node.ear.until(lambda node=node: len(node.ear.changes) >= 1000)  # type: ignore[misc]
            wire = Wire(Followed)
            assert [wire.write(change) for change in node.ear.changes] == [wire.write(told(one)) for one in changes]
            assert node.ear.epochs == {EPOCH}
            assert node.ear.hints == 0
            assert node.bus.trouble == ""


async def test_all_hear_that_something_was_written(server: NatsServer) -> None:
    """Who writes is heard by every node, once for what was said within some milliseconds, and nothing is kept of it."""
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other, anybody(server) as client:
        for _ in range(500):
            one.bus.tell_written()
        await one.ear.until(lambda: one.ear.writings > 0)
        await other.ear.until(lambda: other.ear.writings > 0)
        one.bus.tell_numbered(EPOCH, [followed(1)])
        await other.ear.until(lambda: bool(other.ear.changes))
        assert other.ear.writings <= 2
        assert (await client.jetstream().stream_info(settings.stream)).state.messages == 1


async def test_a_change_is_told_once(server: NatsServer) -> None:
    """A change that two leaders tell, one after the other, is heard once."""
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other:
        one.bus.tell_numbered(EPOCH, [followed(1), followed(2)])
        await other.ear.until(lambda: other.ear.offsets == [1, 2])
        other.bus.tell_numbered(EPOCH, [followed(1), followed(2), followed(3)])
        await other.ear.until(lambda: 3 in other.ear.offsets)
        assert other.ear.offsets == [1, 2, 3]


async def test_the_log_has_to_be_read_after_a_crash(server: NatsServer, caplog: pytest.LogCaptureFixture) -> None:
    """A crash of the server is told as trouble; when it is back nodes are told to read the log, and news passes."""
    caplog.set_level(logging.INFO, "geoworks.bus")
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other:
        caplog.clear()
        server.kill()
        await one.until_trouble("see that the NATS server runs")
        await other.until_trouble("see that the NATS server runs")
        one.bus.tell_numbered(EPOCH, [followed(1)])
        server.start()
        await other.ear.until(lambda: other.ear.hints > 0)
        assert other.bus.trouble == ""
        await one.until_trouble()
        one.bus.tell_numbered(EPOCH, [followed(2)])
        await other.ear.until(lambda: 2 in other.ear.offsets)
    levels = [record.levelname for record in caplog.records if record.name.startswith("geoworks.bus")]
    assert levels.count("INFO") == 2
    assert 2 <= levels.count("WARNING") <= 4


async def test_nodes_wait_for_a_server_that_is_away(server: NatsServer) -> None:
    """A node that starts before the server joins when it is there, and sends what it told meanwhile."""
    server.kill()
    settings = settings_of(server)
    async with running_node(settings, joined=False) as one:
        await one.until_trouble(server.url, "see that the NATS server runs")
        one.bus.tell_numbered(EPOCH, [followed(1)])
        one.bus.tell_written()
        server.start()
        await one.ear.until(lambda: one.ear.offsets == [1])
        assert one.bus.trouble == ""


async def test_a_server_that_hangs_is_trouble(server: NatsServer) -> None:
    """A server that answers nothing is told as trouble; when it goes on, nodes read the log and news passes."""
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other:
        server.pause()
        one.bus.tell_numbered(EPOCH, [followed(offset, reach=2000) for offset in range(1, 501)])
        await one.until_trouble("see that the server")
        await other.until_trouble("see that the server")
        server.resume()
        await one.until_trouble()
        await other.ear.until(lambda: other.ear.hints > 0)
        await other.until_trouble()
        one.bus.tell_numbered(EPOCH, [followed(1000)])
        await other.ear.until(lambda: 1000 in other.ear.offsets)


async def test_a_node_that_stops_while_the_server_hangs_leaves_nothing(server: NatsServer) -> None:
    """A node ends at once, also with bytes that the server does not take."""
    settings = settings_of(server)
    async with running_node(settings) as one:
        server.pause()
        one.bus.tell_numbered(EPOCH, [followed(offset, reach=2000) for offset in range(1, 501)])
        await asyncio.sleep(0)
        one.bus.tell_written()


async def test_a_stream_that_somebody_removed_is_made_anew(server: NatsServer) -> None:
    """Nodes notice that the stream is gone, make it anew, read the log, and go on."""
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other, anybody(server) as client:
        assert await client.jetstream().delete_stream(settings.stream)
        one.bus.tell_numbered(EPOCH, [followed(1)])
        await one.ear.until(lambda: one.ear.hints > 0)
        await other.ear.until(lambda: other.ear.hints > 0)
        await one.until_trouble()
        one.bus.tell_numbered(EPOCH, [followed(2)])
        await other.ear.until(lambda: 2 in other.ear.offsets)
        await other.until_trouble()


async def test_a_removed_stream_is_noticed_in_silence(server: NatsServer) -> None:
    """Nodes notice it without anything to tell."""
    settings = settings_of(server)
    async with running_node(settings) as one, anybody(server) as client:
        assert await client.jetstream().delete_stream(settings.stream)
        await one.ear.until(lambda: one.ear.hints > 0)
        assert (await client.jetstream().stream_info(settings.stream)).config.subjects == ["geoworks.log"]


async def test_a_large_change_is_told_by_a_hint(server: NatsServer) -> None:
    """A change that fits in no message lets the others read the log."""
    settings = settings_of(server)
    async with running_node(settings) as one, running_node(settings) as other:
        one.bus.tell_numbered(EPOCH, [followed(1), followed(2, reach=40_000), followed(3)])
        await other.ear.until(lambda: other.ear.offsets == [1, 3] and other.ear.hints > 0)


async def test_a_change_larger_than_the_server_takes_is_told_by_a_hint() -> None:
    """A small `max_payload` is told as trouble with its mend, and what does not fit as a hint."""
    with running_nats(more="max_payload: 8192") as server:
        settings = settings_of(server)
        async with running_node(settings) as one, running_node(settings) as other:
            assert "set max_payload" in one.bus.trouble
            one.bus.tell_numbered(EPOCH, [followed(1), followed(2, reach=1000), followed(3)])
            await other.ear.until(lambda: other.ear.offsets == [1, 3] and other.ear.hints > 0)


async def test_too_much_to_send_becomes_a_hint(server: NatsServer) -> None:
    """What waits for the server is bounded: past the bound one hint stands for all."""
    settings = settings_of(server)
    async with running_node(settings) as other, running_node(settings) as one:
        other.ear.hints = 0
        one.bus.tell_numbered(EPOCH, [followed(offset) for offset in range(1, 10_002)])
        await other.ear.until(lambda: other.ear.hints > 0)
        assert other.ear.changes == []
        one.bus.tell_numbered(EPOCH, [followed(10_002)])
        await other.ear.until(lambda: other.ear.offsets == [10_002])


async def test_what_anybody_else_writes_is_a_hint(server: NatsServer, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that no node wrote let nodes read the log, are told in the log once, and the next change is heard."""
    settings = settings_of(server)
    good = write_change(EPOCH, followed(9))
    async with running_node(settings) as one, anybody(server) as client:
        await client.publish("geoworks.log", b"nonsense")
        await one.ear.until(lambda: one.ear.hints == 1)
        await client.publish("geoworks.log", b"nonsense", headers={"epoch": EPOCH})
        await one.ear.until(lambda: one.ear.hints == 2)
        await client.publish("geoworks.log", good.body, headers={"epoch": "not a log"})
        await one.ear.until(lambda: one.ear.hints == 3)
        await client.publish("geoworks.log", b"", headers=Message(EPOCH, 0).headers)
        await one.ear.until(lambda: one.ear.hints == 4)
        await client.publish("geoworks.log", good.body, headers=good.headers)
        await one.ear.until(lambda: one.ear.offsets == [9])
        assert one.bus.trouble == ""
    assert sum("cannot be read" in record.message for record in caplog.records) == 1


async def test_a_server_without_jetstream_is_trouble() -> None:
    """The trouble says how to start the server, and when that was done news passes."""
    with running_nats(jetstream=False) as server:
        async with running_node(settings_of(server), joined=False) as one:
            await one.until_trouble("has no JetStream", "nats-server with -js")


async def test_a_stream_of_somebody_else_is_trouble(server: NatsServer) -> None:
    """A stream of our name with other subjects is left as it is; the trouble says what to do."""
    async with anybody(server) as client:
        await client.jetstream().add_stream(name="geoworks", subjects=["orders.*"])
        async with running_node(settings_of(server), joined=False) as one:
            await one.until_trouble("orders.*", "bus.stream")
        assert (await client.jetstream().stream_info("geoworks")).config.subjects == ["orders.*"]


async def test_a_subject_that_another_stream_takes_is_trouble(server: NatsServer) -> None:
    """The trouble says that another stream has our subject."""
    async with anybody(server) as client:
        await client.jetstream().add_stream(name="all", subjects=["geoworks.>"])
        async with running_node(settings_of(server), joined=False) as one:
            await one.until_trouble("bus.stream")


async def test_more_bytes_than_the_server_has_is_trouble(server: NatsServer) -> None:
    """The trouble names the setting to lower."""
    settings = structs.replace(settings_of(server), keep_bytes=10**15)
    async with running_node(settings, joined=False) as one:
        await one.until_trouble("lower bus.keep_bytes")


async def test_an_account_without_jetstream_is_trouble() -> None:
    """A server may have JetStream for others only; the trouble says so."""
    accounts = 'accounts { TOWN { users: [{ user: "town", password: "s3cret" }] }, OTHER { jetstream: enabled } }'
    with running_nats(more=accounts) as server:
        async with running_node(settings_of(server, login="town:s3cret@"), joined=False) as one:
            await one.until_trouble("enable JetStream for the account")


async def test_a_stream_takes_the_limits_of_the_settings(server: NatsServer) -> None:
    """Other limits in the settings of a node that starts are given to the stream that is there."""
    settings = settings_of(server)
    async with running_node(settings), anybody(server) as client:
        kept = (await client.jetstream().stream_info("geoworks")).config
        assert (kept.max_age, kept.max_bytes, kept.duplicate_window) == (600, 268_435_456, 120)
    shorter = structs.replace(settings, keep_s=60, keep_bytes=1_000_000)
    async with running_node(shorter), anybody(server) as client:
        kept = (await client.jetstream().stream_info("geoworks")).config
        assert (kept.max_age, kept.max_bytes, kept.duplicate_window) == (60, 1_000_000, 60)


async def test_the_password_is_needed_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password is trouble that shows none, the right one lets the node in; both stand in no log."""
    caplog.set_level(logging.DEBUG)
    with running_nats(secured=True) as server:
        for wrong in ("", "town:wr0ng@", "wr0ng-token@"):
            async with running_node(settings_of(server, login=wrong), joined=False) as one:
                trouble = await one.until_trouble("GEOWORKS_BUS_NATS_SERVERS")
                assert "wr0ng" not in trouble
        async with running_node(settings_of(server, login="town:s3cret@")) as one:
            one.bus.tell_numbered(EPOCH, [followed(1)])
            await one.ear.until(lambda: one.ear.offsets == [1])
            server.kill()
            assert "s3cret" not in await one.until_trouble("runs")
    assert "wr0ng" not in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_user_who_may_not_listen_is_trouble() -> None:
    """What the server does not allow is told with its mend."""
    users = 'authorization { users: [{ user: "town", password: "s3cret", permissions: { publish: "geoworks.log" } }] }'
    with running_nats(more=users) as server:
        async with running_node(settings_of(server, login="town:s3cret@"), joined=False) as one:
            await one.until_trouble("permissions violation", "let this user use")


async def test_the_next_server_is_taken_when_one_is_away(server: NatsServer) -> None:
    """Of several servers the one that answers carries the news."""
    with running_nats() as other:
        other.kill()
        settings = settings_of(server)
        both = structs.replace(settings, nats_servers=(other.url, server.url))
        async with running_node(both) as one:
            assert one.bus.trouble == ""


async def test_changes_that_went_missing_are_a_hint(server: NatsServer) -> None:
    """When a heartbeat counts more changes than came, or a change has no number, nodes read the log and go on."""
    settings, change = settings_of(server), write_change(EPOCH, followed(9))
    async with running_node(settings) as one, anybody(server) as client:
        inboxes = await client.subscribe("_INBOX.>")
        inbox = (await inboxes.next_msg(timeout=10)).subject
        await client.publish(inbox, headers={"Status": "100", "Nats-Last-Consumer": "999"})
        # The server's own next heartbeat counts none.
        await one.ear.until(lambda: one.ear.hints == 2)
        for count, reply in enumerate(("", "a.b"), 3):
            await client.publish(inbox, change.body, reply=reply, headers=change.headers)
            await one.ear.until(lambda count=count: one.ear.hints == count)  # type: ignore[misc]
        one.bus.tell_numbered(EPOCH, [followed(10)])
        await one.ear.until(lambda: 10 in one.ear.offsets)
        assert (one.ear.hints, one.bus.trouble) == (4, "")


async def test_headers_that_break_the_library_do_not_break_the_bus(server: NatsServer) -> None:
    """After bytes on which the library stops to read, the node connects again, reads the log and goes on."""
    settings, header = settings_of(server), b"NATS/1.0 \xff\xff\xff\r\n\r\n"
    async with running_node(settings) as one, running_node(settings) as other:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b'CONNECT {"headers":true,"verbose":false}\r\n')
        writer.write(b"HPUB geoworks.log %d %d\r\n%b\r\nPING\r\n" % (len(header), len(header), header))
        async with asyncio.timeout(10):
            while b"PONG" not in await reader.readline():
                pass
        writer.close()
        await writer.wait_closed()
        for node in (one, other):
            await node.ear.until(lambda node=node: node.ear.hints > 0)  # type: ignore[misc]
            await node.until_trouble()
        one.bus.tell_numbered(EPOCH, [followed(1)])
        await other.ear.until(lambda: other.ear.offsets == [1])


@pytest.mark.parametrize("answers", [True, False])
async def test_a_library_that_does_not_hear_that_it_is_cancelled(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch, *, answers: bool
) -> None:
    """A node that is to end while it connects does end, whether the connection comes or not."""
    asked = asyncio.Event()

    async def deaf(line: Line, settings: BusTable) -> None:
        if not asked.is_set():
            with suppress(asyncio.CancelledError):
                asked.set()
                await asyncio.Event().wait()
            if not answers:
                raise BusError("no answer")
        await make_stream(line, settings)

    monkeypatch.setattr(bus, "make_stream", deaf)
    async with running_node(settings_of(server), joined=False):
        await asked.wait()
