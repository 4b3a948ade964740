"""The live map in a real browser, on the whole service."""

from __future__ import annotations

import gzip
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.pages.cable import Cable
from tests.pages.looking import PHONE, SMALL, Looker, drawn
from tests.pages.served import Served

_FIRST_LOAD_BYTES = 90_000
_HIDDEN_SHARES = """() => {
  const boxes = [...document.querySelectorAll(".pin .shape")].map((shape) => shape.getBoundingClientRect());
  const meet = (one, other) =>
    Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left)) *
    Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));
  return [...document.querySelectorAll(".zone-label:not(.hidden)")].map((label) => {
    const box = label.getBoundingClientRect();
    return boxes.reduce((sum, other) => sum + meet(box, other), 0) / (box.width * box.height);
  });
}"""
_HOSTILE = "<img src=x onerror=alert(1)>${7*7}{{7*7}}\u202e"


def item(page: Page, text: str, kind: str = "works") -> Locator:
    """Return the list's item that holds a text."""
    return page.locator(f"#{kind} li button", has_text=text)


def test_list_and_map_say_the_same(page: Page) -> None:
    """Every works and report of the list has its marker, every zone its outline."""
    works, reports = page.locator("#works li").count(), page.locator("#reports li").count()
    assert works > 20
    expect(page.locator(".pin")).to_have_count(works + reports)
    expect(page.locator(".zone-label")).to_have_count(page.locator("#zones li").count())


def test_a_posted_works_appears_without_reload(page: Page, served: Served) -> None:
    """Within a second of its post a works is in the list, on the map, and said aloud; it leaves when cancelled."""
    page.evaluate("window.sameDocument = true")
    before = page.locator(".pin").count()
    id_ = served.post_works("Fuite rue du Test")
    expect(item(page, "Fuite rue du Test")).to_be_visible(timeout=1000)
    expect(page.locator(".pin")).to_have_count(before + 1)
    expect(page.locator("#announcements")).to_contain_text("Fuite rue du Test")
    served.send("DELETE", f"v1/works/{id_}")
    expect(item(page, "Fuite rue du Test")).to_have_count(0)
    expect(page.locator(".pin")).to_have_count(before)
    assert page.evaluate("window.sameDocument")


def test_details_say_what_a_driver_asks(page: Page) -> None:
    """Dates in words, impact for each way to travel, the detour and a link of its own."""
    item(page, "Réfection des enrobés de nuit").click()
    details = page.locator("#details")
    expect(details.locator(".plate")).to_contain_text("la nuit de 21", ignore_case=True)
    for words in ("Route barrée", "Passage fermé", "Déviation", "riverains"):
        expect(details).to_contain_text(words)
    expect(page.locator("#details-title")).to_be_focused()
    assert "works=api" in page.url
    details.get_by_text("Historique").click()
    expect(details.locator(".versions li")).to_have_count(1)


def test_a_permalink_opens_its_works(looker: Looker) -> None:
    """The address of a works shows it at once, in the other language too."""
    page = looker.live("?works=api:nuit-bretigny", language="en")
    expect(page.locator("#details-title")).to_have_text("Réfection des enrobés de nuit")
    expect(page.locator("#details .plate")).to_contain_text("at night from 9", ignore_case=True)


def test_open_details_follow_their_works(page: Page, served: Served) -> None:
    """Details that are open change with their works, and say so when it ends."""
    id_ = served.post_works("Travaux suivis")
    item(page, "Travaux suivis").click()
    served.send("PATCH", f"v1/works/{id_}", {"description": "La conduite est réparée."})
    expect(page.locator("#details-body")).to_contain_text("La conduite est réparée.")
    served.send("DELETE", f"v1/works/{id_}")
    expect(page.locator("#gone")).to_be_visible()


def test_filters_leave_list_and_map_the_same(page: Page) -> None:
    """Street, severity, period and kind each narrow both, and the address keeps them."""
    page.get_by_role("searchbox").fill("montlhery")
    expect(page.locator("#works li", has_not_text="Montlhéry")).to_have_count(0)
    expect(page.locator("#works li, #reports li")).to_have_count(page.locator(".pin").count())
    expect(item(page, "Rue de Montlhéry").first).to_be_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_text("Autres filtres").click()
    page.get_by_label("Gêne").select_option("blocked")
    expect(page.locator("#works li .state").first).to_have_text("route barrée")
    assert set(page.locator("#works li .state").all_inner_texts()) == {"route barrée"}
    page.get_by_role("checkbox", name="Zones de circulation").uncheck()
    expect(page.locator("#zones li")).to_have_count(0)
    assert "severity=blocked" in page.url
    page.get_by_label("Dates…").check()
    page.get_by_label("Du", exact=True).fill("2031-01-01")
    expect(page.locator("#works .empty")).to_be_visible()


def test_a_reload_keeps_the_filters(looker: Looker) -> None:
    """An address with filters shows what they ask for."""
    page = looker.live("?q=montlhery&period=now&kinds=works")
    expect(page.get_by_role("searchbox")).to_have_value("montlhery")
    expect(page.locator("#zones li")).to_have_count(0)
    expect(page.locator("#works li .status").first).to_have_text(re.compile("en cours|en pause"))


def test_the_keyboard_is_enough(page: Page) -> None:
    """From the skip link to a works' details and back to the same item, without a mouse."""
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("#works li button").first.focus()
    title = page.locator("#works .card-title").first.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#details-title")).to_have_text(title)
    page.keyboard.press("Escape")
    expect(page.locator("#works li button").first).to_be_focused()


def test_updates_do_not_move_what_is_read(page: Page, served: Served) -> None:
    """A works that comes in above leaves the line being read where it is."""
    panel = page.locator("#panel")
    panel.evaluate("panel => (panel.scrollTop = 900)")
    line = page.locator("#works li").nth(12)
    text = line.inner_text()
    top = page.get_by_text(text.splitlines()[0]).first.evaluate("line => line.getBoundingClientRect().top")
    served.post_works("Barrage soudain", impact={"vehicle_impact": "all-lanes-closed"})
    expect(item(page, "Barrage soudain")).to_have_count(1)
    after = page.get_by_text(text.splitlines()[0]).first.evaluate("line => line.getBoundingClientRect().top")
    assert abs(after - top) <= 1


def test_hostile_text_is_text(looker: Looker, served: Served) -> None:
    """A title with tags and template marks shows as it was written and runs nothing."""
    id_ = served.post_works(_HOSTILE.replace("\u202e", ""), description=_HOSTILE.replace("\u202e", ""))
    page = looker.live(f"?works={id_}")
    expect(page.locator("#details-title")).to_contain_text("<img src=x onerror=alert(1)>${7*7}{{7*7}}")
    assert page.locator("#details img, #works img").count() == 0
    served.send("DELETE", f"v1/works/{id_}")


@pytest.mark.parametrize("size", [PHONE, SMALL], ids=["390", "320"])
def test_a_phone_scrolls_one_way(looker: Looker, size: tuple[int, int]) -> None:
    """Nothing stands out to the right, closed or with details open."""
    page = looker.live(size=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.locator("#works li button").first.click()
    expect(page.locator("#details-title")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_without_tiles_works_and_zones_show(page: Page, looker: Looker) -> None:
    """The page says that the background is missing, shows all the rest, and asks nobody else for anything."""
    expect(page.locator(".map-note")).to_be_visible()
    assert page.locator(".leaflet-zones-pane path").count() > 5
    others = {urlsplit(url).netloc for url in looker.asked if not url.startswith(("data:", "blob:"))}
    assert others == {urlsplit(looker.address).netloc, "127.0.0.1:9"}


def test_the_first_load_is_light(looker: Looker) -> None:
    """Everything the live map loads but tiles and data fits in 90 kB compressed."""
    sizes: dict[str, int] = {}
    page = looker.open("report")
    page.on("response", lambda response: sizes.update({response.url: 0}))
    page.goto(looker.address)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    own = [url for url in sizes if url.startswith(looker.address) and "/v1/" not in url]
    loaded = {url: len(gzip.compress(page.request.get(url).body())) for url in own}
    assert len(loaded) > 10
    assert sum(loaded.values()) < _FIRST_LOAD_BYTES, loaded


def test_a_cut_is_said_and_mended(looker: Looker, served: Served) -> None:
    """Cut off, the page says so and keeps what it knows; then it has what it missed, without reload."""
    cable = Cable()
    page = looker.open("status")
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.route(re.compile("/v1/(works|zones|reports)$"), lambda route: route.abort())
    page.goto(looker.address)
    connection = page.locator("#connection")
    drawn(page)
    count = page.locator("#works li").count()
    cable.cut()
    expect(connection).to_have_attribute("data-state", "offline", timeout=20_000)
    expect(page.locator("#works li")).to_have_count(count)
    served.post_works("Pendant la coupure")
    cable.mend()
    expect(connection).to_have_attribute("data-state", "live", timeout=35_000)
    expect(item(page, "Pendant la coupure")).to_be_visible()


def test_without_the_stream_it_reads_on_and_says_so(looker: Looker, served: Served) -> None:
    """Where no WebSocket passes the map shows what there is, says that it is not live, and reads again by tag."""
    cable = Cable()
    cable.cut()
    page = looker.open("status")
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.clock.install()
    reads: list[Request] = []
    page.on("request", lambda request: reads.append(request) if request.url.endswith("/v1/zones") else None)
    page.goto(looker.address)
    expect(page.locator("#connection")).to_have_attribute("data-state", "polled")
    expect(page.locator("#connection")).to_contain_text("Pas en direct")
    expect(page.locator("#works li").nth(20)).to_be_attached()
    id_ = served.post_works("Lu sans le flux")
    page.clock.run_for(31_000)
    expect(item(page, "Lu sans le flux")).to_be_visible()
    assert [bool(request.all_headers().get("if-none-match")) for request in reads] == [False, True]
    served.send("DELETE", f"v1/works/{id_}")


def test_no_marker_hides_a_name(page: Page) -> None:
    """Most zones are named, and what is in the way of a name is at most a quarter of it."""
    hidden = page.evaluate(_HIDDEN_SHARES)
    assert len(hidden) >= page.locator("#zones li").count() * 0.75
    assert max(hidden) < 0.26


def test_where_the_reader_is_shows_only_when_asked(looker: Looker) -> None:
    """The button loads what it needs when pressed, and marks the place on the map."""
    here = {"longitude": 2.3081, "latitude": 48.6337, "accuracy": 20}
    page = looker.live(geolocation=here, permissions=["geolocation"])
    assert not [url for url in looker.asked if "Locate.min.js" in url]
    page.get_by_role("button", name="Autour de moi").press("Enter")
    expect(page.locator(".leaflet-control-locate-location")).to_be_attached()
    expect(page.get_by_role("button", name="Autour de moi")).to_be_focused()


def test_a_narrow_frame_has_room_for_all(looker: Looker) -> None:
    """In a frame on another site nothing covers the legend's button, and the town lies below the bar."""
    page = looker.open("embed", size=PHONE)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#embed-list li")).not_to_have_count(0)
    bar = page.locator(".embed-bar").bounding_box()
    town = page.locator(".leaflet-zones-pane svg g").bounding_box()
    assert bar
    assert town
    assert town["y"] >= bar["y"] + bar["height"]
    page.locator("#legend summary").click()
    expect(page.locator(".ramp")).to_be_visible()
