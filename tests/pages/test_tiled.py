"""The live map of a town that has more than a page can hold: drawn from the vector tiles of a real PostGIS."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect
from playwright.sync_api import TimeoutError as TooLate

from geoworks.config.settings import Engine, StoreTable, VectorTiles
from tests.pages.axe import axe, violations
from tests.pages.cable import Cable
from tests.pages.crowd import many_works
from tests.pages.looking import DESKTOP, PHONE, Looker, Scheme, drawn
from tests.pages.served import Served, ServedTown
from tests.postgres import Databases

_FIRST_LOAD_BYTES = 115_000
_WAIT_MS = 10_000
# Outside of all zones, whose fill is half transparent; lines and markers are not.
_FREE = (2.2890, 48.6440)
_INKED = """([x, y]) => [...document.querySelectorAll(".leaflet-tiled-pane canvas")].some((canvas) => {
  const box = canvas.getBoundingClientRect();
  if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) return false;
  const scale = canvas.width / box.width;
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, (box.left - x) * scale, (box.top - y) * scale);
  return pen.getImageData(0, 0, 1, 1).data[3] > 200;
})"""
_LOOKS: tuple[tuple[str, tuple[int, int], Scheme], ...] = (
    ("fr", DESKTOP, "light"), ("fr", PHONE, "dark"), ("en", PHONE, "light"), ("en", DESKTOP, "dark"),
)  # fmt: skip


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town on PostgreSQL, with a crowd of works some kilometres away, all drawn from tiles."""
    store = StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))
    tables = {"store": store, "vector_tiles": VectorTiles(from_features=100)}
    with ServedTown(tmp_path_factory.mktemp("tiled"), tables=tables) as served:
        served.run(served.town.desk.submit(many_works(600, lat=48.75)))
        yield served


def plane(lon: float, lat: float, zoom: float) -> tuple[float, float]:
    """Return a place in pixels of the world at a zoom."""
    across = 256 * 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return (lon + 180) / 360 * across, down * across


def on_screen(page: Page, served: Served, lon: float, lat: float) -> tuple[float, float]:
    """Return where a place is on the screen, as long as the map stands as it opened."""
    town = served.town.settings.town
    box = page.locator("#map").bounding_box()
    assert box
    (x, y), (middle_x, middle_y) = plane(lon, lat, town.zoom), plane(*town.center, town.zoom)
    return box["x"] + box["width"] / 2 + x - middle_x, box["y"] + box["height"] / 2 + y - middle_y


def until(page: Page, holds: Callable[[], object], limit_ms: int = _WAIT_MS) -> None:
    """Wait until something holds."""
    for _ in range(limit_ms // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"still not so after {limit_ms} ms")


def is_inked(page: Page, at: tuple[float, float]) -> bool:
    """Tell whether the line of a works is drawn at a place of the screen."""
    return bool(page.evaluate(_INKED, list(at)))


def post(served: Served, title: str, at: tuple[float, float] = _FREE) -> str:
    """Post works along a line through a place and return their id."""
    lon, lat = at
    line = {"type": "LineString", "coordinates": [[lon - 0.001, lat], [lon + 0.001, lat]]}
    given = {"title": title, "schedule": {"start": "2020-01-01T06:00:00Z"}}
    created = served.send("POST", "v1/works", {"type": "Feature", "geometry": line, "properties": given})
    return str(created["id"])


def item(page: Page, text: str) -> Locator:
    """Return the item of the list of works that holds a text."""
    return page.locator("#works li button", has_text=text)


def tiles(looker: Looker, layer: str = "") -> list[str]:
    """Return the tiles that were asked for."""
    return [url for url in looker.asked if f"/tiles/{layer}" in url]


def has_asked(looker: Looker, part: str, *, since: int) -> bool:
    """Tell whether an address with such a part was asked for, after so many others."""
    return any(part in url for url in looker.asked[since:])


def far(page: Page) -> None:
    """Go so far out that the crowd is in view."""
    for _ in range(4):
        page.locator(".leaflet-control-zoom-out").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview", timeout=_WAIT_MS)


def drag(page: Page, down: int) -> None:
    """Drag the map so many pixels down the screen."""
    box = page.locator("#map").bounding_box()
    assert box
    x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
    page.mouse.move(x, y - down / 2)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x, y + down / 2, steps=4)
    # Held still, so that it does not glide on.
    page.wait_for_timeout(200)
    page.mouse.up()


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
    at = on_screen(page, served, _FREE[0] + 0.0006, _FREE[1])
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
    for lon in (_FREE[0], _FREE[0] + 0.0009):
        x, y = on_screen(page, served, lon, _FREE[1])
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
    at = on_screen(page, served, _FREE[0] + 0.0006, _FREE[1])
    until(page, lambda: is_inked(page, at))
    page.get_by_role("searchbox").fill("montlhery")
    expect(page.locator("#works li", has_not_text="Montlhéry")).to_have_count(0)
    until(page, lambda: not is_inked(page, at))
    page.get_by_role("searchbox").fill("rue filtree")
    until(page, lambda: is_inked(page, at))
    served.send("DELETE", f"v1/works/{id_}")


@pytest.mark.parametrize(("language", "words"), [("fr", "Approchez"), ("en", "Zoom in")])
def test_from_afar_it_counts_and_says_to_come_nearer(looker: Looker, language: str, words: str) -> None:
    """Where too much is in view the list has none, says so, keeps what was searched, and a button leads nearer."""
    page = looker.live("?q=montlhery", language=language)
    far(page)
    expect(page.locator("#far")).to_contain_text(words)
    expect(page.locator("#works li")).to_have_count(0)
    assert int(re.sub(r"\D", "", page.locator("#works .count").inner_text())) > 600
    expect(page.get_by_role("searchbox")).to_be_disabled()
    expect(page.get_by_role("searchbox")).to_have_value("montlhery")
    expect(page.locator("input[name=period][value=week]")).to_be_disabled()
    page.locator("#nearer").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    drawn(page)
    expect(page.locator("#works-title")).to_be_focused()
    expect(page.locator("#far")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value("montlhery")
    expect(item(page, "Montlhéry").first).to_be_visible()


def test_from_afar_changes_are_drawn_too(looker: Looker, served: Served) -> None:
    """What changes in a wide view is asked about every few seconds, and only tiles where it lies are read again."""
    page = looker.live()
    far(page)
    before = len(looker.asked)
    id_ = post(served, "Vu de loin")
    until(page, partial(has_asked, looker, "/tiles/works", since=before))
    asked = [parse_qs(urlsplit(url).query) for url in looker.asked[before:] if "/v1/changes" in url]
    assert asked
    assert all(query["since"][0] and "bbox" in query for query in asked)
    assert not [url for url in looker.asked[before:] if "/tiles/reports" in url]
    served.send("DELETE", f"v1/works/{id_}")


def test_when_history_is_lost_tiles_are_read_again(looker: Looker, served: Served) -> None:
    """Asked from a place in another log, the page reads its tiles again and goes on from where the log is now."""
    page = looker.live()
    far(page)
    page.route(
        "**/v1/changes?**",
        lambda route: route.continue_(url=re.sub("since=[^&]*", "since=lost.1", route.request.url)),
        times=1,
    )
    before = len(looker.asked)
    until(page, partial(has_asked, looker, "/v1/works?bbox=0,0,0,0", since=before))
    for layer in ("works", "reports", "zones"):
        until(page, partial(has_asked, looker, f"/tiles/{layer}/", since=before))
    asked = len(looker.asked)
    until(page, partial(has_asked, looker, f"since={served.town.state.cursor}", since=asked))
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview")


def test_from_afar_it_says_when_nothing_answers(looker: Looker) -> None:
    """When changes cannot be asked about the page says since when; too many readers behind an address are no cut."""
    page = looker.live()
    far(page)
    page.route("**/v1/changes?**", lambda route: route.fulfill(status=429, json={"detail": "too many"}))
    with page.expect_response("**/v1/changes?**"):
        pass
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview")
    page.unroute("**/v1/changes?**")
    page.route("**/v1/changes?**", lambda route: route.abort())
    expect(page.locator("#connection")).to_have_attribute("data-state", "offline", timeout=25_000)
    page.unroute("**/v1/changes?**")
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview", timeout=45_000)
    assert all("429" in complaint for complaint in looker.complaints)
    looker.complaints.clear()


def test_a_gathered_marker_leads_nearer(looker: Looker) -> None:
    """A press on a number goes to where what it counts comes apart."""
    page = looker.live()
    far(page)
    box = page.locator("#map").bounding_box()
    assert box
    wide = zooms(looker)[-1]
    # The crowd lies above the middle.
    for down in range(40, int(box["height"] / 2), 10):
        at = box["x"] + box["width"] / 2, box["y"] + down
        page.mouse.move(*at)
        if "on-feature" in (page.locator("#map").get_attribute("class") or ""):
            page.mouse.click(*at)
            break
    until(page, lambda: zooms(looker)[-1] > wide)


def zooms(looker: Looker) -> list[int]:
    """Return the zooms at which tiles of works were asked for."""
    return [int(url.split("/tiles/works/")[1].split("/")[0]) for url in tiles(looker, "works")]


def test_without_the_stream_it_reads_on(looker: Looker, served: Served) -> None:
    """Where no WebSocket passes the page shows what is in view and says that it is not live."""
    cable = Cable()
    cable.cut()
    page = looker.open("status")
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.clock.install()
    page.goto(looker.address)
    with suppress(TooLate):
        page.clock.run_for(2000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "polled")
    expect(page.locator("#works li").nth(20)).to_be_attached()
    id_ = post(served, "Lu sans le flux")
    page.clock.run_for(31_000)
    expect(item(page, "Lu sans le flux")).to_be_visible()
    served.send("DELETE", f"v1/works/{id_}")


def test_tiles_that_cannot_be_read_are_said_and_read_again(looker: Looker) -> None:
    """A part that is missing is not passed over in silence, and comes when it can be had."""
    page = looker.open("status")
    page.clock.install()
    page.route("**/tiles/works/**", lambda route: route.abort())
    page.goto(looker.address)
    page.clock.run_for(2000)
    expect(page.locator("#far-words")).to_contain_text("n’a pas pu être lue")
    page.unroute("**/tiles/works/**")
    page.clock.run_for(31_000)
    drawn(page)
    expect(page.locator("#far")).to_be_hidden()


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
