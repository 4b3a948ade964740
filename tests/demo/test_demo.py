"""The sample town: rich enough to look at, alive, and careful with folders that are not its own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from geoworks.app import open_doors, open_town
from geoworks.clock import ManualClock
from geoworks.demo import run as demo
from geoworks.demo.script import SCENES, play
from geoworks.errors import ConfigError
from geoworks.supervisor import background
from tests.process.service import GEOWORKS, WAIT_S
from tests.shared import ROOT
from tests.web.driver import Driver, driving

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


class Town:
    """The running demo as somebody on the web sees it."""

    def __init__(self, client: aiohttp.ClientSession, said: str) -> None:
        """Read the addresses and the key out of what it printed."""
        self.said = said
        self._client = client
        (address,) = re.findall(r"live map +(\S+)", said)
        (self.key,) = re.findall(r"staff key +(\S+)", said)
        self.base = URL(address)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON was answered
        """Return what a door answers to the demo's staff."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self._client.get(self.base.join(URL(path)), headers=headers) as answer:
            assert answer.status == 200, path
            return json.loads(await answer.read())

    async def works(self) -> dict[str, Any]:
        """Return the properties of the works by their ids, but for those that the script moves."""
        moved = {scene.id for scene in SCENES}
        features = (await self.get("v1/works"))["features"]
        return {one["id"]: one["properties"] for one in features if one["id"] not in moved}


@asynccontextmanager
async def demonstrating(folder: Path, capsys: pytest.CaptureFixture[str], *, at: datetime = NOW) -> AsyncIterator[Town]:
    """Run the demo until the block ends."""
    ready, enough = asyncio.Event(), asyncio.Event()

    async def until() -> None:
        ready.set()
        await enough.wait()

    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group, aiohttp.ClientSession() as client:
        group.create_task(demo.run_demo(port=0, data_dir=folder, until=until, clock=ManualClock(at)))
        await ready.wait()
        yield Town(client, capsys.readouterr().out)
        enough.set()


async def test_what_there_is_to_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """About a dozen zones, 30 works and more of every severity, night works, a detour, and reports."""
    async with demonstrating(tmp_path / "demo", capsys) as town:
        works = (await town.works()).values()
        assert len(works) >= 30
        assert {one["severity"] for one in works} >= {"low", "medium", "high", "blocked"}
        assert {one["status"] for one in works} >= {"active", "planned"}
        windows = [window for one in works for window in one["schedule"]["windows"]]
        assert any(window["from"] > window["to"] for window in windows), "works at night"
        assert any(detour["geometry"] for one in works for detour in one["impact"]["detours"])
        assert len({one["impact"]["vehicle_impact"] for one in works}) >= 5
        assert len({name for one in works for name in one["road_names"]}) >= 20
        assert all(one["effects"] for one in works)
        zones = [one["properties"] for one in (await town.get("v1/zones"))["features"]]
        assert 10 <= len(zones) <= 14
        assert len({zone["level"] for zone in zones}) >= 3
        assert len((await town.get("v1/reports"))["features"]) >= 3


async def test_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every address that is printed answers, and the key is one that may write."""
    async with demonstrating(tmp_path / "demo", capsys) as town, aiohttp.ClientSession() as client:
        for address in set(re.findall(r"http://\S+", town.said)):
            if "/maps/" not in address:  # made a while after the start
                async with client.get(address) as answer:
                    assert answer.status == 200, address
        assert {key["name"] for key in await town.get("v1/keys")} == {"demo"}


async def test_second_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Started again on its folder the town is the same, with a new key in the place of the old one."""
    async with demonstrating(tmp_path / "demo", capsys) as town:
        first, key = await town.works(), town.key
    async with demonstrating(tmp_path / "demo", capsys) as again:
        assert await again.works() == first
        assert again.key != key
        assert len((await again.get("v1/reports"))["features"]) >= 3


async def test_another_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Started again weeks later the town is as alive as on the first day: its works are dated around that day."""
    async with demonstrating(tmp_path / "demo", capsys) as town:
        first = await town.works()
    async with demonstrating(tmp_path / "demo", capsys, at=NOW + timedelta(days=35)) as later:
        works = await later.works()
    assert works.keys() == first.keys()
    assert {id_: one["status"] for id_, one in works.items()} == {id_: one["status"] for id_, one in first.items()}


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Driver]:
    """Follow the works of a town in which the script is played without a pause."""
    settings = demo.prepare(port=0, data_dir=folder)
    everywhere = {"id": "all", "area": {"everywhere": True}, "kinds": ["works"]}
    async with (
        open_town(settings) as town,
        open_doors(town) as address,
        driving(URL(address), everywhere) as driver,
        background({"script": lambda: play(town.desk, step_s=0)}),
    ):
        yield driver


async def test_script(tmp_path: Path) -> None:
    """A works of the script is seen to come, to move along its street and to end, by whoever follows the stream."""
    places = set()
    async with playing(tmp_path / "demo") as driver:
        while (message := await driver.hear())["type"] != "remove":
            if message["feature"]["id"] == SCENES[0].id:
                places.add(json.dumps(message["feature"]["geometry"]))
    assert len(places) == 4
    assert (message["id"], message["reason"]) == (SCENES[0].id, "ended")


async def test_script_begins_again(tmp_path: Path) -> None:
    """When all scenes were played the first one is played anew."""
    async with playing(tmp_path / "demo") as driver:
        ends = [(await driver.hear_until("remove"))["id"] for _ in range(len(SCENES) + 1)]
    assert ends == [*(scene.id for scene in SCENES), SCENES[0].id]


@pytest.mark.parametrize("name", ["geoworks.db", "precious.txt"])
def test_folder_of_something_else(tmp_path: Path, name: str) -> None:
    """A folder that holds a real town, or anything else, is left as it is."""
    (tmp_path / name).write_text("precious")
    with pytest.raises(ConfigError, match="is left as it is"):
        demo.prepare(port=0, data_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


async def started(*command: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start a program of the demo; return it with what it says once it serves."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    async with asyncio.timeout(WAIT_S):
        said = await process.stdout.readuntil(b"Ctrl-C")
    return process, said.decode()


async def test_process(tmp_path: Path) -> None:
    """The real command prints addresses and key, says nothing else, and ends on Ctrl-C with code 0."""
    process, said = await started(GEOWORKS, "demo", "--port", "0", "--data-dir", str(tmp_path / "demo"))
    assert re.search(r"live map +http://127\.0\.0\.1:\d+/\n", said)
    assert re.search(r"staff key +gw_\S+\n", said)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(WAIT_S):
        _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (lambda folder: ["--data-dir", str(folder)], "name a new or empty folder with --data-dir"),
        (lambda folder: ["--data-dir", str(folder / "file" / "demo")], "cannot be written"),
    ],
)
async def test_wrong_folder(tmp_path: Path, arguments: Callable[[Path], list[str]], told: str) -> None:
    """A folder that is somebody else's, or that cannot be made, is told in words."""
    (tmp_path / "file").touch()
    command = [GEOWORKS, "demo", "--port", "0", *arguments(tmp_path)]
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    async with asyncio.timeout(WAIT_S):
        _, stderr = await process.communicate()
    assert (process.returncode, told in stderr.decode(), b"Traceback" in stderr) == (1, True, False), stderr


async def test_make_demo(tmp_path: Path) -> None:
    """`make demo` takes the port and the folder from PORT and DATA_DIR."""
    folder = tmp_path / "a folder"
    asked = ["make", "--no-print-directory", "--dry-run", "--always-make", "demo", "PORT=0", f"DATA_DIR={folder}"]
    planned = await asyncio.create_subprocess_exec(*asked, stdout=subprocess.PIPE, cwd=ROOT)
    async with asyncio.timeout(WAIT_S):
        recipe, _ = await planned.communicate()
    assert recipe.decode().splitlines()[-1] == f'.venv/bin/geoworks demo --port 0 --data-dir "{folder}"'
