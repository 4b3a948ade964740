"""Sources at an address, served by a real server that behaves as badly as real ones."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from feeds.sources.fetch import file_name
from feeds.sources.gdal import GdalSource
from geoworks.config.sources import SourceTable
from geoworks.errors import SourceError
from tests.feeds.conftest import MakeSource
from tests.feeds.files import SIMPLE, feature, geojson, write_geojson

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]
AiohttpServer = Callable[[web.Application], Awaitable[TestServer]]

GOOD = geojson(feature(), feature(2))


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Serve:
    """Serve one handler and return the address of a file there."""

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_get("/{name}", handler)
        server = await aiohttp_server(app)
        return str(server.make_url("/travaux.geojson"))

    return start


def answer(text: str = GOOD, **settings: Any) -> Handler:  # noqa: ANN401 - as aiohttp takes them
    """Answer always the same."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text, **settings)

    return handler


async def source_ids(source: GdalSource, upload: Path | None = None) -> list[str]:
    """Read, and return the ids that came."""
    return [one.source_id for one in (await source.read(upload)).candidates]


BAD_ANSWERS = {
    "HTML": (answer("<html><body>Bienvenue</body></html>", content_type="text/html"), "it is a web page"),
    "HTML called JSON": (answer("<!doctype html><p>x", content_type="application/json"), "it is a web page"),
    "500": (answer("{}", status=500), "answers 500 Internal Server Error; see to its server"),
    "404": (answer("{}", status=404), "answers 404 Not Found; correct its `url`"),
    "401": (answer("{}", status=401), "set its `headers`"),
    "304 unasked": (answer("", status=304), "answers 304"),
    "nothing": (answer(""), "it is empty"),
    "half a file": (answer(GOOD[: len(GOOD) // 2]), "check that the file is whole"),
    "too much": (answer("x" * 200_000), "limits.upload_bytes"),
    "an error as XML": (answer("<ExceptionReport><Exception/></ExceptionReport>"), "GDAL cannot read it"),
}


@pytest.mark.parametrize(("handler", "message"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_bad_answers_are_told(make_source: MakeSource, serve: Serve, handler: Handler, message: str) -> None:
    """An answer that is no data fails the reading with a mend."""
    url = await serve(handler)
    with pytest.raises(SourceError, match=message):
        await make_source(SourceTable(url=url, mapping=SIMPLE), upload_bytes=100_000).read()


async def test_an_answer_cut_off_in_the_middle(make_source: MakeSource, serve: Serve) -> None:
    """A connection that dies within the file is an error, however well the half would read."""

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(GOOD) * 2)})
        await response.prepare(request)
        await response.write(GOOD.encode())
        assert request.transport
        request.transport.abort()
        return response

    url = await serve(half)
    with pytest.raises(SourceError, match="cannot be fetched"):
        await make_source(SourceTable(url=url, mapping=SIMPLE)).read()


async def test_a_server_that_never_answers(make_source: MakeSource, serve: Serve) -> None:
    """A silent server is given the time set and no more."""
    asked = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    url = await serve(silent)
    with pytest.raises(SourceError, match=r"within 0\.3 s"):
        await make_source(SourceTable(url=url, mapping=SIMPLE, timeout_s=0.3)).read()
    assert asked.is_set()


async def test_nobody_listens(make_source: MakeSource, unused_tcp_port: int) -> None:
    """A server that is down is told by the address, without what may be secret in it."""
    url = f"http://user:pass@127.0.0.1:{unused_tcp_port}/a.geojson?key=secret"
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1/a\.geojson cannot be fetched") as caught:
        await make_source(SourceTable(url=url, mapping=SIMPLE)).read()
    assert "pass@" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_gzip_bomb_is_stopped(make_source: MakeSource, serve: Serve) -> None:
    """The bound counts what an answer unpacks to."""
    body = gzip.compress(b" " * 5_000_000)

    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    url = await serve(packed)
    with pytest.raises(SourceError, match=r"limits\.upload_bytes"):
        await make_source(SourceTable(url=url, mapping=SIMPLE), upload_bytes=100_000).read()


async def test_an_unchanged_file_is_not_sent_again(make_source: MakeSource, serve: Serve, tmp_path: Path) -> None:
    """The second reading asks with the first's ETag and takes the kept copy; the ids and hashes are the same."""
    answered: list[int] = []

    async def careful(request: web.Request) -> web.Response:
        same = request.headers.get("If-None-Match") == '"v1"'
        answered.append(304 if same else 200)
        return web.Response(status=304) if same else web.Response(text=GOOD, headers={"ETag": '"v1"'})

    source = make_source(SourceTable(url=await serve(careful), mapping=SIMPLE))
    first, second = await source.read(), await source.read()
    assert (answered, second.candidates) == ([200, 304], first.candidates)
    assert (tmp_path / "kept" / "voirie" / "travaux.geojson").read_text() == GOOD


async def test_the_last_good_copy_stays(make_source: MakeSource, serve: Serve, tmp_path: Path) -> None:
    """A bad answer after a good one leaves the copy of the good one, and the next good one replaces it."""
    texts = [GOOD, "<html>", GOOD[:-50], geojson(feature(3))]

    async def changing(_: web.Request) -> web.Response:
        return web.Response(text=texts.pop(0))

    source = make_source(SourceTable(url=await serve(changing), mapping=SIMPLE))
    copy = tmp_path / "kept" / "voirie" / "travaux.geojson"
    assert await source_ids(source) == ["1", "2"]
    for _ in range(2):
        with pytest.raises(SourceError):
            await source.read()
        assert copy.read_text() == GOOD
    assert await source_ids(source) == ["3"]
    assert copy.read_text() == geojson(feature(3))


async def test_an_upload_stands_in_for_the_address(make_source: MakeSource, serve: Serve, tmp_path: Path) -> None:
    """An uploaded file is read in place of the address, whatever its name; the address is asked in full after it."""
    asked: list[str | None] = []

    async def tagged(request: web.Request) -> web.Response:
        asked.append(request.headers.get("If-None-Match"))
        return web.Response(text=GOOD, headers={"ETag": '"v1"'})

    source = make_source(SourceTable(url=await serve(tagged), mapping=SIMPLE))
    await source.read()
    upload = write_geojson(tmp_path / "upload-8f2a", feature("ours"))
    assert await source_ids(source, upload) == ["ours"]
    assert await source_ids(source) == ["1", "2"]
    assert asked == [None, None]


async def test_headers_come_from_the_environment(
    make_source: MakeSource, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`$NAME` in a header is the environment's; a name that is not set is told, and nothing is asked."""
    seen: list[str | None] = []

    async def guarded(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(text=GOOD)

    table = SourceTable(url=await serve(guarded), mapping=SIMPLE, headers={"Authorization": "Bearer $SIG_KEY"})
    source = make_source(table)
    monkeypatch.delenv("SIG_KEY", raising=False)
    with pytest.raises(SourceError, match="headers need SIG_KEY"):
        await source.read()
    monkeypatch.setenv("SIG_KEY", "s3cret")
    await source.read()
    assert seen == ["Bearer s3cret"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://x.fr/export/travaux.geojson?key=1", "travaux.geojson"),
        ("https://x.fr/", "data"),
        ("https://x.fr/..%2f..%2fetc%2fpasswd", "passwd"),
        ("/srv/sig/Été 2026.gpkg", "Été_2026.gpkg"),
    ],
)
def test_names_of_downloads_are_harmless(address: str, name: str) -> None:
    """A file takes the last part of its address as its name, never a path."""
    assert file_name(address) == name
