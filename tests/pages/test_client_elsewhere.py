"""The JavaScript client on a page of another site, as docs/client-js.md has it, against a running town."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Geolocation, Page, expect

from geoworks.hub.shelf import Shelf
from tests.pages.cable import Cable
from tests.pages.served import Served, ServedTown
from tests.shared import ROOT

_DOCUMENT = (ROOT / "docs" / "client-js.md").read_text(encoding="utf-8")
_MODULE = ROOT / "maps" / "static" / "geoworks-client.js"
_TOWN = "https://travaux.example.org"
_GPX = """<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lon="2.3030" lat="48.63345"/><trkpt lon="2.3051" lat="48.6342"/><trkpt lon="2.3079" lat="48.6351"/>
<trkpt lon="2.3150" lat="48.6374"/></trkseg></trk></gpx>"""
_START, _END = (2.3030, 48.63345), (2.3150, 48.6374)
_OVER = {"completed", "cancelled"}
# Follows the town's works, and counts the features that were told in an older version than before.
_FOLLOW = """async () => {
  const { GeoworksStream } = await import("/static/geoworks-client.js");
  window.backwards = 0;
  const subscriptions = [{ id: "all", area: { everywhere: true }, kinds: ["works"] }];
  window.stream = new GeoworksStream("/", { subscriptions }, {
    changed: (changes) => changes.forEach(({ feature, before }) => {
      if (feature && before?.properties.version > feature.properties.version) window.backwards += 1;
    }),
  });
  stream.start();
}"""
_HAS = "id => stream.features.has(`works ${id}`)"
_LIVE_MS = 10_000
_SECOND_MS = 1000


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _site(folder: Path) -> Iterator[str]:
    """Serve a folder as another site does, and return its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _example(town: str) -> str:
    """Return the page of the document, about the town at an address."""
    (example,) = re.findall(r"```html\n(.*?)```", _DOCUMENT, re.DOTALL)
    assert example.count(_TOWN) == 2
    return str(example).replace(_TOWN, town.rstrip("/"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page."""
    context = browser.new_context()
    context.set_default_timeout(_LIVE_MS)
    yield context.new_page()
    context.close()


def _follows(page: Page, served: Served) -> None:
    """See a works come, change and go, each within a second of its write."""
    expect(page.locator("#state")).to_have_text("live", timeout=_LIVE_MS)
    assert page.locator("#works li").count() > 3
    id_ = served.post_works("Vu d'ailleurs")
    line = page.locator("#works li", has_text="Vu d'ailleurs")
    expect(line).to_have_text("Vu d'ailleurs (active, medium)", timeout=_SECOND_MS)
    served.send("PATCH", f"v1/works/{id_}", {"impact": {"vehicle_impact": "all-lanes-closed"}})
    expect(line).to_have_text("Vu d'ailleurs (active, blocked)", timeout=_SECOND_MS)
    served.send("DELETE", f"v1/works/{id_}")
    expect(line).to_have_count(0, timeout=_SECOND_MS)


def test_a_site_that_may_read_follows_the_town(page: Page, tmp_path: Path) -> None:
    """The page of the document, on a site that `cors_origins` names; one it does not name gets nothing."""
    (tmp_path / "copied.js").write_bytes(_MODULE.read_bytes())
    with _site(tmp_path) as allowed, ServedTown(tmp_path / "town", cors_origins=(allowed,)) as served:
        example = _example(served.address)
        (tmp_path / "page.html").write_text(example, encoding="utf-8")
        # A site that cannot import the module may have a copy of it: the stream itself keeps it out.
        copied = example.replace(f"{served.address.rstrip('/')}/static/geoworks-client.js", "./copied.js")
        (tmp_path / "copied.html").write_text(copied, encoding="utf-8")
        page.goto(f"{allowed}/page.html")
        _follows(page, served)
        page.goto(f"{allowed}/copied.html")
        _follows(page, served)
        stranger = allowed.replace("127.0.0.1", "localhost")
        page.goto(f"{stranger}/page.html")
        expect(page.locator("#state")).to_be_empty()
        page.goto(f"{stranger}/copied.html")
        expect(page.locator("#state")).to_contain_text("offline since")
        expect(page.locator("#works li")).to_have_count(0)


def test_a_page_opened_as_a_file_follows_the_town(page: Page, served: Served, tmp_path: Path) -> None:
    """With the settings as they come, the page of the document needs no site at all."""
    path = tmp_path / "page.html"
    path.write_text(_example(served.address), encoding="utf-8")
    page.goto(path.as_uri())
    _follows(page, served)


def _drive(town: str) -> str:
    """Return a page with the driver's script of the document, and what the script leaves to the program."""
    (script,) = re.findall(r"```js\n(.*?)```", _DOCUMENT, re.DOTALL)
    return f"""<!doctype html><ul id="works"></ul><script type="module">
      import {{ GeoworksStream }} from "{town}/static/geoworks-client.js";
      const speak = () => {{}};
      const show = () => works.replaceChildren(...[...stream.features.values()].map(({{ properties }}) => {{
        const line = document.createElement("li");
        line.textContent = properties.title ?? properties.name;
        return line;
      }}));
      {script.replace(_TOWN, town)}
    </script>"""


def test_a_driver_is_told_what_lies_ahead(browser: Browser, tmp_path: Path) -> None:
    """The driver's script of the document: a posted route, what is passed leaves, and a lost area is posted again."""
    (tmp_path / "route.gpx").write_text(_GPX, encoding="utf-8")
    with _site(tmp_path) as allowed, ServedTown(tmp_path / "town", cors_origins=(allowed,)) as served:
        (tmp_path / "drive.html").write_text(_drive(served.address.rstrip("/")), encoding="utf-8")
        served.post_works("Sur la route")
        context = browser.new_context(permissions=["geolocation"], geolocation=_at(_START))
        page, cable = context.new_page(), Cable()
        page.route_web_socket(re.compile("/v1/stream"), cable.plug)
        page.goto(f"{allowed}/drive.html")
        ahead = page.locator("#works li", has_text="Sur la route")
        expect(ahead).to_have_count(1, timeout=_LIVE_MS)
        # As after a restart: the town knows the area no more.
        served.town.hub.shelf = Shelf(served.town.clock)
        posted = _count_posts(page)
        cable.cut()
        served.post_works("Sur la route aussi")
        cable.mend()
        expect(ahead).to_have_count(2, timeout=_LIVE_MS)
        assert len(posted) == 1
        context.set_geolocation(_at(_END))
        expect(ahead).to_have_count(0, timeout=_LIVE_MS)
        context.close()


def _at(place: tuple[float, float]) -> Geolocation:
    return {"longitude": place[0], "latitude": place[1], "accuracy": 5}


def _count_posts(page: Page) -> list[str]:
    posted: list[str] = []
    page.on("request", lambda one: posted.append(one.url) if one.method == "POST" else None)
    return posted


def test_after_many_cuts_it_holds_what_the_town_has(page: Page, served: Served) -> None:
    """Cut at any moment while works come, change and go, it ends with exactly the town's works, in their versions."""
    cable = Cable()
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.goto(f"{served.address}status")
    page.evaluate(_FOLLOW)
    ids: list[str] = []
    for round_ in range(12):
        ids.append(served.post_works(f"Coupure {round_}"))
        served.send("PATCH", f"v1/works/{ids[round_ // 2]}", {"title": f"Coupure {round_} encore"})
        cable.cut()
        if round_ % 3 == 2:
            served.send("DELETE", f"v1/works/{ids.pop()}")
            ids.append(served.post_works(f"Coupure {round_} autre"))
        cable.mend()
        # Every other time it is cut while it connects, asks or catches up.
        if round_ % 2:
            page.wait_for_function(_HAS, arg=ids[-1], timeout=_LIVE_MS)
    # Once the last write is there, so is all before it.
    ids.append(served.post_works("Après les coupures"))
    page.wait_for_function(_HAS, arg=ids[-1], timeout=_LIVE_MS)
    held = page.evaluate("[...stream.features.values()].map(({ id, properties }) => [id, properties.version]).sort()")
    works = served.send("GET", "v1/works")["features"]
    town = [[one["id"], one["properties"]["version"]] for one in works if one["properties"]["status"] not in _OVER]
    assert held == sorted(town)
    assert page.evaluate("backwards") == 0
    assert cable.plugged > 6
    for id_ in ids:
        served.send("DELETE", f"v1/works/{id_}")
