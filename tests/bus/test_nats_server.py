"""The server that the tests of the bus run: what it stored outlives it, and it hangs when it is told to."""

from __future__ import annotations

import asyncio
import socket

import nats
import nats.aio.client
import nats.errors
import pytest

from tests.nats_server import running_nats


async def test_what_it_stored_outlives_a_crash() -> None:
    """A stream is there again, on the same port, after the server was killed."""
    with running_nats() as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="kept", subjects=["kept.log"])
        await client.close()
        server.kill()
        server.start()
        client = await nats.connect(server.url)
        assert (await client.jetstream().stream_info("kept")).config.subjects == ["kept.log"]
        await client.close()


async def test_a_paused_server_answers_when_it_goes_on() -> None:
    """A paused server keeps the connection open and answers after it was resumed."""
    with running_nats(jetstream=False) as server:
        client = await nats.connect(server.url)
        server.pause()
        answer = asyncio.ensure_future(client.flush(timeout=20))
        done, _ = await asyncio.wait({answer}, timeout=0.2)
        assert not done
        server.resume()
        await answer
        await client.close()


def test_it_listens_for_mqtt_when_asked() -> None:
    """It takes an MQTT CONNECT on a port of its own and says yes."""
    connect = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x0a\x00\x03cab"
    with running_nats(mqtt=True) as server, socket.create_connection(("127.0.0.1", server.mqtt_port), 10) as line:
        line.settimeout(10)
        line.sendall(connect)
        assert line.recv(4) == b"\x20\x02\x00\x00"


async def test_a_secured_server_asks_for_the_password() -> None:
    """A secured server lets nobody in without its password."""

    async def _told(_: Exception) -> None:
        pass

    with running_nats(secured=True) as server:
        client = nats.aio.client.Client()
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await client.connect(server.url, allow_reconnect=False, error_cb=_told)
        await client.close()
        client = await nats.connect(f"nats://town:s3cret@127.0.0.1:{server.port}")
        await client.close()
