"""The folder of generated maps, opened as files in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect
from shapely.geometry import LineString, MultiLineString, MultiPoint, Point, box

from geoworks.config.categories import Category
from geoworks.config.settings import Reports, Tiles
from geoworks.config.settings import Town as TownTable
from geoworks.model.severity import Severity
from geoworks.model.text import clean_text
from geoworks.model.works import Status
from geoworks.model.zone import Level
from maps.builder import MapFolder
from tests.left_out import left_out
from tests.maps.small import MADE, SETTINGS, report, town, works, zone
from tests.pages.looking import DESKTOP, PHONE, SMALL, Looker
from tests.shared import ROOT

_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# A page opened as a file may not read its own style sheets, which axe would ask for.
_RUN = """async () => (await axe.run(document, {resultTypes: ["violations"], preload: false})).violations
  .map(({id, nodes}) => `${id}: ${nodes.map(({target, failureSummary}) => `${target} ${failureSummary}`)}`)"""
_HOSTILE = """</script><img src=x onerror="window.hit=1"><b>${window.hit=1}`{{7*7}}{% raw %}{#\x01\u202eabc"""
_PAINTED = """(colour) => {
  const [red, green, blue] = colour.match(/[\\da-f]{2}/g).map((part) => parseInt(part, 16));
  const { width, height } = document.querySelector("canvas");
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(document.querySelector("canvas"), 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    const near = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12;
    if (near && data[at + 3] > 100) count += 1;
  }
  return count;
}"""
_BLOCKED, _LOW, _HEAVY_ZONE = "7d0f3c", "2f86c5", "e58b66"

TOWN = town(
    works=[
        works("a:1", title="Rue barrée", severity=Severity.BLOCKED, road_names=("Rue d'Enfer",), promoter="Sigeif"),
        works("a:2", title="Trottoir", severity=Severity.LOW, geometry=box(2.303, 48.631, 2.305, 48.632)),
        works("a:3", title="Plus tard", status=Status.PLANNED, geometry=Point(2.31, 48.637)),
    ],
    zones=[zone(level=Level.HEAVY), zone("centre", name="Centre", place=box(2.29, 48.63, 2.3, 48.638))],
    reports=[report(text="Deux trous", place="Devant l'école")],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Draw the maps of a small town."""
    MapFolder(tmp_path, SETTINGS).write(TOWN, made=MADE)
    return tmp_path


@pytest.fixture
def looker(browser: Browser, tmp_path: Path) -> Iterator[Looker]:
    """Return what opens the files, and fails when one complained or asked anybody but the tiles' host."""
    looker = Looker(browser, tmp_path.as_uri() + "/")
    yield looker
    looker.close()
    assert looker.complaints == []
    assert {urlsplit(url).netloc for url in looker.asked if not url.startswith("data:")} <= {"", "127.0.0.1:9"}


def painted(page: Page, colour: str) -> Any:  # noqa: ANN401 - a number from the page
    """Count the pixels of a colour on the map, once what was asked for has been painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(_PAINTED, colour)


def item(page: Page, text: str) -> Locator:
    """Return the list's item that holds a text."""
    return page.locator(".drawn-list button", has_text=text)


@pytest.mark.usefixtures("folder")
def test_everything_is_drawn(looker: Looker) -> None:
    """Works by severity, zones by level, signs and names; the list says the same."""
    page = looker.open("overview.html")
    for colour in (_BLOCKED, _LOW, _HEAVY_ZONE):
        assert painted(page, colour) > 20
    expect(page.locator(".drawn-pin")).to_have_count(4)
    assert set(page.locator(".zone-name").all_inner_texts()) == {"Gare", "Centre"}
    assert page.locator(".drawn-list strong").all_inner_texts() == [
        "Centre", "Gare", "Rue barrée", "Trottoir", "Plus tard", "Chaussée abîmée",
    ]  # fmt: skip
    expect(item(page, "Rue barrée")).to_contain_text("en cours, route barrée, jusqu’au 4 décembre 2026 inclus")
    expect(page.locator(".map-note")).to_be_visible()


@pytest.mark.usefixtures("folder")
def test_layers_can_be_taken_away_and_put_back(looker: Looker) -> None:
    """One severity goes alone; zones come back under the works."""
    page = looker.open("overview.html")
    page.get_by_label("route barrée").uncheck()
    assert painted(page, _BLOCKED) == 0
    assert painted(page, _LOW) > 20
    page.get_by_label("route barrée").check()
    blocked = painted(page, _BLOCKED)
    page.get_by_label("Zones").uncheck()
    assert painted(page, _HEAVY_ZONE) == 0
    page.get_by_label("Zones").check()
    assert painted(page, _HEAVY_ZONE) > 20
    assert painted(page, _BLOCKED) >= blocked > 20


@pytest.mark.usefixtures("folder")
def test_what_is_pressed_tells(looker: Looker) -> None:
    """A sign tells its works, the ground its zone, which leads to the zone's map and back."""
    page = looker.open("overview.html")
    page.locator(".drawn-pin").first.click()
    expect(page.locator(".drawn-popup")).to_have_count(1)
    page.keyboard.press("Escape")
    at = page.evaluate("window[document.querySelector('.folium-map').id].latLngToContainerPoint([48.6365, 2.3015])")
    page.locator(".folium-map").click(position={"x": at["x"], "y": at["y"]})
    popup = page.locator(".drawn-popup")
    expect(popup).to_contain_text("Gare")
    expect(popup).to_contain_text("Plusieurs chantiers gênent fortement")
    popup.get_by_role("link", name="Carte de la zone").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Travaux : Gare")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Roadworks: Gare")
    page.get_by_role("link", name="The whole town").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Map of the roadworks")


@pytest.mark.usefixtures("folder")
def test_the_keyboard_is_enough(looker: Looker) -> None:
    """From the list to the map without a mouse, even when the layer was taken away."""
    page = looker.open("overview.html")
    page.get_by_label("gêne faible").press("Space")
    assert painted(page, _LOW) == 0
    item(page, "Trottoir").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drawn-popup strong")).to_have_text("Trottoir")
    assert painted(page, _LOW) > 20
    page.keyboard.press("Escape")
    expect(page.locator(".drawn-popup")).to_have_count(0)
    expect(item(page, "Trottoir")).to_be_focused()


def test_hostile_texts_are_texts(looker: Looker, tmp_path: Path) -> None:
    """Whatever stands in titles, places, names and settings is read in popup, list and title, and runs nothing."""
    settings = replace(
        SETTINGS,
        town=TownTable(name=_HOSTILE),
        tiles=Tiles(url="http://127.0.0.1:9/{{7*7}}</script>/{z}", attribution=_HOSTILE),
        reports=Reports(categories=(Category(id="x", fr=_HOSTILE, en=_HOSTILE, handler=""),)),
    )
    given = town(
        works=[works(title=_HOSTILE, road_names=(_HOSTILE,), promoter=_HOSTILE, zones=(_HOSTILE,))],
        zones=[zone(_HOSTILE, name=_HOSTILE)],
        reports=[report(category="x", text=_HOSTILE, place=_HOSTILE, zones=(_HOSTILE,))],
    )
    pages = MapFolder(tmp_path, settings).write(given, made=MADE)
    for path in pages:
        page = looker.open(path.relative_to(tmp_path).as_posix())
        assert clean_text(_HOSTILE, max_length=200) in page.title()
        for button in page.locator(".drawn-list button").all():
            button.click()
            assert _seen(page.locator(".drawn-popup strong")) == _HOSTILE
            assert page.locator(".drawn-popup").inner_text().count("{{7*7}}{% raw %}") == 3
        assert page.locator(".drawn-list").all_inner_texts()[-1].count("{{7*7}}{% raw %}") == 3
        assert "{{7*7}}{% raw %}" in page.locator(".leaflet-control-attribution").inner_text()
        assert _seen(page.locator(".zone-name")) == _HOSTILE
        assert page.locator("img[src=x], b").count() == 0
        assert page.evaluate("window.hit") is None


def _seen(element: Locator) -> str | None:
    return element.first.text_content()


def test_every_kind_of_place_has_its_sign(looker: Looker, tmp_path: Path) -> None:
    """Points, lines and areas, of one part or many, are drawn and can be found from the list."""
    places = [
        Point(2.305, 48.634),
        MultiPoint([(2.306, 48.634), (2.307, 48.634)]),
        MultiLineString([[(2.301, 48.632), (2.302, 48.633)], [(2.303, 48.632), (2.304, 48.633)]]),
        box(2.308, 48.632, 2.309, 48.633).union(box(2.310, 48.632, 2.311, 48.633)),
        LineString([(2.301, 48.636), (2.301, 48.636)]),
    ]
    MapFolder(tmp_path, SETTINGS).write(
        town(works=[works(f"a:{number}", geometry=place) for number, place in enumerate(places)]), made=MADE
    )
    page = looker.open("overview.html")
    expect(page.locator(".drawn-pin")).to_have_count(len(places))
    for button in page.locator(".drawn-list button").all():
        button.click()
        expect(page.locator(".drawn-popup")).to_have_count(1)


def test_a_town_without_anything_has_a_map(looker: Looker, tmp_path: Path) -> None:
    """It opens where the settings say, and says that there is nothing."""
    MapFolder(tmp_path, SETTINGS).write({}, made=MADE)
    page = looker.open("overview.html")
    expect(page.locator(".drawn-side")).to_contain_text("Aucuns travaux ici.")
    expect(page.locator(".leaflet-control-scale")).to_be_visible()


def test_many_works_are_lines_alone(looker: Looker, tmp_path: Path) -> None:
    """Thousands are drawn without a heap of signs, and the list's first ones are found."""
    many = [
        works(f"a:{n}", title=f"T{n:04}", geometry=LineString([(2.30 + n * 1e-5, 48.63), (2.30 + n * 1e-5, 48.64)]))
        for n in range(3000)
    ]
    MapFolder(tmp_path, SETTINGS).write(town(works=many), made=MADE)
    page = looker.open("overview.html")
    expect(page.locator(".drawn-pin")).to_have_count(0)
    expect(page.locator(".drawn-list button")).to_have_count(300)
    assert painted(page, "e0521a") > 1000
    item(page, "T0299").click()
    expect(page.locator(".drawn-popup strong")).to_have_text("T0299")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", ["overview.html", "zone-gare.html", "en/overview.html", "en/zone-gare.html"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_everybody_can_use_it(looker: Looker, path: str, size: tuple[int, int]) -> None:
    """No axe violation in either colour scheme, also with a popup, and no scrolling sideways."""
    if not _AXE.is_file():
        left_out("axe-core is not installed (npm ci)")
    page = looker.open(path, size=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    item(page, "Rue barrée").click()
    expect(page.locator(".drawn-popup")).to_be_in_viewport()
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    assert page.evaluate(_RUN) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(_RUN) == []


@pytest.mark.usefixtures("folder")
def test_the_smallest_phones_scroll_one_way(looker: Looker) -> None:
    """Nothing stands out at 320 pixels; the control of layers is closed there and opens by keyboard."""
    page = looker.open("overview.html", size=SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]
    toggle = page.get_by_role("button", name="Choisir ce que la carte montre")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("route barrée")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]


@pytest.mark.usefixtures("folder")
def test_paper_shows_map_legend_and_list(looker: Looker) -> None:
    """Printed, buttons go, and the map is fitted to the paper's width."""
    page = looker.open("overview.html")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    expect(page.locator(".leaflet-control-layers")).to_be_hidden()
    expect(page.get_by_text("Circulation par zone")).to_be_visible()
    expect(item(page, "Rue barrée")).to_be_visible()
    expect(page.locator(".drawn-pin").first).to_be_in_viewport()
