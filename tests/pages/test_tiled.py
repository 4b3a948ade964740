"""The live map of a town that has more than a page can hold: drawn from the vector tiles of a real PostGIS."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, WebSocket, expect

from geoworks.config.settings import Engine, StoreTable, VectorTiles
from tests.pages.axe import axe, violations
from tests.pages.looking import DESKTOP, PHONE, Looker, Scheme, drawn
from tests.pages.served import Served, ServedTown
from tests.pages.tiled import (
    FREE,
    drag,
    far,
    has_asked,
    is_inked,
    item,
    on_screen,
    post,
    serve_from_tiles,
    tiles,
    until,
)
from tests.postgres import Databases

_FIRST_LOAD_BYTES = 115_000
_LOOKS: tuple[tuple[str, tuple[int, int], Scheme], ...] = (
    ("fr", DESKTOP, "light"), ("fr", PHONE, "dark"), ("en", PHONE, "light"), ("en", DESKTOP, "dark"),
)  # fmt: skip


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town, with a crowd of works some kilometres away, all drawn from tiles."""
    yield from serve_from_tiles(databases, tmp_path_factory.mktemp("tiled"))


def test_it_draws_what_is_in_view_from_tiles(looker: Looker, served: Served) -> None:
    """Tiles are asked for and drawn, the list has what is in view, and the stream is asked about the view alone."""
    sent: list[Any] = []
    page = looker.open("status")
    page.on("websocket", lambda socket: _listen(socket, sent))
    page.goto(looker.address)
    drawn(page)
    for layer in ("works", "reports", "zones"):
        assert tiles(looker, layer)
    lon, lat = 2.3051, 48.6342
    id_ = served.post_works("Au milieu")
    expect(item(page, "Au milieu")).to_be_visible()
    until(page, lambda: is_inked(page, on_screen(page, served, lon + 0.0007, lat + 0.000225)))
    assert page.locator("#works li").count() == int(page.locator("#works .count").inner_text()) < 100
    expect(page.locator(".zone-label:not(.hidden)").first).to_be_visible()
    areas = [message["area"] for message in sent if message["type"] == "subscribe"]
    west, south, east, north = areas[-1]["bbox"]
    assert west < lon < east
    assert south < lat < north < 48.75
    assert all("bbox" in area for area in areas)
    assert not [url for url in looker.asked if url.endswith(("/v1/works", "/v1/zones", "/v1/reports"))]
    served.send("DELETE", f"v1/works/{id_}")


def _listen(socket: WebSocket, sent: list[Any]) -> None:
    socket.on("framesent", lambda frame: sent.append(json.loads(frame)))


def test_a_posted_works_is_drawn_without_reload(looker: Looker, served: Served) -> None:
    """Works that are posted are in the list, said aloud and drawn at their place; cancelled they leave it."""
    page = looker.live()
    page.evaluate("window.sameDocument = true")
    at = on_screen(page, served, FREE[0] + 0.0006, FREE[1])
    assert not is_inked(page, at)
    before = len(tiles(looker, "zones"))
    known: list[str | None] = []
    page.on("request", lambda request: known.append(request.header_value("If-None-Match")))
    id_ = post(served, "Fuite au nord")
    expect(item(page, "Fuite au nord")).to_be_visible(timeout=1000)
    until(page, lambda: is_inked(page, at))
    assert any(known), "tiles are asked for by their tags"
    expect(page.locator("#announcements")).to_contain_text("Fuite au nord")
    assert len(tiles(looker, "zones")) == before, "only tiles of what changed are read again"
    served.send("DELETE", f"v1/works/{id_}")
    expect(item(page, "Fuite au nord")).to_have_count(0)
    until(page, lambda: not is_inked(page, at))
    assert page.evaluate("window.sameDocument")


def test_a_press_on_the_drawing_opens_details(looker: Looker, served: Served) -> None:
    """Marker, line and zone each open what they stand for; Escape leads back."""
    id_ = post(served, "Rue pressée")
    page = looker.live()
    for lon in (FREE[0], FREE[0] + 0.0009):
        x, y = on_screen(page, served, lon, FREE[1])
        until(page, partial(is_inked, page, (x, y)))
        page.mouse.click(x, y)
        expect(page.locator("#details-title")).to_have_text("Rue pressée")
        expect(page.locator("#details .plate")).to_be_visible()
        assert "works=api" in page.url
        page.keyboard.press("Escape")
        expect(page.locator("#overview")).to_be_visible()
    label = page.locator(".zone-label:not(.hidden)", has_text="Fontaine de l'Orme").bounding_box()
    assert label
    page.mouse.click(label["x"] + 4, label["y"] + label["height"] / 2)
    expect(page.locator("#details-title")).to_have_text("Fontaine de l'Orme")
    served.send("DELETE", f"v1/works/{id_}")


def test_open_details_follow_their_works_and_outlast_the_view(looker: Looker, served: Served) -> None:
    """Details that are open change with their works, stay when they leave the view, and say so when they end."""
    id_ = post(served, "Travaux suivis")
    page = looker.live(f"?works={id_}")
    expect(page.locator("#details-title")).to_have_text("Travaux suivis")
    served.send("PATCH", f"v1/works/{id_}", {"description": "La conduite est réparée."})
    expect(page.locator("#details-body")).to_contain_text("La conduite est réparée.")
    before = len(looker.asked)
    drag(page, -500)
    until(page, partial(has_asked, looker, f"/v1/works/{quote(id_, safe='')}", since=before))
    expect(page.locator("#gone")).to_be_hidden()
    expect(page.locator("#details-title")).to_have_text("Travaux suivis")
    drag(page, 500)
    served.send("DELETE", f"v1/works/{id_}")
    expect(page.locator("#gone")).to_be_visible()


def test_words_filter_list_and_drawing(looker: Looker, served: Served) -> None:
    """From close by every filter works, on the drawing too."""
    id_ = post(served, "Rue filtrée")
    page = looker.live()
    at = on_screen(page, served, FREE[0] + 0.0006, FREE[1])
    until(page, lambda: is_inked(page, at))
    page.get_by_role("searchbox").fill("montlhery")
    expect(page.locator("#works li", has_not_text="Montlhéry")).to_have_count(0)
    until(page, lambda: not is_inked(page, at))
    page.get_by_role("searchbox").fill("rue filtree")
    until(page, lambda: is_inked(page, at))
    served.send("DELETE", f"v1/works/{id_}")


@pytest.mark.parametrize("distance", ["near", "far"])
@pytest.mark.parametrize(("language", "size", "scheme"), _LOOKS)
def test_everybody_can_use_it(
    looker: Looker, language: str, size: tuple[int, int], scheme: Scheme, distance: str
) -> None:
    """No axe violation from near and from afar, at both sizes, in both languages, and no scrolling sideways."""
    page = looker.live(language=language, size=size, scheme=scheme)
    if distance == "far":
        far(page)
    page.evaluate(axe())
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert violations(page, scheme) == []


def test_the_first_load_stays_bounded(looker: Looker) -> None:
    """With the decoder and what draws from tiles, all but tiles and data fits in 115 kB compressed."""
    page = looker.live()
    own = {url for url in looker.asked if url.startswith(looker.address) and "/v1/" not in url and "/tiles/" not in url}
    loaded = {url: len(gzip.compress(page.request.get(url).body())) for url in own}
    assert len(loaded) > 10
    assert sum(loaded.values()) < _FIRST_LOAD_BYTES, loaded


def test_below_the_bound_nothing_is_drawn_from_tiles(
    browser: Browser, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A town on PostgreSQL with fewer features is followed as a whole, and so is every town on the embedded store."""
    store = StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))
    for tables in ({"store": store}, {"vector_tiles": VectorTiles(from_features=0)}):
        with ServedTown(tmp_path_factory.mktemp("small"), tables=tables) as served:
            looker = Looker(browser, served.address)
            page = looker.live()
            expect(page.locator(".pin").first).to_be_visible()
            looker.close()
            assert looker.complaints == []
            assert not [url for url in looker.asked if "/tiles/" in url or "/tiled/" in url]
