"""nginx with the delivered configuration before a real service: pages, doors, streams, bounds."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol
from yarl import URL

from geoworks.config.settings import Limits, Server, Stream
from geoworks.web import changes_api
from tests.deploy.nginx import SITE, Proxy, proxying
from tests.process.service import Service, feature, gather, serving, toml
from tests.web.events import Listener

_MIB = 1 << 20
# More than the burst and what comes back while a slow machine sends them.
_FLOOD = 600


@dataclass(frozen=True)
class Front:
    """A service with nginx before it."""

    service: Service
    proxy: Proxy

    @asynccontextmanager
    async def client(self, address: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
        """Give a client of nginx that comes from this address."""
        connector = aiohttp.TCPConnector(ssl=self.proxy.trust, local_addr=(address, 0), limit=0)
        async with aiohttp.ClientSession(connector=connector, raise_for_status=False) as client:
            yield client

    def at(self, path: str) -> URL:
        """Return an address behind nginx."""
        return self.proxy.base.join(URL(path))


@asynccontextmanager
async def opened(folder: Path, *server: str, **proxy: Any) -> AsyncIterator[Front]:  # noqa: ANN401 - as `proxying` has it
    """Run both; `server` are further lines of the service's table of this name."""
    lines = "\n".join(("[server]", 'trusted_proxies = ["127.0.0.1"]', *server))
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(folder, config=toml().replace("[server]", lines)))
        yield Front(service, await stack.enter_async_context(proxying(folder / "nginx", service.base, **proxy)))


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    """Run a service with nginx before it."""
    async with opened(tmp_path, "requests_per_minute = 1000000") as front:
        yield front


async def _post(front: Front, client: aiohttp.ClientSession, title: str, headers: dict[str, str]) -> None:
    async with client.post(front.at("/v1/works"), json=feature(title), headers=headers) as answer:
        assert answer.status == 201, await answer.text()


async def test_pages_and_doors(front: Front) -> None:
    """Pages, files and doors are answered with TLS and the service's own headers; without TLS one is sent there."""
    async with front.client() as client:
        async with client.get(front.at("/")) as page:
            assert (page.status, page.content_type) == (200, "text/html")
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        async with client.get(front.at("/static/geoworks-client.js")) as script:
            assert (script.status, script.headers["X-Content-Type-Options"]) == (200, "nosniff")
            known = {"If-None-Match": script.headers["ETag"]}
        async with client.get(front.at("/static/geoworks-client.js"), headers=known) as script:
            assert script.status == 304
        async with client.get(front.at("/v1/works?limit=1")) as works:
            assert (await works.json(content_type=None))["features"] == []
        async with client.get(front.proxy.plain.join(URL("/v1/works?a=b")), allow_redirects=False) as moved:
            assert (moved.status, moved.headers["Location"]) == (301, "https://127.0.0.1/v1/works?a=b")


async def test_streams(front: Front) -> None:
    """A works posted through nginx is heard at once by WebSocket, by events and by long poll through it."""
    uri = str(front.at("/v1/stream").with_scheme("wss"))
    options: dict[str, Any] = {"subprotocols": [Subprotocol("geoworks.v1")], "ssl": front.proxy.trust, "proxy": None}
    staff = await front.service.key()
    async with front.client() as client, connect(uri, **options) as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "all", "area": {"everywhere": True}}))
        while (message := json.loads(await socket.recv()))["type"] != "caught_up":
            pass
        listener = Listener(client, front.proxy.base, everywhere="true")
        await listener.come()
        while (event := await listener.next_event()) and event.name != "caught_up":
            pass
        poll = front.at("/v1/changes").with_query(since=message["cursor"], everywhere="true", wait="30")
        _, answered = await gather((_post(front, client, "heard", staff), _read(client, poll)))
        assert [change["type"] for change in answered["changes"]].count("put") == 1
        while (message := json.loads(await socket.recv()))["type"] != "put":
            pass
        assert message["feature"]["properties"]["title"] == "heard"
        while (event := await listener.next_event()) and event.name != "put":
            pass
        assert event
        assert event.data["feature"]["properties"]["title"] == "heard"
        listener.response.close()


async def _read(client: aiohttp.ClientSession, url: URL) -> Any:  # noqa: ANN401 - any JSON
    async with client.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json(content_type=None)


async def test_who_asks(tmp_path: Path) -> None:
    """The service counts the clients of nginx each by its own address, whatever address a client says it has."""
    async with opened(tmp_path, "requests_per_minute = 3") as front:
        async with front.client("127.0.0.2") as busy:
            claims = [{}, {}, {}, {}, {"X-Forwarded-For": "192.0.2.9"}]
            statuses = [await _status(busy, front.at("/v1/works"), headers=claim) for claim in claims]
        assert statuses == [200, 200, 200, 429, 429]
        async with front.client("127.0.0.3") as other:
            assert await _status(other, front.at("/v1/works")) == 200


async def _status(client: aiohttp.ClientSession, url: URL, **options: Any) -> int:  # noqa: ANN401 - aiohttp's own
    async with client.get(url, **options) as answer:
        await answer.read()
        return answer.status


async def test_bodies(front: Front) -> None:
    """A body larger than its door takes is refused by nginx as the service would; what a door takes gets through."""
    staff = await front.service.key()
    cases = {
        "/v1/works": (5 * _MIB + 1, 413),
        "/v1/reports": (51 * _MIB + 1, 413),
        "/v1/sync/voirie": (6 * _MIB, 404),
    }
    async with front.client() as client:
        for path, (size, status) in cases.items():
            body = BytesIO(bytes(size))
            async with client.post(front.at(path), data=body, headers=staff, expect100=True) as answer:
                told = await answer.json(content_type=None)
                assert (answer.status, told["status"]) == (status, status), path
                assert answer.content_type == "application/problem+json"
                assert (told["code"] == "too-large") == (status == 413)


async def _refusal(client: aiohttp.ClientSession, url: URL) -> str:
    """Return how a request was refused, empty when it was not."""
    async with client.get(url) as answer:
        told = await answer.json(content_type=None)
        return "" if answer.ok else f"{answer.status} {told['code']} {answer.headers['Retry-After']}"


async def test_flood(front: Front) -> None:
    """Past a burst one address is told when to come back; another is not touched, nor are files and streams."""
    async with front.client("127.0.0.2") as client:
        answers = await gather(_refusal(client, front.at("/v1/works")) for _ in range(_FLOOD))
        assert set(answers) == {"", "429 too-many 5"}
        assert await _status(client, front.at("/static/geoworks-client.js")) == 200
        assert await _status(client, front.at("/v1/changes?since=nonsense")) == 400
    async with front.client("127.0.0.3") as client:
        assert await _status(client, front.at("/v1/works")) == 200


async def test_figures_are_private(front: Front) -> None:
    """Only this machine reads the figures through nginx; the health is public."""
    async with front.client("127.0.0.2") as client:
        assert await _status(client, front.at("/metrics")) == 403
        assert await _status(client, front.at("/health/ready")) == 200
    async with front.client("127.0.0.1") as client:
        assert await _status(client, front.at("/metrics")) == 200


async def test_service_is_away(front: Front) -> None:
    """While the service is not there nginx tells to come back soon."""
    assert await front.service.terminate() == 0
    async with front.client() as client, client.get(front.at("/v1/works")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        told = await answer.json(content_type=None)
        assert (told["code"], told["temporary"]) == ("stopping", True)


async def test_below_a_path(tmp_path: Path) -> None:
    """With `base_path` and one line changed the town is below a path, streams and files too, and nothing elsewhere."""

    def edit(site: str) -> str:
        assert "location / {" in site
        return site.replace("location / {", "location /travaux/ {")

    async with opened(tmp_path, 'base_path = "/travaux"', edit=edit) as front, front.client() as client:
        for path in ("/travaux/", "/travaux/v1/works", "/travaux/static/geoworks-client.js"):
            assert await _status(client, front.at(path)) == 200
        assert await _status(client, front.at("/elsewhere")) == 404
        uri = str(front.at("/travaux/v1/stream").with_scheme("wss"))
        async with connect(uri, subprotocols=[Subprotocol("geoworks.v1")], ssl=front.proxy.trust, proxy=None) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"


def test_fits_the_settings() -> None:
    """Times and sizes of the configuration leave room for what the settings allow by default."""
    site, limits, stream = SITE.read_text(), Limits(), Stream()

    def numbers(name: str) -> list[float]:
        return [float(found) for found in re.findall(rf"\b{name} (?:\S+ )?(\d+)[sm]?;", site)]

    (read_s,) = numbers("proxy_read_timeout")
    assert read_s > stream.heartbeat_s + stream.pong_s + stream.stuck_s
    assert read_s > changes_api._LONGEST_WAIT_S  # noqa: SLF001 - it stands in the API's document, and here
    assert numbers("    keepalive_timeout") < [Server().idle_s]
    assert numbers("client_max_body_size") == [
        limits.body_bytes / _MIB,
        limits.photos * limits.photo_bytes / _MIB + 1,
        limits.upload_bytes / _MIB + 1,
    ]
    assert numbers("limit_conn")[-1] > stream.connections_per_address
