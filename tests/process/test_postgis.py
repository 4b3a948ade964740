"""The service on PostgreSQL: nothing accepted is lost, whichever of the two goes away."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.postgres import Databases
from tests.process.service import Service, feature, run, serving, titles, toml
from tests.store.cutting import Cut, way_to

WAIT_S = 60


def on(dsn: str) -> str:
    """Return the configuration of a service on a database."""
    return toml("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')


async def post(
    client: aiohttp.ClientSession, service: Service, title: str, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Post a works; return the status and the answer."""
    async with client.post(service.base.join(URL("/v1/works")), json=feature(title), headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def post_until_accepted(
    client: aiohttp.ClientSession, service: Service, title: str, headers: dict[str, str]
) -> None:
    """Post a works again and again, as a client told 503 does, until it is accepted."""
    async with asyncio.timeout(WAIT_S):
        while (await post(client, service, title, headers))[0] != 201:  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.1)


async def test_killed(databases: Databases, tmp_path: Path) -> None:
    """What was accepted before the service is killed is there when it starts again."""
    config = on(databases.server.dsn(databases.new()))
    async with aiohttp.ClientSession() as client:
        async with serving(tmp_path, config=config) as service:
            headers = await service.key()
            assert (await post(client, service, "kept", headers))[0] == 201
            await service.kill()
        async with serving(tmp_path, config=config) as service:
            assert list((await titles(client, service.base)).values()) == ["kept"]
            assert (await post(client, service, "next", headers))[0] == 201
            assert await service.terminate() == 0


async def test_server_restarts(databases: Databases, tmp_path: Path) -> None:
    """While PostgreSQL is away writes are told 503 with a way out and reads go on; afterwards all is well."""
    config = on(databases.server.dsn(databases.new()))
    async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
        headers = await service.key()
        assert (await post(client, service, "before", headers))[0] == 201
        databases.server.stop()
        try:
            status, problem = await post(client, service, "during", headers)
            assert (status, problem["code"], problem["temporary"]) == (503, "store-unreachable", True)
            assert "see that the server runs" in problem["detail"]
            assert list((await titles(client, service.base)).values()) == ["before"]
            async with client.get(service.base.join(URL("/health/ready"))) as answer:
                assert answer.status == 503
            async with client.get(service.base.join(URL("/metrics"))) as answer:
                assert "geoworks_store_up 0.0" in await answer.text()
        finally:
            databases.server.start()
        await post_until_accepted(client, service, "after", headers)
        assert sorted((await titles(client, service.base)).values()) == ["after", "before"]
        async with client.get(service.base.join(URL("/health/ready"))) as answer:
            assert answer.status == 200
        assert await service.terminate() == 0
        assert "Traceback" not in service.told(), service.told()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="geoworks-way-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("cut", [Cut.BEFORE_COMMIT, Cut.AFTER_COMMIT])
async def test_in_doubt(databases: Databases, tmp_path: Path, folder: Path, cut: Cut) -> None:
    """A post whose commit is cut, sent again with its key, is there once, whether the commit went through or not."""
    async with way_to(databases.server.folder / ".s.PGSQL.5432", folder) as way:
        config = on(f"postgresql://postgres@/{databases.new()}?host={folder}")
        async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
            headers = await service.key() | {"Idempotency-Key": "once"}
            way.cut, way.stays_closed = cut, True
            status, problem = await post(client, service, "doubtful", headers)
            assert (status, problem["code"]) == (503, "store-uncertain")
            way.closed = False
            await post_until_accepted(client, service, "doubtful", headers)
            assert list((await titles(client, service.base)).values()) == ["doubtful"]


async def test_stopped_in_doubt(databases: Databases, tmp_path: Path, folder: Path) -> None:
    """A service stopped while a commit is in doubt says so and ends; when it is back it has what went through."""
    async with way_to(databases.server.folder / ".s.PGSQL.5432", folder) as way:
        config = on(f"postgresql://postgres@/{databases.new()}?host={folder}")
        async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
            headers = await service.key()
            way.cut, way.stays_closed = Cut.AFTER_COMMIT, True
            assert (await post(client, service, "doubtful", headers))[0] == 503
            assert await service.terminate() == 1
            assert "what became of this write is not known yet" in service.told()
            assert "Traceback" not in service.told(), service.told()
        way.closed = False
        async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
            assert list((await titles(client, service.base)).values()) == ["doubtful"]


async def test_address_is_wrong(tmp_path: Path) -> None:
    """A database that cannot be reached ends the service with code 1, without the password."""
    code, told = await run(tmp_path, "serve", config=on("postgresql://town:secret@127.0.0.1:1/town"))
    assert code == 1
    assert "error database town on 127.0.0.1:1 cannot be reached" in told
    assert "secret" not in told
    assert "Traceback" not in told
