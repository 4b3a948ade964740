"""The pages people read: which address shows which, and in which language."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from geoworks.errors import NotFound
from geoworks.model.change import Kind
from geoworks.web.auth import is_staff
from geoworks.web.language import language_of, remember
from geoworks.web.problems import MEDIA_TYPE, ProblemDocument
from geoworks.web.route import Answerer
from geoworks.web.services import Services, services
from geoworks.web.status_api import tell_status
from geoworks.web.sync_shown import report_rows, source_row

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_HEAD_BYTES = 4096


async def live(request: web.Request) -> web.StreamResponse:
    """Show the live map, drawn from vector tiles when there is more than a page should hold."""
    return page(request, "live", tiles_since=_tiles_since(services(request)))


async def drive(request: web.Request) -> web.StreamResponse:
    """Show the page for drivers: what concerns them, while they drive."""
    return page(request, "drive")


async def embed(request: web.Request) -> web.StreamResponse:
    """Show the map that other sites put in a frame."""
    return page(request, "embed")


async def report(request: web.Request) -> web.StreamResponse:
    """Show the page on which citizens report."""
    return page(request, "report")


async def follow(request: web.Request) -> web.StreamResponse:
    """Show what became of a report; the page asks for it by its token."""
    response = page(request, "follow", token=request.match_info["token"])
    # The token in the address is the secret of the page.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def staff(request: web.Request) -> web.StreamResponse:
    """Show the console of the technical services, or its login."""
    return page(request, "staff")


async def status(request: web.Request) -> web.StreamResponse:
    """Show how fresh everything is."""
    told = tell_status(services(request))
    rows = [source_row(one) for one in told.sources]
    alarms = [alarm.code for alarm in told.node.alarms] if told.node else []
    name = told.node.name if told.node else ""
    return page(request, "status", sources=rows, counts=told.counts, stream=told.stream, alarms=alarms, node=name)


async def sync(request: web.Request) -> web.StreamResponse:
    """Show the last report of a source to staff; its samples of records are not for everybody."""
    if not is_staff(request):
        address = f"{services(request).settings.server.base_path}/staff?next={quote(request.path)}"
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
    name, syncs = request.match_info["source"], services(request).syncs
    standing = next((one for one in syncs.status() if one.source == name), None)
    if standing is None:
        raise NotFound(f"no source is called {name[:40]!r}; /status lists them")
    rows = report_rows(syncs.report(name), standing) if standing.last_success else None
    return page(request, "sync", source=name, report=rows)


async def maps(request: web.Request) -> web.StreamResponse:
    """List the generated maps."""
    house = services(request)
    found = await asyncio.to_thread(_list_maps, house.maps_dir, house.settings.server.base_path)
    return page(request, "maps", maps=found)


async def theme(request: web.Request) -> web.StreamResponse:
    """Give the town's colours as a stylesheet."""
    text = services(request).pages.render("theme.css", language="fr", context={})
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "public, max-age=300"})


async def logo(request: web.Request) -> web.StreamResponse:
    """Give the town's logo."""
    path = Path(services(request).settings.town.logo or "/")
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("the town has no logo; set town.logo")
    return web.FileResponse(path)


# The maps' own address ends in a slash, for their files lie below it.
PAGES: Mapping[str, Answerer] = {
    "/": live,
    "/drive": drive,
    "/embed": embed,
    "/report": report,
    "/r/{token}": follow,
    "/staff": staff,
    "/status": status,
    "/sync/{source}": sync,
    "/maps/": maps,
    "/theme.css": theme,
    "/logo": logo,
}


def page(request: web.Request, name: str, *, code: int = HTTPStatus.OK, **context: Any) -> web.Response:  # noqa: ANN401 - what a template takes
    """Return a page in the reader's language."""
    house = services(request)
    language = language_of(request, first=house.settings.town.language)
    path = request.path.removeprefix(house.settings.server.base_path)
    text = house.pages.render(name, language=language, context={"path": path, "now": house.clock.now(), **context})
    headers = {"Cache-Control": "no-cache", "Content-Language": language, "Vary": "Accept-Language, Cookie"}
    response = web.Response(text=text, content_type="text/html", status=code, headers=headers)
    remember(request, response)
    return response


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Show browsers that look for a page an error page in place of a problem document."""
    response = await handler(request)
    if not isinstance(response, web.Response) or response.content_type != MEDIA_TYPE or not _wants_page(request):
        return response
    problem = msgspec.json.decode(response.body if isinstance(response.body, bytes) else b"", type=ProblemDocument)
    detail = "" if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else problem.detail
    shown = page(request, "error", code=response.status, status=response.status, detail=detail)
    for name in ("Retry-After", "WWW-Authenticate", "Allow"):
        if name in response.headers:
            shown.headers[name] = response.headers[name]
    return shown


def _tiles_since(house: Services) -> str:
    """Return where the log stands when the live map is to be drawn from vector tiles; empty when not."""
    count = sum(house.state.count(kind) for kind in Kind)
    is_large = count >= house.settings.vector_tiles.from_features
    return str(house.state.cursor) if house.tiles is not None and is_large else ""


def _wants_page(request: web.Request) -> bool:
    path = request.path.removeprefix(services(request).settings.server.base_path)
    return not path.startswith("/v1/") and "text/html" in request.headers.get("Accept", "")


def _list_maps(folder: Path, base_path: str) -> list[dict[str, str]]:
    files = sorted(folder.glob("*.html"), key=lambda path: (path.stem != "overview", path.stem))
    return [{"title": _title(path), "url": f"{base_path}/maps/{quote(path.name)}"} for path in files]


def _title(path: Path) -> str:
    with path.open("rb") as file:
        found = _TITLE.search(file.read(_HEAD_BYTES).decode(errors="ignore"))
    return unescape(found[1]).strip() if found else path.stem
