"""A service that cannot start, or whose disk fails: told in words with a way out, and over when the cause is."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.left_out import left_out
from tests.process.service import Service, feature, run, serving, titles, toml
from tests.store.disks import filled, read_only, small_disk


async def test_port_in_use(tmp_path: Path) -> None:
    """A port that another program listens on ends the service with code 1, named with a mend."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, told = await run(tmp_path, "serve", config=toml().replace("port = 0", f"port = {port}"))
    assert code == 1
    assert f"error server.port: {port} on 127.0.0.1 is in use\n      stop the program that listens there" in told
    assert "Traceback" not in told


async def test_ipv6(tmp_path: Path) -> None:
    """On an IPv6 address the service tells an address that can be opened."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        left_out("this machine has no IPv6 address of its own (::1)")
    config = toml().replace("port = 0", 'port = 0\nhost = "::1"')
    async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
        assert await titles(client, service.base) == {}


async def test_data_directory_in_use(tmp_path: Path) -> None:
    """A second service on the same data ends with code 1 and names the process that holds it."""
    async with serving(tmp_path) as service:
        code, told = await run(tmp_path, "serve")
        assert code == 1
        assert f"process {service.process.pid} holds data/geoworks.lock: stop it" in told
        assert service.process.returncode is None


async def test_read_only_database(tmp_path: Path) -> None:
    """A data directory that cannot be written ends the service with code 1 and says whose right is missing."""
    async with serving(tmp_path) as service:
        await service.terminate()
    with read_only(tmp_path / "data"):
        code, told = await run(tmp_path, "serve")
    assert code == 1
    assert "cannot be written" in told
    assert "give this user the right to write in data" in told


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[serve]\nport = 80\n", "did you mean server?"),
        ("[server]\nport = 'eighty'\n", "error server.port: is 'eighty': Expected int, got str"),
        ("[server]\nport = \n", "config.toml: is not TOML: Invalid value (at line 2, column 8)"),
        ("[sources.voirie]\nurl = 'x.geojson'\n[sources.voirie.mapping.fields]\ntitel = 'objet'\n", "titel"),
    ],
)
async def test_configuration_fault(tmp_path: Path, config: str, told: str) -> None:
    """A fault of the configuration ends the service with code 1 before anything is opened to the public."""
    code, said = await run(tmp_path, "serve", config=config)
    assert code == 1
    assert told in said
    assert "Traceback" not in said


async def test_full_disk(tmp_path: Path) -> None:
    """While the disk is full posts answer 503 with the wait and the code, reads go on; with room again posts work."""
    with small_disk(tmp_path / "disk", size_kib=8192) as disk:
        config = toml(data_dir=str(disk / "data"))
        async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
            headers = await Service(disk, service.process, service.base).key()
            with filled(disk):
                accepted = await post_until_refused(client, service, headers)
                assert len(await titles(client, service.base)) == accepted
            assert (await post(client, service, headers))[0] == 201
            assert len(await titles(client, service.base)) == accepted + 1
            assert await service.terminate() == 0


async def test_stops_while_the_disk_is_full(tmp_path: Path) -> None:
    """A full disk does not keep the service from stopping."""
    with small_disk(tmp_path / "disk", size_kib=8192) as disk:
        config = toml(data_dir=str(disk / "data"))
        async with serving(tmp_path, config=config) as service, aiohttp.ClientSession() as client:
            headers = await Service(disk, service.process, service.base).key()
            with filled(disk):
                await post_until_refused(client, service, headers)
                await service.terminate()
        assert "Traceback" not in service.told()


async def post_until_refused(client: aiohttp.ClientSession, service: Service, headers: dict[str, str]) -> int:
    """Post works until one is refused for want of room; return how many were accepted."""
    for accepted in range(10_000):
        status, problem = await post(client, service, headers)
        if status != 201:
            assert (status, problem["code"], problem["temporary"]) == (503, "store-full", True)
            assert int(problem["retry_after"]) > 0
            return accepted
    raise AssertionError


async def post(client: aiohttp.ClientSession, service: Service, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Post a large works; return the status and what was answered, with the wait that the header tells."""
    body = feature("x" * 100)
    body["properties"]["description"] = "x" * 3000
    async with client.post(service.base.join(URL("/v1/works")), json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None) | {"retry_after": answer.headers.get("Retry-After")}


async def test_catches_up_after_being_down(tmp_path: Path) -> None:
    """Works that began and ended while nothing ran are written as such at the start, before the doors open."""
    start = datetime(2026, 11, 24, 9, tzinfo=UTC)
    ends, begins = start + timedelta(hours=2), start + timedelta(hours=3)
    async with aiohttp.ClientSession() as client:
        async with serving(tmp_path, config=clock(start)) as service:
            headers = await service.key()
            await post_planned(client, service, headers, title="over by then", end=ends)
            await post_planned(client, service, headers, title="begun by then", start=begins)
            assert await statuses(client, service) == {"over by then": "active", "begun by then": "planned"}
            await service.kill()
        async with serving(tmp_path, config=clock(start + timedelta(hours=6))) as service:
            assert await statuses(client, service) == {"begun by then": "active"}


def clock(start: datetime) -> str:
    """Return a configuration whose clock runs from a moment."""
    return toml("[clock]", f"start = {start.isoformat()}")


async def post_planned(
    client: aiohttp.ClientSession, service: Service, headers: dict[str, str], *, title: str, **schedule: datetime
) -> None:
    """Post a works with a schedule."""
    body = feature(title, **{name: moment.isoformat() for name, moment in schedule.items()})
    async with client.post(service.base.join(URL("/v1/works")), json=body, headers=headers) as answer:
        assert answer.status == 201


async def statuses(client: aiohttp.ClientSession, service: Service) -> dict[str, str]:
    """Return the status of every works served, by title."""
    async with client.get(service.base.join(URL("/v1/works"))) as answer:
        features = (await answer.json(content_type=None))["features"]
    return {one["properties"]["title"]: one["properties"]["status"] for one in features}
