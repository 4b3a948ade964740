"""The live layer on somebody's own folium map, against a running town."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import folium
import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from maps import LiveLayer
from tests.pages.served import Served, ServedTown
from tests.shared import ROOT

_VENDOR = ROOT / "maps" / "static" / "vendor"
# What folium takes from elsewhere; what it only needs for icons is left out.
_LOCAL = {"leaflet.js": _VENDOR / "leaflet" / "leaflet.js", "leaflet.css": _VENDOR / "leaflet" / "leaflet.css"}
_LIVE_MS = 10_000
_SECOND_MS = 1000
_HOSTILE = "</script><img src=x onerror=alert(1)>${7*7}{{7*7}}{% raw %}"
# The titles of the works that the first layer has.
_TITLES = """() => {
  const layer = Object.entries(window).find(([name]) => name.startsWith("live_layer_"))[1];
  return layer.getLayers().map((one) => one.getLayers()[0].feature.properties.title);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town to the tests of this module."""
    with ServedTown(tmp_path_factory.mktemp("town")) as served:
        yield served


Open = Callable[..., Page]


@pytest.fixture
def open_map(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return what opens a folium map from a file, with folium's own files at hand; fails when a script failed."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    faults: list[str] = []
    context.route(re.compile("^https://"), _answer)

    def open_(*layers: LiveLayer, wire: Wire | None = None) -> Page:
        own = folium.Map(location=(48.633, 2.308), zoom_start=14, tiles=None)
        for layer in layers:
            layer.add_to(own)
        folium.LayerControl(collapsed=False).add_to(own)
        own.save(tmp_path / "map.html")
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        if wire:
            page.route_web_socket(re.compile("/v1/stream"), wire.plug)
        page.goto((tmp_path / "map.html").as_uri())
        return page

    yield open_
    context.close()
    assert faults == []


def _answer(route: Route) -> None:
    path = _LOCAL.get(route.request.url.rsplit("/", 1)[-1])
    if path:
        route.fulfill(path=path)
    else:
        route.fulfill(body="")


class Wire:
    """The wire between the map and the stream, to cut and mend; notes what the map says."""

    def __init__(self) -> None:
        """Begin whole."""
        self.said: list[dict[str, Any]] = []
        self._whole = True
        self._open: list[WebSocketRoute] = []

    def plug(self, socket: WebSocketRoute) -> None:
        """Let a connection through, or not."""
        if not self._whole:
            socket.close()
            return
        server = socket.connect_to_server()
        self._open.append(socket)

        def pass_on(frame: str | bytes) -> None:
            self.said.append(json.loads(frame))
            server.send(frame)

        socket.on_message(pass_on)

    def cut(self) -> None:
        """Break what is open and let nothing through."""
        self._whole = False
        for socket in self._open:
            socket.close()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True


def has(page: Page, title: str, *, timeout: float = _SECOND_MS) -> None:
    """Wait until the layer has a works of a title."""
    page.wait_for_function(f"(title) => ({_TITLES})().includes(title)", arg=title, timeout=timeout)


def lacks(page: Page, title: str, *, timeout: float = _SECOND_MS) -> None:
    """Wait until the layer has no works of a title."""
    page.wait_for_function(f"(title) => !({_TITLES})().includes(title)", arg=title, timeout=timeout)


def wait_live(page: Page) -> None:
    """Wait until the layer has the town's works."""
    page.wait_for_function(f"() => ({_TITLES})().length > 20", timeout=_LIVE_MS)


def test_works_come_move_and_go(open_map: Open, served: Served) -> None:
    """Each within a second of its write, without reload."""
    page = open_map(LiveLayer(served.address))
    wait_live(page)
    id_ = served.post_works("Fuite en direct")
    has(page, "Fuite en direct")
    served.send("PATCH", f"v1/works/{id_}", {"title": "Fuite réparée"})
    has(page, "Fuite réparée")
    lacks(page, "Fuite en direct")
    served.send("DELETE", f"v1/works/{id_}")
    lacks(page, "Fuite réparée")


def test_what_leaves_the_area_leaves_the_map(open_map: Open, served: Served) -> None:
    """A layer with an area shows only what is in it."""
    id_ = served.post_works("Travaux qui bougent")
    page = open_map(LiveLayer(served.address, area={"bbox": [2.305, 48.634, 2.308, 48.6352]}))
    has(page, "Travaux qui bougent", timeout=_LIVE_MS)
    served.send("PATCH", f"v1/works/{id_}", {"geometry": {"type": "Point", "coordinates": [2.32, 48.64]}})
    lacks(page, "Travaux qui bougent")
    served.send("DELETE", f"v1/works/{id_}")


def test_a_cut_is_told_and_made_good(open_map: Open, served: Served) -> None:
    """A map that stands still says so; when the wire is whole it resumes and has what it missed."""
    gone = served.post_works("Fini pendant la coupure")
    wire = Wire()
    page = open_map(LiveLayer(served.address, language="en"), wire=wire)
    has(page, "Fini pendant la coupure", timeout=_LIVE_MS)
    wire.cut()
    expect(page.get_by_text("Connection lost")).to_be_visible(timeout=_LIVE_MS)
    wait_live(page)
    served.send("DELETE", f"v1/works/{gone}")
    new = served.post_works("Commencé pendant la coupure")
    wire.mend()
    has(page, "Commencé pendant la coupure", timeout=3 * _LIVE_MS)
    lacks(page, "Fini pendant la coupure")
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    assert [message["type"] for message in wire.said] == ["subscribe", "resume"]
    served.send("DELETE", f"v1/works/{new}")


def test_popups_show_text(open_map: Open, served: Served) -> None:
    """A hostile title is read as it was written and runs nothing."""
    id_ = served.post_works(_HOSTILE)
    page = open_map(LiveLayer(served.address))
    has(page, _HOSTILE, timeout=_LIVE_MS)
    page.evaluate(
        """(title) => Object.entries(window).find(([name]) => name.startsWith("live_layer_"))[1]
          .eachLayer((one) => one.getLayers()[0].feature.properties.title === title && one.openPopup())""",
        _HOSTILE,
    )
    expect(page.locator(".leaflet-popup strong")).to_have_text(_HOSTILE)
    expect(page.locator(".leaflet-popup")).to_contain_text("en cours, gêne moyenne")
    assert page.locator("img[src=x]").count() == 0
    served.send("DELETE", f"v1/works/{id_}")


def test_two_layers_share_a_map(open_map: Open, served: Served) -> None:
    """Each with its own name in folium's control; one hidden at first comes when asked for."""
    page = open_map(LiveLayer(served.address), LiveLayer(served.address, name="Autre", show=False))
    wait_live(page)
    drawn = page.locator(".leaflet-overlay-pane path")
    expect(drawn.first).to_be_attached()
    count = drawn.count()
    expect(page.get_by_label("Travaux en direct")).to_be_checked()
    page.locator(".leaflet-control-layers-selector").last.check()
    expect(drawn).to_have_count(2 * count, timeout=_LIVE_MS)


@pytest.mark.parametrize("url", ["travaux.example.org", "javascript:alert(1)", "ws://x", ""])
def test_only_an_address_is_followed(url: str) -> None:
    """What is no address of a town is refused with how to write one."""
    with pytest.raises(ValueError, match="begins with https://"):
        LiveLayer(url)


def test_the_rendered_map_has_the_script_once() -> None:
    """However many layers, and however often it is rendered; what is hostile in an area stays data."""
    own = folium.Map(tiles=None)
    for _ in range(3):
        LiveLayer("http://[::1]:8080/travaux/", area={"zones": [_HOSTILE]}).add_to(own)
    own.get_root().render()
    page = own.get_root().render()
    assert page.count("var geoworksLive") == 1
    assert page.count("ws://[::1]:8080/travaux/v1/stream") == 3
    assert "<img" not in page
    assert "49" not in "".join(re.findall(r"geoworksLive\((.*)\)", page))


def test_pages_do_without_folium() -> None:
    """Who renders pages does not wait for folium; who asks for the layer gets it."""
    code = (
        "import sys, maps.pages; before = 'folium' in sys.modules; from maps import LiveLayer; print(before, LiveLayer)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    assert run.stdout.strip() == "False <class 'maps.live.LiveLayer'>"
