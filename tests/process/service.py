"""The service as its users run it: `geoworks serve` as a process of its own, on a free port."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from geoworks.cli.local import open_local
from geoworks.config.settings import Data, Settings
from geoworks.ids import new_id
from geoworks.pipeline.keys import Role

GEOWORKS = str(Path(sys.executable).with_name("geoworks"))
# A bound only: a shared machine may take long to start a process.
WAIT_S = 60


@dataclass
class Service:
    """A running service."""

    folder: Path
    process: Process
    base: URL

    @property
    def data_dir(self) -> Path:
        """Return its data directory."""
        return self.folder / "data"

    async def kill(self) -> None:
        """End it as a power cut would end the process."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait()

    async def key(self, role: Role = Role.STAFF) -> dict[str, str]:
        """Make a key, as a command beside it does, and return the header that carries it."""
        async with open_local(Settings(data=Data(dir=str(self.data_dir)))) as town:
            made = await town.post("/v1/keys", {"name": f"tests {new_id()}", "role": role})
        return {"Authorization": f"Bearer {made['key']}"}

    def told(self) -> str:
        """Return what it wrote to standard error."""
        return (self.folder / "stderr").read_text()


async def launch(folder: Path, *arguments: str, config: str = "", program: str = GEOWORKS) -> Process:
    """Start `geoworks` in a folder with a configuration there; standard error goes to a file beside it.

    Another program than ours is its own code, wherever Python is told to look for ours.
    """
    (folder / "config.toml").write_text(config or toml())
    environment = {name: value for name, value in os.environ.items() if program == GEOWORKS or name != "PYTHONPATH"}
    with (folder / "stderr").open("ab") as stderr:
        return await asyncio.create_subprocess_exec(
            program, *arguments, cwd=folder, stdout=PIPE, stderr=stderr, env=environment
        )


@asynccontextmanager
async def serving(folder: Path, *, config: str = "", program: str = GEOWORKS) -> AsyncIterator[Service]:
    """Serve a town whose configuration and data are in a folder, until the block ends."""
    process = await launch(folder, "serve", config=config, program=program)
    try:
        yield Service(folder, process, await address_of(process))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(folder: Path, *arguments: str, config: str = "") -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it wrote to standard error."""
    process = await launch(folder, *arguments, config=config)
    async with asyncio.timeout(WAIT_S):
        await process.communicate()
    return process.returncode or 0, (folder / "stderr").read_text()


def toml(*lines: str, data_dir: str = "data") -> str:
    """Return a configuration for tests, with these lines at its end."""
    tables = ("[server]", "port = 0", "drain_s = 5.0", "[data]", f'dir = "{data_dir}"', "[maps]", "enabled = false")
    return "\n".join((*tables, *lines, ""))


def feature(title: str, **schedule: str) -> dict[str, Any]:
    """Return a works to post."""
    schedule = {"start": "2020-01-01T06:00:00Z"} | schedule
    geometry = {"type": "LineString", "coordinates": [[2.3051, 48.6342], [2.3079, 48.6351]]}
    return {"type": "Feature", "geometry": geometry, "properties": {"title": title, "schedule": schedule}}


async def titles(client: aiohttp.ClientSession, base: URL) -> dict[str, str]:
    """Return the title of every works served, by its id."""
    async with client.get(base.join(URL("/v1/works"))) as answer:
        features = (await answer.json(content_type=None))["features"]
    return {one["id"]: one["properties"]["title"] for one in features}


async def gather(works: Iterable[Any]) -> list[Any]:
    """Run coroutines together and return what they return."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


async def address_of(process: Process) -> URL:
    """Wait for the line that tells where the service listens."""
    assert process.stdout
    async with asyncio.timeout(WAIT_S):
        line = (await process.stdout.readline()).decode()
    found = re.search(r"http://\S+", line)
    assert found, f"the service said {line!r} and ended"
    return URL(found[0])
