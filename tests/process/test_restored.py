"""A town restored from a backup, of either store: what was saved is served, and clients are told of the loss."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from yarl import URL

from geoworks.store.postgis.migrate import read_script
from tests.postgres import Databases, find_programs
from tests.process.service import WAIT_S, Service, feature, run, serving, titles, toml
from tests.web.driver import Driver

_EVERYTHING = {"id": "all", "area": {"everywhere": True}}


def _on(dsn: str) -> str:
    return toml("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')


async def _post(service: Service, title: str, staff: dict[str, str]) -> None:
    address = service.base.join(URL("/v1/works"))
    async with aiohttp.ClientSession() as client, client.post(address, json=feature(title), headers=staff) as answer:
        assert answer.status == 201


async def _live(folder: Path, config: str, save: Callable[[], Awaitable[None]]) -> Driver:
    """Serve a town, save it after its first works while it serves, and write a second one; return who heard both."""
    async with serving(folder, config=config) as service:
        staff = await service.key()
        driver = Driver(service.base, _EVERYTHING)
        await driver.come()
        await driver.hear_until("caught_up")
        await _post(service, "saved", staff)
        await driver.hear_until("put")
        await save()
        await _post(service, "lost", staff)
        await driver.hear_until("put")
        assert await service.terminate() == 0
    return driver


async def _do(folder: Path, config: str, *command: str) -> None:
    code, told = await run(folder, *command, config=config)
    assert code == 0, told


async def _comes_back(driver: Driver, folder: Path, config: str) -> None:
    """Serve the restored town: the client is told `resync`, and holds exactly what was saved after it."""
    async with serving(folder, config=config) as service, aiohttp.ClientSession() as client:
        before, told = driver.held.cursor, len(driver.held.seen)
        driver.turn_to(service.base)
        await driver.come()
        assert (await driver.hear_until("resync"))["reason"] == "epoch"
        await driver.hear_until("caught_up")
        assert "snapshot" in {message["type"] for message in driver.held.seen[told:]}
        assert [held["properties"]["title"] for held in driver.held.features.values()] == ["saved"]
        assert list((await titles(client, service.base)).values()) == ["saved"]
        assert before
        assert driver.held.cursor
        assert before.partition(".")[0] != driver.held.cursor.partition(".")[0]
        # And the town goes on from there.
        await _post(service, "next", await service.key())
        assert (await driver.hear_until("put"))["feature"]["properties"]["title"] == "next"


async def test_embedded(tmp_path: Path) -> None:
    """The embedded store, saved while it serves, put back in the place of what came after."""
    driver = await _live(tmp_path, toml(), lambda: _do(tmp_path, toml(), "backup", "copy.db"))
    await _do(tmp_path, toml(), "restore", "copy.db")
    assert list((tmp_path / "data").glob("geoworks.db.replaced-*"))
    await _comes_back(driver, tmp_path, toml())


async def test_postgresql(databases: Databases, tmp_path: Path) -> None:
    """A town on PostgreSQL, saved while it serves, restored into a new database: by its owner, served by the writer."""
    config = _on(databases.server.dsn(databases.new()))
    driver = await _live(tmp_path, config, lambda: _do(tmp_path, config, "backup", "copy.db"))
    fresh = databases.new()
    databases.server.run_sql(read_script("setup"), database=fresh)
    owner, writer = (_on(databases.server.dsn(fresh, role=role)) for role in ("geoworks_owner", "geoworks_writer"))
    await _do(tmp_path, owner, "restore", "copy.db")
    await _comes_back(driver, tmp_path, writer)


async def test_dump(databases: Databases, tmp_path: Path) -> None:
    """A dump by the server's own tools, read into a new database, is found out by the service itself."""
    programs, database = find_programs(), databases.new()
    assert programs
    dump = str(tmp_path / "town.dump")

    async def use(tool: str, *arguments: str) -> None:
        command = [str(programs / tool), "-h", str(databases.server.folder), "-U", "postgres", *arguments]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=WAIT_S)

    driver = await _live(
        tmp_path, _on(databases.server.dsn(database)), lambda: use("pg_dump", "-Fc", "-f", dump, database)
    )
    fresh = databases.new(template="template0")
    await use("pg_restore", "--exit-on-error", "-d", fresh, dump)
    await _comes_back(driver, tmp_path, _on(databases.server.dsn(fresh)))
