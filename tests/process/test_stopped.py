"""The service asked to stop: clients are told, what was taken is finished, and it goes quickly."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed
from yarl import URL

from geoworks.hub.codes import Code
from tests.process.service import Service, feature, gather, launch, serving, titles
from tests.web.driver import Driver

_EVERYTHING = {"id": "all", "area": {"everywhere": True}}
# Much less than the minute a caller would wait for a hung process, much more than a slow machine needs.
_QUICK_S = 20


async def hear_to_the_end(driver: Driver) -> tuple[str, int]:
    """Take messages until the connection is closed; return the type of the last one and the code."""
    with pytest.raises(ConnectionClosed):
        await driver.hear_until("the end")
    assert driver.socket.close_code
    return driver.held.seen[-1]["type"], driver.socket.close_code


async def post_until_stopped(client: aiohttp.ClientSession, service: Service, headers: dict[str, str]) -> list[str]:
    """Post works one after the other until the service takes no more; return the accepted ones."""
    accepted: list[str] = []
    while True:
        title = f"works {len(accepted)}"
        try:
            async with client.post(service.base.join(URL("/v1/works")), json=feature(title), headers=headers) as answer:
                if answer.status != 201:
                    assert (answer.status, (await answer.json(content_type=None))["code"]) == (503, "stopping")
                    return accepted
                accepted.append((await answer.json(content_type=None))["id"])
        except aiohttp.ClientError:
            return accepted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_gently(tmp_path: Path, number: signal.Signals) -> None:
    """Clients are told to come back; accepted writes are kept; more signals are harmless."""
    async with aiohttp.ClientSession() as client:
        async with serving(tmp_path) as service:
            headers = await service.key()
            drivers = [Driver(service.base, _EVERYTHING) for _ in range(3)]
            for driver in drivers:
                await driver.come()
                await driver.hear_until("caught_up")
            async with asyncio.TaskGroup() as group:
                posting = [group.create_task(post_until_stopped(client, service, headers)) for _ in range(4)]
                await drivers[0].hear_until("put")
                service.process.send_signal(number)
                service.process.send_signal(number)
                async with asyncio.timeout(_QUICK_S):
                    assert await gather(map(hear_to_the_end, drivers)) == [("notice", Code.GOING_AWAY.number)] * 3
                    service.process.send_signal(number)
                    assert await service.ended() == 0
            assert not (service.data_dir / "geoworks.sock").exists()
            assert "Traceback" not in service.told()
        accepted = {id_ for task in posting for id_ in task.result()}
        async with serving(tmp_path) as again:
            assert accepted
            assert accepted <= (await titles(client, again.base)).keys()


async def test_stopped_while_it_starts(tmp_path: Path) -> None:
    """A signal that comes while the town is being opened ends the service as cleanly, once it is open."""
    process = await launch(tmp_path, "serve")
    lock = tmp_path / "data" / "geoworks.lock"
    async with asyncio.timeout(_QUICK_S * 2):
        while not lock.exists():  # noqa: ASYNC110 - nobody tells of a file in another process's folder
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert (tmp_path / "stderr").read_text() == ""
