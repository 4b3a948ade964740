"""The process that reads: shut in, ended when it must be, and never a way out to elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from feeds.sources import reader
from feeds.sources.reader import read_table
from feeds.sources.wire import Opening
from geoworks.errors import SourceError
from tests.feeds.files import feature, write_geojson


def children() -> list[psutil.Process]:
    """Return the processes that this one started and that still run."""
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


async def reading_child(opening: Opening) -> tuple[asyncio.Task[reader.RawTable], psutil.Process]:
    """Start a reading and return it with its process."""
    before = {child.pid for child in children()}
    task = asyncio.create_task(read_table(opening, timeout_s=30))
    async with asyncio.timeout(10):
        while not (new := [child for child in children() if child.pid not in before]):  # noqa: ASYNC110 - the system tells no event
            await asyncio.sleep(0)
    return task, new[0]


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file that never ends to be read: nobody writes into it."""
    path = tmp_path / "never.geojson"
    os.mkfifo(path)
    return path


async def test_a_reading_that_hangs_is_killed(fifo: Path) -> None:
    """At the time limit the process is gone, not left to hang."""
    before = children()
    with pytest.raises(SourceError, match=r"within 0\.5 s"):
        await read_table(Opening(path=str(fifo)), timeout_s=0.5)
    assert children() == before


async def test_a_reading_that_is_cancelled_is_killed(fifo: Path) -> None:
    """When the service stops in the middle of a reading, its process goes too."""
    task, child = await reading_child(Opening(path=str(fifo)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not child.is_running()


async def test_a_process_that_dies_is_told(fifo: Path) -> None:
    """A crash inside GDAL fails that reading with a mend; the service goes on."""
    task, child = await reading_child(Opening(path=str(fifo)))
    os.kill(child.pid, signal.SIGSEGV)
    with pytest.raises(SourceError, match=r"GDAL fell over it .*check that the file is whole"):
        await task


async def test_the_loop_goes_on_while_a_file_is_read(tmp_path: Path) -> None:
    """Twenty thousand records arrive in pieces, between which others get their turn."""
    path = write_geojson(tmp_path / "t.geojson", *(feature(n) for n in range(20_000)))
    task = asyncio.create_task(read_table(Opening(path=str(path)), timeout_s=60))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await task).hashes) == 20_000
    assert turns > 10


async def test_the_reading_process_knows_no_way_out() -> None:
    """No driver that leaves its file is there, and the ways to the network lead to a closed port."""
    program = "import pyogrio, json; print(json.dumps(sorted(pyogrio.list_drivers())))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, env={**os.environ, **reader.ENVIRONMENT}
    )
    output, _ = await process.communicate()
    assert b'"GPKG"' in output
    for driver in reader.AWAY:
        assert f'"{driver}"'.encode() not in output
