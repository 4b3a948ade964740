"""What the tests of the map drawn from vector tiles share: the town, and how to look at a drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from geoworks.config.settings import Engine, StoreTable, VectorTiles
from tests.pages.crowd import many_works
from tests.pages.looking import Looker
from tests.pages.served import Served, ServedTown
from tests.postgres import Databases

WAIT_MS = 10_000
# Outside of all zones, whose fill is half transparent; lines and markers are not.
FREE = (2.2890, 48.6440)
_INKED = """([x, y]) => [...document.querySelectorAll(".leaflet-tiled-pane canvas")].some((canvas) => {
  const box = canvas.getBoundingClientRect();
  if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) return false;
  const scale = canvas.width / box.width;
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, (box.left - x) * scale, (box.top - y) * scale);
  return pen.getImageData(0, 0, 1, 1).data[3] > 200;
})"""


def serve_from_tiles(databases: Databases, folder: Path) -> Iterator[Served]:
    """Serve the sample town on PostgreSQL, with a crowd of works some kilometres away, all drawn from tiles."""
    store = StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))
    tables = {"store": store, "vector_tiles": VectorTiles(from_features=100)}
    with ServedTown(folder, tables=tables) as served:
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


def until(page: Page, holds: Callable[[], object], limit_ms: int = WAIT_MS) -> None:
    """Wait until something holds."""
    for _ in range(limit_ms // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"still not so after {limit_ms} ms")


def is_inked(page: Page, at: tuple[float, float]) -> bool:
    """Tell whether the line of a works is drawn at a place of the screen."""
    return bool(page.evaluate(_INKED, list(at)))


def post(served: Served, title: str, at: tuple[float, float] = FREE) -> str:
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
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview", timeout=WAIT_MS)


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
