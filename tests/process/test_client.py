"""The Python client beside a real service that is killed, stops and comes back; and what it needs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from geoworks.client import Live, Lost, Notice, Resync, Snapshot, Stream, Subscription, connect, everywhere
from tests.process.service import WAIT_S, Service, serving, toml
from tests.process.test_watch import free_port, post


async def held_by(service: Service) -> dict[tuple[str, str], Any]:
    """Return what a service has."""
    async with aiohttp.ClientSession() as client, client.get(service.base.join(URL("/v1/works"))) as answer:
        features = json.loads(await answer.read())["features"]
    return {("works", one["id"]): one for one in features}


async def read_until(stream: Stream, title: str) -> list[object]:
    """Read until a works with a title is held and everything is told; return what was read."""
    told: list[object] = []
    async with asyncio.timeout(WAIT_S):
        while not (stream.cursor and title in [one["properties"]["title"] for one in stream.features.values()]):
            told.append(await anext(stream))
        while not isinstance(told[-1], Live):
            told.append(await anext(stream))
    return told


@pytest.mark.parametrize("stop", ["kill", "terminate"])
async def test_restart(tmp_path: Path, stop: str) -> None:
    """However the service ends, the client goes on where it was, without a snapshot, with what was written since."""
    port = free_port()
    config = toml().replace("port = 0", f"port = {port}")
    asked = Subscription(id="town", area=everywhere(), kinds=("works",))
    async with serving(tmp_path, config=config) as service:
        await post(service, "before")
        async with connect(f"http://127.0.0.1:{port}", [asked]) as stream:
            await read_until(stream, "before")
            await getattr(service, stop)()
            async with serving(tmp_path, config=config) as again:
                await post(again, "afterwards")
                told = await read_until(stream, "afterwards")
                assert dict(stream.features) == await held_by(again)
    assert not [change for change in told if isinstance(change, (Resync, Snapshot))]
    assert [change for change in told if isinstance(change, Lost)]
    assert bool([change for change in told if isinstance(change, Notice)]) == (stop == "terminate")


def test_needs_two_packages_only() -> None:
    """The client imports websockets and msgspec, and of the service the root of the errors."""
    program = "import sys; before = set(sys.modules); import geoworks.client; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-c", program]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    others = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    # msgspec takes in `typing_extensions` where something else has brought it.
    assert others - {"typing_extensions"} == {"geoworks", "msgspec", "websockets"}
    rooms = {name for name in imported if name.startswith("geoworks.") and not name.startswith("geoworks.client")}
    assert rooms == {"geoworks.errors"}
