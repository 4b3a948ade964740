"""The programs of docs/client-python.md, each run as it stands against a served town."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shapely

from geoworks import client
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works
from tests.client.wire import wired
from tests.shared import ROOT
from tests.web.house import House
from tests.web.writing import write

_DOCUMENT = (ROOT / "docs" / "client-python.md").read_text(encoding="utf-8")
_NOW, _CHANGES, _ROUTE = re.findall(r"```python\n(.*?)```", _DOCUMENT, re.DOTALL)
_TOWN = "https://travaux.example.org"
_ON_THE_WAY = shapely.LineString([(2.3060, 48.6345), (2.3079, 48.6351)])
_TRACK = '<trkpt lon="2.3051" lat="48.6342"/><trkpt lon="2.3060" lat="48.6345"/><trkpt lon="2.3079" lat="48.6351"/>'
# A bound only: a shared machine may take long to start a process.
_WAIT_S = 60


@asynccontextmanager
async def running(program: str, town: object, folder: Path) -> AsyncIterator[Process]:
    """Run a program of the page in a folder, while the block lasts, against this town."""
    assert _TOWN in program
    text = program.replace(_TOWN, str(town))
    command = (sys.executable, "-u", "-W", "error", "-X", "dev", "-c", text)
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    """Return the next line a program prints; when it ended instead, why."""
    assert process.stdout
    assert process.stderr
    async with asyncio.timeout(_WAIT_S):
        line = (await process.stdout.readline()).decode().strip()
        assert line, (await process.stderr.read()).decode()
        return line


async def test_what_is_going_on(house: House, tmp_path: Path) -> None:
    """The first program prints what there is and ends."""
    await write(house, "api:1")
    async with running(_NOW, house.base, tmp_path) as process:
        assert await said(process) == "active api:1"
        async with asyncio.timeout(_WAIT_S):
            assert await process.wait() == 0


async def test_every_change(house: House, tmp_path: Path) -> None:
    """The second prints each change, also those made while the connection was lost."""
    await write(house, "api:1")
    async with wired(house.base) as (wire, url), running(_CHANGES, url, tmp_path) as process:
        assert await said(process) == "live with 1 features"
        await write(house, "api:2")
        assert await said(process) == "new works api:2"
        await write(house, "api:2", description="other")
        assert await said(process) == "changed works api:2"
        wire.cut()
        await house.town.desk.submit(works.cancel("api:2", actor="test"))
        assert re.fullmatch(r"offline: .*; trying again in \d\.\d s", await said(process))
        assert await said(process) == "gone works api:2 cancelled"


async def test_route(house: House, tmp_path: Path) -> None:
    """The third is told what is on its route, and leaves its route again at a town that forgot it."""
    (tmp_path / "to-work.gpx").write_text(f"<gpx><trk><trkseg>{_TRACK}</trkseg></trk></gpx>")
    async with wired(house.base) as (wire, url), running(_ROUTE, url, tmp_path) as process:
        await dig(house, "api:1")
        assert await said(process) == "ahead: api:1"
        await house.town.desk.submit(works.cancel("api:1", actor="test"))
        assert await said(process) == "no more: api:1"
        # By then a town has forgotten what was posted.
        house.clock.advance(timedelta(hours=13))
        wire.cut()
        await dig(house, "api:2")
        assert await said(process) == "ahead: api:2"


async def dig(house: House, id_: str) -> None:
    """Write a works on the way, in force whenever the program is run."""
    given = Works(title=id_, geometry=_ON_THE_WAY, schedule=Schedule(start=datetime(2020, 1, 1, tzinfo=UTC)))
    await house.town.desk.submit(works.replace(id_, given, actor="test"))


def test_page_names_everything() -> None:
    """Everything that the client offers is on the page."""
    ways_of_typing = {"Area", "Change", "Feature", "FeatureKey", "PostedArea", "Stream", "Vehicle"}
    for name in set(client.__all__) - ways_of_typing:
        assert re.search(rf"\b{name}\b", _DOCUMENT), name
