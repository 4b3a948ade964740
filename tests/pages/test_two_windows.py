"""Two windows of one browser on a real street network: what one writes on the other's route, the other tells at once.

How long it took is measured in the windows themselves, by the clock that both share: from the moment the writer has
its answer to the moment the list of the driver's page has changed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.geo.street_cases import Outing, outing
from tests.pages.driver import eventually, import_route, is_live, titles
from tests.pages.looking import Looker
from tests.pages.served import Served, ServedTown

_AT_ONCE_MS = 1000
_ZOOM = 17
# Notes when each write was answered.
_WRITER = """
window.answered = [];
const ask = window.fetch;
window.fetch = async (address, options = {}) => {
  const answer = await ask(address, options);
  if (options.method && options.method !== "GET") answered.push([options.method, answer.status, Date.now()]);
  return answer;
};
"""
# Notes when the titles listed have changed, and to what.
_DRIVER = """
window.listed = [];
addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector("#events");
  const look = () => {
    const now = [...list.querySelectorAll(".card-title")].map((title) => title.textContent);
    if (String(now) !== String(listed.at(-1)?.[1] ?? [])) listed.push([Date.now(), now]);
  };
  new MutationObserver(look).observe(list, { childList: true, subtree: true, characterData: true });
});
"""
_POST_FOR_A_WHILE = """
async ([key, geometry, title, lasts_ms]) => {
  const end = Date.now() + lasts_ms;
  const schedule = { start: "2020-01-01T06:00:00Z", end: new Date(end).toISOString() };
  const body = JSON.stringify({ type: "Feature", geometry, properties: { title, schedule } });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  await fetch("/v1/works", { method: "POST", headers, body });
  return end;
}
"""


@pytest.fixture(scope="module")
def ride() -> Outing:
    """Return a way through a real town."""
    return outing(seed=11)


@pytest.fixture(scope="module")
def town(ride: Outing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a town whose maps open on the works of the ride."""
    middle = ride.on.envelope.centroid
    with ServedTown(tmp_path_factory.mktemp("town"), look={"center": (middle.x, middle.y), "zoom": _ZOOM}) as served:
        yield served


@pytest.fixture
def windows(browser: Browser, town: Served) -> Iterator[Looker]:
    """Return what opens windows on the town, and fails when a page complained."""
    looker = Looker(browser, town.address)
    yield looker
    looker.close()
    assert looker.complaints == []


@pytest.fixture
def driver(windows: Looker, ride: Outing) -> Page:
    """Return the driver's window, live, with nothing on the route yet."""
    page = windows.open("drive", script=_DRIVER)
    route: FilePayload = {
        "name": "trajet.geojson",
        "mimeType": "application/geo+json",
        "buffer": json.dumps(ride.route.__geo_interface__).encode(),
    }
    import_route(page, route)
    page.locator("#look").click()
    is_live(page)
    expect(titles(page)).to_have_count(0)
    return page


def test_what_staff_draws_on_the_route_comes_and_goes_at_once(
    windows: Looker, town: Served, driver: Page, ride: Outing
) -> None:
    """Works drawn in the console are listed for the driver within a second, and leave when staff ends them."""
    console = windows.open("staff", script=_WRITER)
    console.locator("#key").fill(town.key)
    console.locator("#login button").click()
    _write(console, "Dans une rue voisine", ride.beside, middle=ride.on.envelope.centroid)
    _write(console, "Sur le trajet", ride.on, middle=ride.on.envelope.centroid)
    expect(titles(driver)).to_have_text(["Sur le trajet"])
    console.get_by_role("button", name="Modifier : Sur le trajet").click()
    console.once("dialog", lambda dialog: dialog.accept())
    console.get_by_role("button", name="Annuler ces travaux").click()
    expect(titles(driver)).to_have_count(0)
    # What lies in a street beside the route was never listed.
    [came, left] = driver.evaluate("listed")
    assert [came[1], left[1]] == [["Sur le trajet"], []]
    *_, created, cancelled = _answered(console, 4)
    assert [created[:2], cancelled[:2]] == [["POST", 201], ["DELETE", 200]]
    assert came[0] - created[2] < _AT_ONCE_MS
    assert left[0] - cancelled[2] < _AT_ONCE_MS


def test_what_ends_by_the_clock_leaves_at_once(windows: Looker, town: Served, driver: Page, ride: Outing) -> None:
    """Works that last three seconds are listed within one, and leave within one when their time is over."""
    # Else it is left out what is over before the driver gets there.
    driver.locator("#everything").check()
    is_live(driver)
    poster = windows.open("status", script=_WRITER)
    ends = poster.evaluate(_POST_FOR_A_WHILE, [town.key, ride.on.__geo_interface__, "Pour trois secondes", 3000])
    expect(titles(driver)).to_have_text(["Pour trois secondes"])
    expect(titles(driver)).to_have_count(0)
    [came, left] = driver.evaluate("listed")
    [[method, status, answered]] = _answered(poster, 1)
    assert (method, status) == ("POST", 201)
    assert came[0] - answered < _AT_ONCE_MS
    assert 0 <= left[0] - ends < _AT_ONCE_MS


def _answered(page: Page, count: int) -> Any:  # noqa: ANN401 - method, status and moment of each
    """Return the writes that were answered, once there are so many."""
    eventually(page, f"answered.length === {count}")
    return page.evaluate("answered")


def _write(console: Page, title: str, line: shapely.LineString, *, middle: shapely.Point) -> None:
    """Draw works on the console's map, which stands at a place, corner by corner by mouse, and save them."""
    console.get_by_role("button", name="Nouveaux travaux").click()
    console.get_by_role("textbox", name="Titre").fill(title)
    console.get_by_label("Début").fill("2026-01-05T08:00")
    drawn = console.locator("#draw")
    drawn.scroll_into_view_if_needed()
    size = drawn.bounding_box()
    assert size is not None
    x0, y0 = _pixel(middle.x, middle.y)
    for lon, lat in line.coords:
        x, y = _pixel(lon, lat)
        drawn.click(position={"x": size["width"] / 2 + x - x0, "y": size["height"] / 2 + y - y0})
    expect(console.locator("#draw-count")).to_have_text(f"{len(line.coords)} points")
    console.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(console.locator("#works-list")).to_contain_text(title)


def _pixel(lon: float, lat: float) -> tuple[float, float]:
    """Return where a place lies on the whole world's map at the zoom, in pixels (Web Mercator)."""
    world = 256 * 2**_ZOOM
    north = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360 * world, (1 - north / math.pi) / 2 * world
