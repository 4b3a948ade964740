"""Brokers that are killed, hang, refuse or are not there: told once, and all is right when they are back."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from geoworks.config.nodes import MqttTable
from geoworks.model.change import Cursor, Kind
from geoworks.model.works import Works
from geoworks.pipeline import works
from tests.mqtt.town import Town, settings_of, telling
from tests.mqtt.vehicle import WAIT_S, driving
from tests.nats_server import NatsServer, running_nats
from tests.pipeline.house import House, a_works, put

CONNACK_BYTES, SUBACK_BYTES = 4, 5


@pytest.fixture
def fragile() -> Iterator[NatsServer]:
    """Run a broker that a test may end."""
    with running_nats(mqtt=True) as server:
        yield server


async def test_a_broker_that_was_killed_gets_what_it_missed(
    house: House, fragile: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning when it is lost, one word when it is back, and then it holds what the town has."""
    caplog.set_level(logging.INFO)
    async with telling(house, settings_of(fragile)) as town:
        async with driving(fragile, "geoworks") as vehicle:
            await town.put("api:1")
            await town.put("api:2")
            await vehicle.until_topics("-/works/api:1", "-/works/api:2")
        fragile.kill()
        assert "start it or correct mqtt.url" in await town.until_trouble(is_there=True)
        await house.desk.submit(works.cancel("api:1", actor="test"))
        await town.put("api:3")
        fragile.start()
        await town.until_trouble(is_there=False)
        async with driving(fragile, "geoworks") as vehicle:
            await vehicle.until_topics("-/works/api:2", "-/works/api:3")
            await town.put("api:4")
            await vehicle.until_topics("-/works/api:2", "-/works/api:3", "-/works/api:4")
    assert caplog.text.count("is lost") == 1
    assert caplog.text.count("is back, and") == 1
    assert "begins again" not in caplog.text


async def test_a_broker_that_forgot_everything_is_filled_again(house: House) -> None:
    """On a new broker at the same address everything is put anew."""
    with running_nats(mqtt=True) as first:
        settings = settings_of(first)
        async with telling(house, settings) as town, driving(first, "geoworks") as vehicle:
            await town.put("api:1")
            await vehicle.until_topics("-/works/api:1")
    with running_nats(mqtt=True) as second:
        async with telling(house, settings_of(second)), driving(second, "geoworks") as vehicle:
            await vehicle.until_topics("-/works/api:1")


async def test_a_broker_that_hangs_is_lost_in_time(house: House, fragile: NatsServer) -> None:
    """A message that nobody takes breaks the connection; what was written meanwhile is told later."""
    async with telling(house, structs.replace(settings_of(fragile), timeout_s=0.5)) as town:
        async with driving(fragile, "geoworks") as vehicle:
            await town.put("api:1")
            await vehicle.until_topics("-/works/api:1")
        fragile.pause()
        await town.put("api:2")
        await town.until_trouble(is_there=True)
        await town.put("api:3")
        fragile.resume()
        await town.until_trouble(is_there=False)
        async with driving(fragile, "geoworks") as vehicle:
            await vehicle.until_topics("-/works/api:1", "-/works/api:2", "-/works/api:3")


async def test_a_town_may_stop_while_the_broker_hangs(house: House, fragile: NatsServer) -> None:
    """Neither a connection being made nor one in use keeps the town from stopping, and none stays open."""
    settings = structs.replace(settings_of(fragile), timeout_s=1.0)
    async with telling(house, settings) as town, driving(fragile, "geoworks") as vehicle:
        await town.put("api:1")
        await vehicle.until_topics("-/works/api:1")
    fragile.pause()
    async with telling(house, settings) as town:
        await town.until_trouble(is_there=True)
    async with telling(house, settings):
        pass
    fragile.resume()


async def test_a_broker_that_is_not_there_harms_nothing(
    house: House, fragile: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The town writes as ever; the password stands in no message."""
    fragile.kill()
    settings = settings_of(fragile)
    settings = structs.replace(settings, url=settings.url.replace("//", "//town:s3cret@"))
    async with telling(house, settings) as town:
        trouble = await town.until_trouble(is_there=True)
        await house.desk.submit(put("api:1"))
        fragile.start()
        await town.until_trouble(is_there=False)
    assert "127.0.0.1" in trouble
    assert "s3cret" not in trouble + caplog.text


async def test_a_broker_with_a_password_lets_in_who_has_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The name and password of the address are given; without the right ones the trouble says so, not which."""
    with running_nats(mqtt=True, secured=True) as broker:
        right, wrong = (
            structs.replace(settings_of(broker), url=f"mqtt://{login}@127.0.0.1:{broker.mqtt_port}")
            for login in ("town:s3cret", "town:s3crets")
        )
        async with telling(house, wrong) as town:
            trouble = await town.until_trouble(is_there=True)
        await house.desk.submit(put("api:1"))
        async with (
            telling(house, right),
            driving(broker, "geoworks", login=("town", "s3cret")) as vehicle,
        ):
            await vehicle.until_topics("-/works/api:1")
    assert "ot authori" in trouble
    assert "s3cret" not in trouble + caplog.text


async def test_a_broker_that_says_nothing_is_given_up(house: House) -> None:
    """A port that takes connections and never answers costs the time it has, and can be left at any moment."""
    talks: list[asyncio.StreamWriter] = []

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(writer)

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = MqttTable(url=f"mqtt://127.0.0.1:{port}", timeout_s=0.5)
    async with telling(house, settings) as town:
        assert "timed out" in await town.until_trouble(is_there=True)
    began = time.monotonic()
    async with telling(house, structs.replace(settings, timeout_s=60.0)):
        talked = len(talks)
        async with asyncio.timeout(WAIT_S):
            while len(talks) == talked:  # noqa: ASYNC110 - a reader has to ask
                await asyncio.sleep(0.01)
    assert time.monotonic() - began < WAIT_S
    silent.close()
    for writer in talks:
        writer.transport.abort()


@pytest.mark.parametrize("host", ["broker.invalid", "a" * 64 + ".example"])
async def test_a_broker_without_an_address_is_told_as_lost(house: House, host: str) -> None:
    """A name that DNS does not know, or cannot, is a trouble and no fault of the service."""
    async with telling(house, MqttTable(url=f"mqtt://{host}", timeout_s=5.0)) as town:
        assert host in await town.until_trouble(is_there=True)


async def test_an_idle_broker_that_hangs_is_noticed(house: House, fragile: NatsServer) -> None:
    """Without anything to tell, a broker that does not answer is lost all the same."""
    async with telling(house, structs.replace(settings_of(fragile), timeout_s=0.5)) as town:
        async with driving(fragile, "geoworks") as vehicle:
            await town.put("api:1")
            await vehicle.until_topics("-/works/api:1")
        fragile.pause()
        await town.until_trouble(is_there=True)
        fragile.resume()
        await town.until_trouble(is_there=False)


async def test_a_broker_that_dies_again_and_again(house: House, fragile: NatsServer) -> None:
    """Killed in the midst of a flow of changes, five times: in the end it holds what the town has."""
    async with telling(house, settings_of(fragile)) as town, asyncio.TaskGroup() as group:
        flowing = group.create_task(flow(town))
        for _ in range(5):
            fragile.kill()
            await town.until_trouble(is_there=True)
            fragile.start()
            await town.until_trouble(is_there=False)
        flowing.cancel()
        await house.quiet()
        expected = {
            f"-/works/{entry.record.key.id}": entry.record.given.title
            for entry in house.state.of_kind(Kind.WORKS)
            if entry.keys.visible and isinstance(entry.record.given, Works)
        }
        async with driving(fragile, "geoworks") as vehicle:
            await vehicle.until(lambda: vehicle.titles == expected)


async def flow(town: Town) -> None:
    """Write works and cancel them, without end."""
    for number in itertools.count():
        await town.put(f"api:{number % 20}", a_works(title=str(number)))
        await town.house.desk.submit(works.cancel(f"api:{number % 7}", actor="test"))
        await asyncio.sleep(0.001)


async def test_changes_that_waited_come_in_the_order_of_the_log(house: House, fragile: NatsServer) -> None:
    """After a while of silence each feature is told once, in its latest state, and cursors only grow."""
    async with (
        telling(house, structs.replace(settings_of(fragile), timeout_s=float(WAIT_S))) as town,
        driving(fragile, "geoworks") as vehicle,
    ):
        await town.put("api:first")
        await vehicle.until_topics("-/works/api:first")
        fragile.pause()
        for number in (*range(60), *range(59, 20, -2), *range(30, 50)):
            await town.put(f"api:{number}", a_works(title=str(house.state.cursor.offset)))
        fragile.resume()
        await vehicle.until(lambda: len(vehicle.held) == 61)
        await town.put("api:last")
        await vehicle.until(lambda: "-/works/api:last" in vehicle.topics)
    offsets = [Cursor.parse(json.loads(payload)["cursor"]).offset for _, payload in vehicle.heard]
    assert offsets == sorted(set(offsets))
    assert len(offsets) < 100


@asynccontextmanager
async def slow(broker: NatsServer, *, wait_s: float) -> AsyncIterator[int]:
    """Stand before a broker, on a port of its own, and hold back once what it sends after its first two answers."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    ends: list[asyncio.StreamWriter] = []

    async def stand_between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", broker.mqtt_port)
        ends.append(to_broker)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pass_on(reader, to_broker))
            for size in (CONNACK_BYTES, SUBACK_BYTES):
                writer.write(await from_broker.readexactly(size))
            await asyncio.sleep(wait_s)
            tasks.create_task(pass_on(from_broker, writer))

    async with await asyncio.start_server(stand_between, "127.0.0.1", 0) as server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            for end in ends:
                end.transport.abort()


async def test_a_broker_that_is_slow_to_tell_is_cleared_all_the_same(house: House, fragile: NatsServer) -> None:
    """What is retained and comes long after the subscription was taken is known before anything is put."""
    async with telling(house, settings_of(fragile)) as town, driving(fragile, "geoworks") as vehicle:
        await town.put("api:1")
        await town.put("api:2")
        await vehicle.until_topics("-/works/api:1", "-/works/api:2")
    await house.desk.submit(works.cancel("api:1", actor="test"))
    async with (
        slow(fragile, wait_s=1.5) as port,
        telling(house, MqttTable(url=f"mqtt://127.0.0.1:{port}", timeout_s=5.0)),
        driving(fragile, "geoworks") as vehicle,
    ):
        await vehicle.until_topics("-/works/api:2")
