"""The programs of docs/mqtt.md, each run as it stands against a real broker and a served town."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from geoworks.mqtt.publisher import MqttPublisher
from geoworks.pipeline import works
from geoworks.supervisor import background
from tests.mqtt.town import settings_of
from tests.nats_server import NatsServer, running_nats
from tests.shared import ROOT
from tests.web.house import House, opened
from tests.web.writing import write

_DOCUMENT = (ROOT / "docs" / "mqtt.md").read_text(encoding="utf-8")
_LISTENING, _COMING_BACK = re.findall(r"```python\n(.*?)```", _DOCUMENT, re.DOTALL)
_SUBSCRIBING = re.findall(r"^mosquitto_sub .*-t '(\S+)'", _DOCUMENT, re.MULTILINE)
# A bound only: a shared machine may take long to start a process.
_WAIT_S = 60


class Program:
    """A program of the page at work."""

    def __init__(self, process: Process) -> None:
        """Listen to what it prints."""
        self._process = process

    async def said(self) -> str:
        """Return the next line it prints; when it ended instead, why."""
        assert self._process.stdout
        assert self._process.stderr
        async with asyncio.timeout(_WAIT_S):
            line = (await self._process.stdout.readline()).decode().strip()
            assert line, (await self._process.stderr.read()).decode()
            return line


@asynccontextmanager
async def running(program: str, broker: NatsServer, town: str) -> AsyncIterator[Program]:
    """Run a program of the page, while the block lasts, against this broker and town."""
    assert "broker.example.org" in program
    text = program.replace("broker.example.org", "127.0.0.1").replace("1883", str(broker.mqtt_port))
    text = text.replace("https://travaux.example.org", town)
    command = (sys.executable, "-u", "-W", "error", "-X", "dev", "-c", text)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Serve a town."""
    async with opened(tmp_path) as house:
        yield house


@asynccontextmanager
async def telling(house: House, broker: NatsServer) -> AsyncIterator[None]:
    """Tell a broker of a served town while the block lasts."""
    publisher = MqttPublisher(house.town.state, settings_of(broker))
    house.town.desk.followers.append(publisher.follow)
    async with background({"publish": publisher.run}):
        yield


async def test_listening(house: House) -> None:
    """The first program prints what there is, then each change."""
    await write(house, "api:1")
    with running_nats(mqtt=True) as broker:
        async with telling(house, broker), running(_LISTENING, broker, str(house.base)) as program:
            assert await program.said() == "geoworks/-/works/api:1 api:1"
            await write(house, "api:2")
            assert await program.said() == "geoworks/-/works/api:2 api:2"
            await house.town.desk.submit(works.cancel("api:1", actor="test"))
            assert await program.said() == "geoworks/-/works/api:1 cleared"


async def test_coming_back(house: House) -> None:
    """The second hears of what went while the broker was away from the town, whatever is retained."""
    await write(house, "api:1")
    await write(house, "api:2")
    with running_nats(mqtt=True) as broker:
        async with telling(house, broker), running(_COMING_BACK, broker, str(house.base)) as program:
            first = {await program.said(), await program.said()}
            assert first == {f"put geoworks/-/works/{id_} {id_}" for id_ in ("api:1", "api:2")}
            broker.kill()
            await house.town.desk.submit(works.cancel("api:1", actor="test"))
            assert (await program.said()).startswith("lost: ")
            broker.start()
            said = ""
            while said != "cleared geoworks/-/works/api:1":
                said = await program.said()
                assert said.startswith(("lost: ", "cleared "))
            await write(house, "api:3")
            while said != "put geoworks/-/works/api:3 api:3":
                said = await program.said()


def test_the_lines_subscribe_to_what_is_told() -> None:
    """The filters of the mosquitto_sub lines match the topics of the page."""
    assert _SUBSCRIBING == ["geoworks/gare/#", "geoworks/+/works/#"]
