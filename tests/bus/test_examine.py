"""Whether a server can carry news, told before a node starts."""

from __future__ import annotations

import pytest

from geoworks.bus.jetstream import examine
from geoworks.config.nodes import BusKind, BusTable
from geoworks.errors import BusError
from tests.bus.nodes import running_node, settings_of
from tests.nats_server import running_nats


async def test_a_server_that_fits_is_described() -> None:
    """Its version and address are told, and whether the stream is there; nothing is made."""
    with running_nats() as server:
        settings = settings_of(server)
        found = await examine(settings)
        assert found.startswith("NATS 2.")
        assert found.endswith(f"at {server.url} with JetStream; the stream geoworks will be made")
        assert await examine(settings) == found
        async with running_node(settings):
            assert (await examine(settings)).endswith("the stream geoworks is there")


async def test_a_server_that_is_away_is_told() -> None:
    """A server that does not run is an error with its mend."""
    with running_nats() as server:
        server.kill()
        with pytest.raises(BusError, match="see that the NATS server runs"):
            await examine(settings_of(server))


async def test_a_server_that_hangs_is_told() -> None:
    """A server that does not answer is an error, within seconds."""
    with running_nats() as server:
        server.pause()
        with pytest.raises(BusError, match="does not answer"):
            await examine(settings_of(server))


async def test_a_server_without_jetstream_is_told() -> None:
    """A server without JetStream is an error that tells how to start it."""
    with running_nats(jetstream=False) as server, pytest.raises(BusError, match="nats-server with -js"):
        await examine(settings_of(server))


async def test_a_server_that_takes_small_messages_only_is_told() -> None:
    """A `max_payload` in which hardly a change fits is an error."""
    with running_nats(more="max_payload: 8192") as server, pytest.raises(BusError, match="set max_payload"):
        await examine(settings_of(server))


@pytest.mark.parametrize(
    "address",
    [
        "http://town:s3cret@127.0.0.1",
        "nats://town:s3cret@",
        "nats://town:s3cret@host:port",
        "town:s3cret@a b:1",
        "",
        "ws://s3cret@h",
    ],
)
async def test_an_address_that_is_none_is_told_without_its_password(address: str) -> None:
    """An address that no server can have is an error, which does not show the password."""
    with pytest.raises(BusError, match="nats_servers") as told:
        await examine(BusTable(kind=BusKind.NATS, nats_servers=(address,)))
    assert "s3cret" not in str(told.value)


async def test_another_server_than_nats_is_told() -> None:
    """A port on which another protocol is spoken is an error."""
    with running_nats(mqtt=True) as server:
        settings = BusTable(kind=BusKind.NATS, nats_servers=(f"nats://127.0.0.1:{server.mqtt_port}",))
        with pytest.raises(BusError, match="see that"):
            await examine(settings)
