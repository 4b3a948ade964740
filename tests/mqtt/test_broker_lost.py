"""Brokers that are killed, hang, refuse or are not there: told once, and all is right when they are back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from msgspec import structs

from geoworks.pipeline import works
from tests.mqtt.town import settings_of, telling
from tests.mqtt.vehicle import driving
from tests.nats_server import NatsServer, running_nats
from tests.pipeline.house import House, put


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
