"""The generated maps of a running town, drawn again as it changes and looked at through its doors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from geoworks.app import keep_current
from geoworks.model.change import Kind
from geoworks.model.zone import Zone
from geoworks.parts import maps_dir
from geoworks.pipeline import zones
from tests.pages.looking import Looker
from tests.pages.served import Served, ServedTown

_WAIT_S = 30.0
_HOSTILE = "</script><img src=x onerror=alert(1)>${7*7}{{7*7}}{% raw %}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town and keep its maps current."""
    with ServedTown(tmp_path_factory.mktemp("town")) as served:
        stop = asyncio.Event()
        kept = asyncio.run_coroutine_threadsafe(_keep(served, stop), served.loop)
        yield served
        served.loop.call_soon_threadsafe(stop.set)
        kept.result(_WAIT_S)


async def _keep(served: Served, stop: asyncio.Event) -> None:
    async with keep_current(served.town):
        await stop.wait()


@pytest.fixture
def folder(served: Served) -> Path:
    """Return the folder of the maps once the first ones are drawn."""
    folder = maps_dir(served.town.settings)
    wait_until((folder / "en" / "zone-gare.html").exists)
    return folder


@pytest.fixture
def looker(browser: Browser, served: Served) -> Iterator[Looker]:
    """Return what opens the maps, and fails when one complained."""
    looker = Looker(browser, served.address)
    yield looker
    looker.close()
    assert looker.complaints == []


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in the town's own time.

    Raises:
        TimeoutError: it did not happen.

    """
    end = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.05)


def says(folder: Path, name: str, text: str) -> bool:
    """Tell whether a map holds a text."""
    return text in (folder / name).read_text(encoding="utf-8")


def test_a_posted_works_reaches_the_maps(served: Served, folder: Path) -> None:
    """The overview and the map of its zone are drawn again, in both languages; maps of far zones are left alone."""
    far = (folder / "zone-launay.html").stat().st_ino
    id_ = served.post_works("Fuite de la carte")
    wait_until(lambda: says(folder, "en/overview.html", "Fuite de la carte"))
    effects = served.send("GET", f"v1/works/{id_}")["properties"]["effects"]
    touched = [f"zone-{effect['zone']}.html" for effect in effects]
    assert touched
    wait_until(lambda: all(says(folder, name, "Fuite de la carte") for name in touched))
    assert (folder / "zone-launay.html").stat().st_ino == far
    served.send("DELETE", f"v1/works/{id_}")
    wait_until(lambda: not says(folder, "overview.html", "Fuite de la carte"))


def test_a_zone_that_is_gone_loses_its_map(served: Served, folder: Path) -> None:
    """And gets it back when it comes back."""
    standing = served.town.state.of_kind(Kind.ZONE)
    all_zones = {one.record.key.id: one.record.given for one in standing if isinstance(one.record.given, Zone)}
    fewer = {id_: zone for id_, zone in all_zones.items() if id_ != "lormoy"}
    served.run(served.town.desk.submit(zones.replace_all(fewer, lambda: list(all_zones), actor="tests")))
    wait_until(lambda: not (folder / "zone-lormoy.html").exists())
    served.run(served.town.desk.submit(zones.replace_all(all_zones, lambda: list(fewer), actor="tests")))
    wait_until((folder / "zone-lormoy.html").exists)


@pytest.mark.usefixtures("folder")
def test_the_sandbox_lets_the_map_work(served: Served, looker: Looker) -> None:
    """Under its own policy the map draws, tells and leads on; it has no part in the pages' cookies."""
    page = looker.open("maps/overview.html")
    expect(page.locator(".drawn-pin").first).to_be_visible()
    page.locator(".drawn-list button").first.click()
    expect(page.locator(".drawn-popup")).to_be_in_viewport()
    assert page.evaluate("(() => { try { return document.cookie } catch { return 'closed' } })()") == "closed"
    page.get_by_role("link", name="Gare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Travaux : Gare")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Roadworks: Gare")
    assert {url.split("/")[2] for url in looker.asked if "://" in url} == {served.address.split("/")[2], "127.0.0.1:9"}


def test_the_list_of_maps_leads_to_them(looker: Looker, folder: Path) -> None:
    """The page of maps names the overview first and every zone."""
    page = looker.open("maps/")
    links = page.locator("main a[href$='.html']")
    assert links.count() == len(list(folder.glob("*.html")))
    links.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Carte des travaux")


def test_a_hostile_works_is_text(served: Served, looker: Looker, folder: Path) -> None:
    """A title full of tags and template marks goes the whole way from the API to the map, and is read there."""
    id_ = served.post_works(_HOSTILE)
    wait_until(lambda: says(folder, "overview.html", "\\u007b{7*7}}"))
    page = looker.open("maps/overview.html")
    page.locator(".drawn-list button", has_text="onerror").click()
    expect(page.locator(".drawn-popup strong")).to_have_text(_HOSTILE)
    assert page.locator("img[src=x]").count() == 0
    served.send("DELETE", f"v1/works/{id_}")
