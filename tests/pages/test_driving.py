"""The driver page on the way: positions, speech, cuts, news."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from geoworks.hub.shelf import Shelf
from tests.pages.cable import Cable
from tests.pages.driver import DEVICE, drive_on, driven, eventually, import_route, is_live, looked, planned, titles
from tests.pages.looking import DESKTOP, PHONE, Looker
from tests.pages.served import Served
from tests.pages.streets import Street, from_now

# Notes what the browser has shown; without a desktop around it some take it down again at once.
# What the browser's sound was asked to play, and whether it plays.
_SOUNDING = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  tones.push([this.frequency.value, this.context.state]);
  return start.apply(this, when);
};
"""
_NOTIFIED = """
window.notified = [];
const show = ServiceWorkerRegistration.prototype.showNotification;
ServiceWorkerRegistration.prototype.showNotification = async function (title, options) {
  await show.call(this, title, options);
  notified.push([title, options.body, this.active.state]);
};
"""


def test_what_is_around_follows_the_driver(looker: Looker, works: Street) -> None:
    """Works come as the driver comes near, and leave behind them."""
    page = looker.open("drive", script=DEVICE, geolocation=works.here(-3000), permissions=["geolocation"])
    page.get_by_label("Autour de moi", exact=True).check()
    page.locator("#radius").select_option("500")
    page.locator("#go").click()
    is_live(page)
    expect(titles(page)).to_have_count(0)
    page.context.set_geolocation(works.here(400))
    expect(titles(page)).to_have_text(["Près", "À côté"])
    for north_m in (2500, 2510):  # what was passed between two positions leaves with the next
        page.context.set_geolocation(works.here(north_m))
        page.wait_for_timeout(100)
    expect(titles(page)).to_have_text(["Loin"])


def test_a_place_is_all_that_is_told_of_the_way(looker: Looker, works: Street) -> None:
    """Of a driver on the way the service is told the place and nothing else: neither speed nor heading."""
    sent: list[str] = []
    page = looker.open("drive", script=DEVICE, geolocation=works.here(0), permissions=["geolocation"])
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(str(text))))
    page.get_by_label("Autour de moi", exact=True).check()
    page.locator("#go").click()
    is_live(page)
    drive_on(page, works, [10, 20, 30])
    expect(page.locator("#main")).to_have_attribute("data-moving", "")
    told = [json.loads(text) for text in sent if '"position"' in text]
    assert len(told) > 2
    assert {key for position in told for key in position} == {"type", "id", "at"}


def test_a_refused_position_is_said_in_words(looker: Looker, works: Street) -> None:
    """Around the driver nothing is found without it, and the page says what to do; a route is followed all the same."""
    page = looker.open("drive", script=DEVICE)
    page.get_by_label("Autour de moi", exact=True).check()
    page.locator("#go").click()
    expect(page.locator("#road-told")).to_contain_text("Autorisez-la")
    page.locator("#stop").click()
    page.get_by_label("Un trajet", exact=True).check()
    import_route(page, works.geojson())
    page.locator("#go").click()
    is_live(page)
    expect(page.locator("#road-told")).to_contain_text("sans distances depuis vous")
    expect(titles(page)).to_have_text(["Près", "Loin"])


@pytest.mark.parametrize(("language", "size"), [("fr", PHONE), ("en", DESKTOP)])
def test_who_drives_hears_and_need_not_touch(
    looker: Looker, works: Street, language: str, size: tuple[int, int]
) -> None:
    """Above 10 km/h the next event is said, the screen stays on, nothing asks to be pressed; at rest all is back."""
    page = driven(looker, works, language=language, size=size)
    expect(page.locator("#repeat")).to_be_visible()
    assert page.evaluate("[said.length, lights]") == [0, 0]
    drive_on(page, works, [10, 20, 30])
    expect(page.locator("#main")).to_have_attribute("data-moving", "")
    expect(page.locator("#moving-told")).to_be_visible()
    eventually(page, "lights === 1")
    [[words, spoken], *_] = page.evaluate("said")
    assert re.match(r"Dans \d+ mètres : gêne forte" if language == "fr" else r"In \d+ metres: heavy disruption", words)
    assert spoken == {"fr": "fr-FR", "en": "en-GB"}[language]
    expect(page.locator(".top, #repeat, #everything").locator("visible=true")).to_have_count(0)
    assert page.evaluate("asked") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.wait_for_timeout(1000)
    drive_on(page, works, [31, 31.5])
    expect(page.locator("#main")).not_to_have_attribute("data-moving", "")
    expect(page.locator("#repeat")).to_be_visible()
    page.locator("#stop").click()
    eventually(page, "lights === 0")


def test_what_is_passed_leaves_and_the_next_is_said(looker: Looker, works: Street) -> None:
    """Distances shrink on the way; behind works the next ones take their place, aloud too."""
    page = driven(looker, works, 450)
    drive_on(page, works, [465, 480])
    expect(page.locator("#next")).to_contain_text("Près")
    drive_on(page, works, [700, 715])
    expect(titles(page)).to_have_text(["Loin"])
    expect(page.locator("#next-far b, .next-far b")).to_contain_text("km")
    assert "kilomètre" in page.evaluate("said.at(-1)[0]")
    page.locator("#speak").click()
    count = page.evaluate("said.length")
    drive_on(page, works, [1900, 1915])
    expect(page.locator(".next-far b")).to_have_text(re.compile(r"^[89]\d\sm$"))
    assert page.evaluate("said.length") == count


def test_who_leaves_the_route_is_told_how_far(looker: Looker, works: Street) -> None:
    """Off the route the page says so, and is silent about it again on the way."""
    page = driven(looker, works)
    page.context.set_geolocation(works.here(100, 600))
    expect(page.locator("#road-told")).to_contain_text(re.compile(r"à 600\sm du trajet"))
    page.context.set_geolocation(works.here(100))
    expect(page.locator("#road-told")).to_be_hidden()


def test_a_cut_shows_how_old_the_news_is_and_mends_itself(looker: Looker, works: Street) -> None:
    """Without a connection what is known stays, with its age; what happened meanwhile comes with the connection."""
    cable = Cable()
    page = looker.open("drive", script=DEVICE)
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    import_route(page, works.geojson())
    page.locator("#look").click()
    is_live(page)
    cable.cut()
    expect(page.locator("#knowledge")).to_contain_text(re.compile("Dernières nouvelles (à l’instant|il y a)"))
    expect(titles(page)).to_have_text(["Près", "Loin"])
    page.clock.install()
    page.clock.fast_forward(300_000)
    expect(page.locator("#knowledge")).to_contain_text("il y a 5 minutes", timeout=10_000)
    id_ = works.works("Entre-temps", 1000, 1100)
    cable.mend()
    expect(titles(page)).to_have_text(["Près", "Entre-temps", "Loin"], timeout=15_000)
    expect(page.locator("#knowledge")).to_have_text("En direct")
    works.end(id_)


def test_a_tunnel_is_noticed_at_once(looker: Looker, works: Street) -> None:
    """A device without a network says so before any connection has died, and says how old its knowledge is."""
    page = looked(looker, works, language="en")
    page.context.set_offline(True)
    expect(page.locator("#knowledge")).to_contain_text("No network. Last news just now")
    page.context.set_offline(False)
    expect(page.locator("#knowledge")).to_have_text("Live")


def test_a_route_is_posted_when_the_network_is_back(looker: Looker, works: Street) -> None:
    """A route that could not be posted is kept, said to wait, and posted later."""
    page = planned(looker, works)
    page.route(re.compile("/v1/areas"), lambda route: route.abort())
    page.locator("#look").click()
    expect(page.locator("#road-told")).to_contain_text("sera envoyé")
    page.unroute_all()
    expect(titles(page)).to_have_text(["Près", "Loin"], timeout=15_000)
    expect(page.locator("#road-told")).to_be_hidden()


def test_notifications_are_shown_where_they_are_allowed(looker: Looker, street: Street) -> None:
    """News for the driver is a notification, and only what is news."""
    street.works("Ancien", 300, 400)
    page = looker.open("drive", script=_NOTIFIED, permissions=["notifications"])
    import_route(page, street.geojson())
    page.get_by_label("Des notifications").check()
    page.locator("#look").click()
    is_live(page)
    id_ = street.works("Fuite de gaz", 900, 950)
    eventually(page, "notified.length")
    assert page.evaluate("notified") == [["Nouveau pour vous", "Fuite de gaz", "activated"]]
    street.end(id_)


def test_news_sounds_where_it_is_wanted(looker: Looker, street: Street) -> None:
    """Two tones tell of what is new, through the browser's own sound; none before they are wanted, or after."""
    page = looker.open("drive", script=_SOUNDING)
    import_route(page, street.geojson())
    page.locator("#look").click()
    is_live(page)
    first = street.works("Sans bruit", 300, 400)
    expect(titles(page)).to_have_text(["Sans bruit"])
    assert page.evaluate("tones") == []
    page.locator("#stop").click()
    page.get_by_label("Un son pour").check()
    page.locator("#look").click()
    is_live(page)
    second = street.works("Fuite de gaz", 900, 950)
    eventually(page, "tones.length === 2")
    assert page.evaluate("tones") == [[660, "running"], [880, "running"]]
    for id_ in (first, second):
        street.end(id_)


def test_refused_notifications_are_said_and_off(looker: Looker) -> None:
    """A browser that refuses them is not asked again, and the page says where to change that."""
    page = looker.open("drive", language="en")
    page.get_by_label("Notifications", exact=True).click()
    expect(page.locator("#warn-told")).to_contain_text("The browser refuses them")
    expect(page.get_by_role("checkbox", name="Notifications")).not_to_be_checked()


def test_what_begins_soon_is_told(looker: Looker, street: Street) -> None:
    """Works on the route that begin within minutes are said, before they are on."""
    page = looked(looker, street)
    street.works("Bientôt là", 2500, 2600, schedule=from_now(datetime.now(UTC) + timedelta(minutes=2)))
    expect(page.locator("#announcements")).to_contain_text("Bientôt là")


def test_a_route_that_the_service_forgot_is_posted_again(looker: Looker, works: Street) -> None:
    """After a restart of the service the page leaves its route there once more, and goes on by itself."""
    cable = Cable()
    page = looker.open("drive", script=DEVICE)
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    import_route(page, works.geojson())
    page.locator("#look").click()
    is_live(page)
    works.served.run(_forget_areas(works.served))
    with page.expect_request(re.compile("/v1/areas")):
        cable.cut()
        works.works("Entre-temps", 1000, 1100)
        cable.mend()
    expect(titles(page)).to_have_text(["Près", "Entre-temps", "Loin"])
    expect(page.locator("#knowledge")).to_have_text("En direct")
    expect(page.locator("#road-told")).to_be_hidden()


async def _forget_areas(served: Served) -> None:
    served.town.hub.shelf = Shelf(served.town.clock)
