"""A town that many nodes serve: whichever is asked, it is one town, and nothing accepted is lost."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from yarl import URL

from geoworks.cli.local import open_local
from geoworks.client import Put, Stream, Subscription, connect, everywhere
from geoworks.config.settings import Data, Settings
from tests.nats_server import running_nats
from tests.postgres import Databases
from tests.process.nodes import accepts, node, status_of, three_nodes, until
from tests.process.service import WAIT_S, Service, feature, gather, run, serving, titles, toml

TOWN = Subscription(id="town", area=everywhere(), kinds=("works",))


@pytest.fixture
def dsn(databases: Databases) -> str:
    """Give the address of a new database."""
    return databases.server.dsn(databases.new())


@pytest.fixture(params=["postgresql", "nats"])
def bus(request: pytest.FixtureRequest) -> Iterator[Sequence[str]]:
    """Give the lines of a configuration that name what carries news between the nodes."""
    with ExitStack() as stack:
        lines = ["[bus]", f'kind = "{request.param}"']
        if request.param == "nats":
            lines.append(f'nats_servers = ["{stack.enter_context(running_nats()).url}"]')
        yield lines


async def post(service: Service, title: str, headers: dict[str, str]) -> dict[str, Any]:
    """Post a works to a node and return the answer."""
    url = service.base.join(URL("/v1/works"))
    async with aiohttp.ClientSession() as client, client.post(url, json=feature(title), headers=headers) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        assert answer.status in {201, 202}, told
        return told


async def seen(stream: Stream, title: str) -> None:
    """Read until a works with a title is told."""
    async with asyncio.timeout(WAIT_S):
        async for change in stream:
            if isinstance(change, Put) and change.feature["properties"]["title"] == title:
                return


async def offsets(dsn: str) -> list[int | None]:
    """Return the offsets of the whole log, in the order of its writings' numbers."""
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch('SELECT "offset" FROM geoworks.log ORDER BY "offset"')]
    finally:
        await connection.close()


async def numbered(dsn: str) -> bool:
    """Tell whether nothing waits for its offset."""
    return None not in await offsets(dsn)


async def test_one_town(tmp_path: Path, dsn: str, bus: Sequence[str]) -> None:
    """What is posted at one gateway is told by the other; keys hold everywhere; the log has no gap."""
    async with three_nodes(tmp_path, dsn, *bus) as (worker, north, south):
        headers = await north.key()
        await until(lambda: accepts(south, headers))
        async with connect(str(south.base), [TOWN]) as stream:
            for number in range(5):
                await post(north, f"north {number}", headers)
                await seen(stream, f"north {number}")
            await gather(post(place, f"both {n}", headers) for n in range(10) for place in (north, south))
        await until(lambda: numbered(dsn))
        assert await offsets(dsn) == list(range(1, len(await offsets(dsn)) + 1))
        async with aiohttp.ClientSession() as client:
            shown = [await titles(client, place.base) for place in (north, south)]
        assert shown[0] == shown[1] == await titles_beside(worker)
        assert len(shown[0]) == 25
        told = (await status_of(south))["node"]
        assert (told["name"], told["role"], told["leads"], told["leader"]) == ("south", "gateway", False, "worker")
        assert told["alarms"] == []
        for place in (north, south, worker):
            assert await place.terminate() == 0
            assert "Traceback" not in place.told(), place.told()


async def titles_beside(service: Service) -> dict[str, str]:
    """Return the title of every works, by its id, as a command beside a node is told them."""
    async with open_local(Settings(data=Data(dir=str(service.data_dir)))) as town:
        features = json.loads(await town.read("/v1/works"))["features"]
    return {one["id"]: one["properties"]["title"] for one in features}


async def test_doors_of_a_worker(tmp_path: Path, dsn: str) -> None:
    """A worker tells everybody how it is and nothing else; commands of its machine go through it all the same."""
    lines = ("[node]", 'role = "worker"', "[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')
    config = toml(*lines).replace("[server]", '[server]\nbase_path = "/town"')
    async with serving(tmp_path, config=config) as worker, aiohttp.ClientSession(worker.base.origin()) as client:
        watched = {"/health/live", "/health/ready", "/metrics", "/v1/status"}
        others = {"/", "/status", "/staff", "/v1/works", "/v1/stream", "/v1/openapi.json", "/static/style.css"}
        for path in watched | others:
            for prefix in ("", "/town"):
                async with client.get(prefix + path, headers={"Accept": "text/html"}) as answer:
                    assert answer.status == (200 if path in watched else 404), path
        async with client.get("/v1/works") as answer:
            assert (await answer.json(content_type=None))["detail"].endswith("ask a gateway of the town")
        headers = await worker.key()
        async with client.post("/v1/works", json=feature("refused"), headers=headers) as answer:
            assert answer.status == 404
        assert await titles_beside(worker) == {}


async def test_later_release(tmp_path: Path, dsn: str) -> None:
    """A node under which a later release changed the tables says so and goes on; it does not start there again."""
    config = toml("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')
    async with serving(tmp_path, config=config) as service:
        headers = await service.key()
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "INSERT INTO geoworks.migrations SELECT max(number) + 1, 'later' FROM geoworks.migrations"
        )
        await connection.close()

        async def alarmed() -> bool:
            return [alarm["code"] for alarm in (await status_of(service))["node"]["alarms"]] == ["release"]

        await until(alarmed)
        (alarm,) = (await status_of(service))["node"]["alarms"]
        assert "install that release here too, and restart it" in alarm["message"]
        async with aiohttp.ClientSession() as client:
            for language, text in (
                ("fr", "Ce serveur attend une mise à jour"),
                ("en", "This server waits for an upgrade"),
            ):
                page = service.base.join(URL("/status"))
                async with client.get(page, headers={"Accept-Language": language}) as answer:
                    assert text in await answer.text()
        await post(service, "goes on", headers)
    code, told = await run(tmp_path, "serve", config=config)
    assert code == 1
    assert "install the release that wrote it" in told


async def test_same_works_at_both(tmp_path: Path, dsn: str) -> None:
    """Corrections of one works at two gateways at once are all made, one after the other."""
    async with three_nodes(tmp_path, dsn) as (_, north, south):
        headers = await north.key()
        await until(lambda: accepts(south, headers))
        id_ = (await post(north, "first", headers))["id"]

        async def rename(place: Service, number: int) -> int:
            url = place.base.join(URL(f"/v1/works/{id_}"))
            change = {"title": f"title {number} of {place.base.port}"}
            async with aiohttp.ClientSession() as client, client.patch(url, json=change, headers=headers) as answer:
                return answer.status

        codes = await gather(rename(place, number) for number in range(8) for place in (north, south))
        assert set(codes) <= {200, 503}
        url = south.base.join(URL(f"/v1/works/{id_}/history"))
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            versions = (await answer.json(content_type=None))["versions"]
        assert [one["version"] for one in versions] == list(range(1 + codes.count(200), 0, -1))
        assert "Traceback" not in north.told() + south.told()


async def test_no_worker(tmp_path: Path, dsn: str) -> None:
    """Without a worker writes are accepted and kept, with an alarm; the next worker numbers them, and all hear."""
    async with three_nodes(tmp_path, dsn) as (worker, north, south):
        headers = await north.key()
        await post(north, "before", headers)
        await worker.kill()
        async with connect(str(south.base), [TOWN]) as stream:
            await post(north, "meanwhile", headers)

            async def alarmed() -> bool:
                return [alarm["code"] for alarm in (await status_of(south))["node"]["alarms"]] == ["lag"]

            await until(alarmed)
            for number in range(10):
                await post(north, f"later {number}", headers)
            once = [await post(north, "once", headers | {"Idempotency-Key": "once"}) for _ in range(2)]
            assert once[0]["id"] == once[1]["id"]
            assert once[1]["properties"]["title"] == "once"
            (tmp_path / "next").mkdir()
            async with serving(tmp_path / "next", config=node(dsn, "worker", "next")):
                await seen(stream, "meanwhile")
                await seen(stream, "later 9")
                await until(lambda: numbered(dsn))
                assert await offsets(dsn) == list(range(1, 14))


async def test_gateway_killed(tmp_path: Path, dsn: str) -> None:
    """What a gateway accepted before it was killed is told by the other."""
    async with three_nodes(tmp_path, dsn) as (_, north, south):
        headers = await north.key()
        async with connect(str(south.base), [TOWN]) as stream:
            await post(north, "last words", headers)
            await north.kill()
            await seen(stream, "last words")


async def test_two_workers(tmp_path: Path, dsn: str) -> None:
    """Of two workers one leads; one that stood still and wakes up after its place was taken numbers nothing more."""
    async with three_nodes(tmp_path, dsn) as (worker, north, _):
        headers = await north.key()
        (tmp_path / "second").mkdir()
        async with serving(tmp_path / "second", config=node(dsn, "worker", "second")) as second:
            assert not (await status_of(second))["node"]["leads"]
            worker.process.send_signal(signal.SIGSTOP)
            connection = await asyncpg.connect(dsn)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1 "
                "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')",
                f"% process {worker.process.pid}",
            )
            await connection.close()

            async def leads() -> bool:
                return bool((await status_of(second))["node"]["leads"])

            await until(leads)
            await post(north, "under the second", headers)
            worker.process.send_signal(signal.SIGCONT)
            await gather(post(north, f"after {number}", headers) for number in range(20))
            await until(lambda: numbered(dsn))
            assert await offsets(dsn) == list(range(1, 22))
            assert (await status_of(second))["node"]["leads"]


async def test_worker_that_hangs(tmp_path: Path, dsn: str) -> None:
    """A worker that stands still loses the lead to the one beside it, which numbers what waits."""
    async with three_nodes(tmp_path, dsn) as (worker, north, _):
        headers = await north.key()
        (tmp_path / "second").mkdir()
        async with serving(tmp_path / "second", config=node(dsn, "worker", "second")):
            worker.process.send_signal(signal.SIGSTOP)
            try:
                await post(north, "while it hangs", headers)
                await until(lambda: numbered(dsn))

                async def second_leads() -> bool:
                    return bool((await status_of(north))["node"]["leader"] == "second")

                await until(second_leads)
            finally:
                worker.process.send_signal(signal.SIGCONT)


async def execute(dsn: str, statement: str) -> None:
    """Do something in the database that no node does."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def test_history_lost(tmp_path: Path, dsn: str) -> None:
    """When the log began anew every node ends and says why, and one that is started again serves the new one."""
    async with three_nodes(tmp_path, dsn) as services:
        await post(services[1], "kept", await services[1].key())
        await execute(dsn, "UPDATE geoworks.head SET epoch = 'another'")
        for service in services:
            assert await service.ended() == 1
            assert "began anew, for history was lost: restart this node" in service.told()
            assert "Traceback" not in service.told(), service.told()
    async with serving(tmp_path / "north", config=node(dsn, "gateway", "north")) as again:
        assert (await status_of(again))["cursor"].startswith("another.")
        async with aiohttp.ClientSession() as client:
            assert list((await titles(client, again.base)).values()) == ["kept"]


async def test_away_for_too_long(tmp_path: Path, dsn: str) -> None:
    """A node that slept until its changes are not kept any more ends and says so; started again it has everything."""
    async with three_nodes(tmp_path, dsn) as (_, north, south):
        headers = await north.key()
        south.process.send_signal(signal.SIGSTOP)
        await post(north, "missed", headers)
        await execute(dsn, "DELETE FROM geoworks.records")
        south.process.send_signal(signal.SIGCONT)
        assert await south.ended() == 1
        assert "longer than changes are kept to be followed: restart this node" in south.told()
        again = serving(tmp_path / "south", config=node(dsn, "gateway", "south"))
        async with again as service, aiohttp.ClientSession() as client:
            assert list((await titles(client, service.base)).values()) == ["missed"]


async def test_history_is_lost(tmp_path: Path, dsn: str) -> None:
    """Nodes whose log began anew under them end by themselves, say why, and serve again when they are started again."""
    async with three_nodes(tmp_path, dsn) as nodes:
        await post(nodes[1], "before", await nodes[1].key())
        await until(lambda: numbered(dsn))
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE geoworks.head SET epoch = 'another'")
        await connection.close()
        for place in nodes:
            assert await place.ended() == 1
            assert "began anew, for history was lost: restart this node" in place.told()
    for name, role in (("worker", "worker"), ("north", "gateway")):
        async with serving(tmp_path / name, config=node(dsn, role, name)) as place:
            assert (await status_of(place))["cursor"].startswith("another.")


async def test_embedded_has_no_node(tmp_path: Path) -> None:
    """A town in one file says nothing of nodes."""
    async with serving(tmp_path, config=toml()) as service:
        assert (await status_of(service))["node"] is None
