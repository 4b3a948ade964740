"""The driver page in a real browser, on the whole service."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from geoworks.model.impact import Exemption, Impact, Passage, Restriction, RestrictionType, VehicleImpact, WayState
from geoworks.model.severity import TravelMode
from geoworks.model.vehicle import Vehicle, hindrance
from tests.pages.cable import Cable
from tests.pages.looking import DESKTOP, PHONE, Looker
from tests.pages.served import Served
from tests.pages.streets import Street, from_now

_NUMBERS = itertools.count()
# A browser's voice, screen and dialogs, written down; headless ones have none.
_DEVICE = """
window.said = []; window.lights = 0; window.asked = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
const voice = { speak: ({ text, lang }) => text.trim() && said.push([text, lang]), cancel() {}, getVoices: () => [] };
Object.defineProperty(window, "speechSynthesis", { value: voice });
const request = async () => {
  lights += 1;
  const lock = { released: false, release: async () => { lock.released = true; lights -= 1; } };
  return lock;
};
Object.defineProperty(navigator, "wakeLock", { value: { request } });
for (const name of ["alert", "confirm", "prompt"]) window[name] = (words) => asked.push(words);
Notification.requestPermission = async () => (asked.push("notification"), "denied");
"""


@pytest.fixture
def street(served: Served) -> Iterator[Street]:
    """Return a street that no other test uses."""
    street = Street(served, next(_NUMBERS))
    yield street
    street.clear()


@pytest.fixture
def works(street: Street) -> Street:
    """Return a street with works at 500 and 2000 metres, and some beside it."""
    street.works("Loin", 2000, 2100)
    street.works("Près", 500, 600)
    street.works("À côté", 500, 600, east_m=400)
    return street


def planned(looker: Looker, street: Street, **options: Any) -> Page:  # noqa: ANN401 - those of `Looker.open`
    """Open the page with the street as the route."""
    page = looker.open("drive", script=_DEVICE, **options)
    page.locator("#file").set_input_files(street.geojson())
    expect(page.locator("#route-told")).to_contain_text("rue.geojson")
    return page


def looked(looker: Looker, street: Street, **options: Any) -> Page:  # noqa: ANN401 - those of `Looker.open`
    """Look at what is on the street before leaving."""
    page = planned(looker, street, **options)
    page.locator("#look").click()
    is_live(page)
    return page


def driven(looker: Looker, street: Street, at_m: float = 0.0, **options: Any) -> Page:  # noqa: ANN401 - those of `Looker.open`
    """Leave from somewhere on the street."""
    options = {"geolocation": street.here(at_m), "permissions": ["geolocation"], **options}
    page = planned(looker, street, **options)
    page.locator("#go").click()
    is_live(page)
    return page


def is_live(page: Page) -> None:
    """Wait until the page knows what there is."""
    expect(page.locator("#knowledge")).to_have_attribute("data-state", "live")
    expect(page.locator("#events .count")).not_to_have_text("…")


def eventually(page: Page, condition: str) -> None:
    """Wait until something is true in the page; the policy of our pages forbids playwright's own way."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def drive_on(page: Page, street: Street, metres: list[float]) -> None:
    """Move along the street, a place a second."""
    for north_m in metres:
        page.context.set_geolocation(street.here(north_m))
        page.wait_for_timeout(1000)  # a speed is a way in a time


def titles(page: Page) -> Locator:
    """Return the titles of what lies ahead, as listed."""
    return page.locator("#events .card-title")


@pytest.mark.parametrize(("language", "size"), [("fr", PHONE), ("en", DESKTOP)])
def test_a_gpx_route_lists_what_lies_on_it(looker: Looker, works: Street, language: str, size: tuple[int, int]) -> None:
    """An imported track is posted as a bare line; works on it come in the order of the way, others not at all."""
    page = looker.open("drive", size=size, language=language)
    with page.expect_request(re.compile("/v1/areas")) as posted:
        page.locator("#file").set_input_files(works.gpx())
        page.locator("#look").click()
    assert "secret" not in str(posted.value.post_data)
    is_live(page)
    expect(titles(page)).to_have_text(["Près", "Loin"])
    far = page.locator("#events .card-far b")
    expect(far).to_have_text([re.compile("^500"), re.compile("^2")])
    expect(page.locator("#next")).to_contain_text("gêne forte" if language == "fr" else "heavy disruption")
    expect(page.locator("#events .mark").first).to_have_text("maintenant" if language == "fr" else "now")
    expect(page.locator(".pin")).to_have_count(2)


def test_a_posted_works_comes_and_goes_at_once(looker: Looker, street: Street) -> None:
    """Two browser windows: what one posts on the route the other shows within a second, and takes away when it ends."""
    page = looked(looker, street)
    expect(page.locator("#next")).to_have_class(re.compile("is-clear"))
    id_ = street.works("Fuite", 900, 950)
    expect(titles(page)).to_have_text(["Fuite"], timeout=1000)
    expect(page.locator("#announcements")).to_contain_text("Fuite")
    street.end(id_)
    expect(titles(page)).to_have_count(0, timeout=1000)
    expect(page.locator("#next")).to_contain_text("Rien ne vous gêne")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("vide.gpx", "", "vide"),
        ("photo.gpx", "\x89PNG", "ni un GPX ni un GeoJSON"),
        ("abime.gpx", "<gpx><trk>", "abîmé"),
        ("page.gpx", "<html/>", "ni un GPX ni un GeoJSON"),
        ("points.gpx", '<gpx><wpt lon="2" lat="48"/></gpx>', "pas de trajet"),
        (
            "lambert.geojson",
            '{"type":"LineString","coordinates":[[652000,6862000],[652100,6862100]]}',
            "n’existent pas",
        ),
        ("<b>deux.json", '{"type":"MultiLineString","coordinates":[[[2,48],[2.1,48]],[[3,48],[3.1,48]]]}', "séparés"),
    ],
)
def test_a_bad_file_is_told_in_words(looker: Looker, name: str, text: str, words: str) -> None:
    """What is wrong with a file is said where it was chosen, and the next file mends it."""
    page = looker.open("drive")
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": text.encode()})
    expect(page.locator("#file-error")).to_contain_text(words)
    page.locator("#go").click()
    expect(page.locator("#plan-error")).to_contain_text("Dessinez ou importez")


def test_the_keyboard_is_enough(looker: Looker, works: Street) -> None:
    """A route is drawn with arrow keys, the form sent, details opened and closed, and all of it stopped."""
    page = looker.open("drive", script=_DEVICE)
    expect(page.locator("#zones label")).not_to_have_count(0)
    for way in ("ArrowRight", "ArrowDown"):
        page.locator("#add-centre").press("Enter")
        page.locator("#draw-map").press(way)
        eventually(page, "!document.querySelector('.leaflet-pan-anim')")
    expect(page.locator("#route-told")).to_contain_text("Trajet dessiné")
    page.locator("#undo").press("Enter")
    expect(page.locator("#route-told")).to_contain_text("Départ placé")
    page.locator("#file").set_input_files(works.geojson())
    page.locator("#look").press("Enter")
    is_live(page)
    expect(page.locator("#title")).to_be_focused()
    page.locator("#events button").first.press("Enter")
    expect(page.locator("#details-title")).to_be_focused()
    expect(page.locator("#details .plate")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#events button").first).to_be_focused()
    page.locator("#stop").press("Enter")
    expect(page.locator("#go")).to_be_focused()


def test_a_drawn_route_is_asked_about(looker: Looker) -> None:
    """A route that was tapped on the map goes into the question, and its works are told."""
    page = looker.open("drive")
    expect(page.locator("#zones label")).not_to_have_count(0)
    box = page.locator("#draw-map").bounding_box()
    assert box
    for share in (0.2, 0.5, 0.8):
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.4)
    expect(page.locator("#route-told")).to_contain_text(re.compile(r"Trajet dessiné : [\d,]+\s(k?m)"))
    page.locator("#look").click()
    is_live(page)
    assert not [address for address in looker.asked if "/v1/areas" in address]


def test_zones_need_no_position(looker: Looker, served: Served) -> None:
    """What concerns chosen zones shows without anything of the driver's place being sent, also while driving."""
    sent: list[str] = []
    here = {"longitude": 2.3051, "latitude": 48.6342}
    page = looker.open("drive", script=_DEVICE, language="en", geolocation=here, permissions=["geolocation"])
    page.on("websocket", lambda socket: hear(socket, sent))
    page.get_by_label("Zones", exact=True).check()
    page.locator("#go").click()
    expect(page.locator("#plan-error")).to_have_text("Choose at least one zone.")
    page.get_by_label("Gare", exact=True).check()
    page.locator("#go").click()
    is_live(page)
    expect(titles(page)).not_to_have_count(0)
    page.context.set_geolocation({"longitude": 2.3061, "latitude": 48.6342})
    expect(page.locator("#events .card-far b").first).to_have_text(re.compile("m$"))
    id_ = served.post_works("Gare: new")
    expect(page.locator("#next")).to_contain_text("Gare: new")
    served.send("DELETE", f"v1/works/{id_}")
    assert [text for text in sent if '"zones":["gare"]' in text]
    assert not [text for text in sent if "position" in text or "48.6342" in text]


def hear(socket: WebSocket, sent: list[str]) -> None:
    """Write down what a page sends."""
    socket.on("framesent", lambda payload: sent.append(str(payload)))


def test_what_is_around_follows_the_driver(looker: Looker, works: Street) -> None:
    """Works come as the driver comes near, and leave behind them."""
    page = looker.open("drive", script=_DEVICE, geolocation=works.here(-3000), permissions=["geolocation"])
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


def test_a_refused_position_is_said_in_words(looker: Looker, works: Street) -> None:
    """Around the driver nothing is found without it, and the page says what to do; a route is followed all the same."""
    page = looker.open("drive", script=_DEVICE)
    page.get_by_label("Autour de moi", exact=True).check()
    page.locator("#go").click()
    expect(page.locator("#road-told")).to_contain_text("Autorisez-la")
    page.locator("#stop").click()
    page.get_by_label("Un trajet", exact=True).check()
    page.locator("#file").set_input_files(works.geojson())
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


def test_limits_that_stop_the_vehicle_are_named(looker: Looker, street: Street) -> None:
    """A lorry is told of a height that a car never hears of, and that the detour is none for it."""
    low = {"vehicle_impact": "all-lanes-open", "restrictions": [{"type": "reduced-height", "value": 3.2, "unit": "m"}]}
    street.works("Pont bas", 500, 600, impact={**low, "detours": [{"text": "Par la rue du Moulin, limitée à 7,5 t"}]})
    page = looked(looker, street)
    expect(titles(page)).to_have_count(0)
    expect(page.locator("#filter-told")).to_contain_text("Véhicule : voiture.")
    page.locator("#stop").click()
    page.locator("#class").select_option("hgv")
    page.get_by_text("Dimensions").click()
    page.get_by_label("Hauteur (m)").fill("3,5")
    page.locator("#look").click()
    expect(titles(page)).to_have_text(["Pont bas"])
    cautions = page.locator("#events .caution")
    expect(cautions.first).to_have_text("Votre véhicule ne passe pas : hauteur limitée à 3,2 m.")
    expect(cautions.last).to_have_text("Déviation impossible pour votre véhicule : poids total limité à 7,5 t.")
    expect(page.locator("#next")).to_contain_text("route barrée")
    page.locator("#stop").click()
    page.get_by_label("Hauteur (m)").fill("3")
    page.locator("#look").click()
    is_live(page)
    expect(titles(page)).to_have_count(0)


def test_works_on_the_detour_that_stop_the_vehicle_are_found(looker: Looker, street: Street) -> None:
    """A detour on which other works limit the height is marked for a lorry, at once, and no more when they end."""
    detour = {"type": "LineString", "coordinates": [street.at(450, 0), street.at(450, 300), street.at(700, 300)]}
    closed = {"vehicle_impact": "all-lanes-closed", "detours": [{"text": "", "geometry": detour}]}
    street.works("Fermé", 500, 600, impact=closed)
    page = planned(looker, street, language="en")
    page.locator("#class").select_option("hgv")
    page.locator("#look").click()
    expect(titles(page)).to_have_text(["Fermé"])
    expect(page.locator("#events .caution")).to_have_count(0)
    low = {"vehicle_impact": "all-lanes-open", "restrictions": [{"type": "reduced-height", "value": 3, "unit": "m"}]}
    id_ = street.works("Échafaudage", 500, 600, east_m=302, impact=low)
    expect(page.locator("#events .caution")).to_have_text("Detour not for your vehicle: Échafaudage.")
    expect(titles(page)).to_have_text(["Fermé"])
    street.end(id_)
    expect(page.locator("#events .caution")).to_have_count(0)


def test_what_is_not_for_the_driver_shows_when_asked_for_and_says_why(looker: Looker, street: Street) -> None:
    """Now, later and not for you are marked; what is not now is left out until the driver wants to see it."""
    tomorrow = from_now(datetime.now(UTC) + timedelta(days=1))
    street.works("Pour moi", 300, 400)
    street.works("Demain", 700, 800, schedule=tomorrow)
    street.works("Trottoir", 1000, 1100, impact={"vehicle_impact": "all-lanes-open", "footway": "closed"})
    page = looked(looker, street)
    expect(titles(page)).to_have_text(["Pour moi"])
    page.get_by_label("Montrer aussi").check()
    expect(titles(page)).to_have_text(["Pour moi", "Demain", "Trottoir"])
    expect(page.locator("#events .mark")).to_have_text(["maintenant", "plus tard", "pas pour vous"])
    expect(page.locator("#events .card-why")).to_have_text(
        [re.compile("Commence ou reprend demain"), "Ne gêne pas votre véhicule."]
    )
    expect(page.locator("#next")).to_contain_text("Pour moi")
    page.get_by_label("Montrer aussi").uncheck()
    expect(titles(page)).to_have_text(["Pour moi"])


def test_a_later_departure_shows_what_is_on_then(looker: Looker, street: Street) -> None:
    """Before leaving, works count that are in force when the driver gets there."""
    now = datetime.now(UTC)
    street.works(
        "Terminés avant",
        300,
        400,
        schedule={"start": "2020-01-01T06:00:00Z", "end": (now + timedelta(hours=2)).isoformat()},
    )
    street.works("Commencés alors", 700, 800, schedule=from_now(now + timedelta(hours=20)))
    page = planned(looker, street)
    page.get_by_label("Choisir…").check()
    page.get_by_label("Heure de départ").fill("")
    page.locator("#look").click()
    expect(page.locator("#plan-error")).to_have_text("Donnez l’heure de départ.")
    local = (now + timedelta(days=1)).astimezone(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%dT%H:%M")
    page.get_by_label("Heure de départ").fill(local)
    page.locator("#look").click()
    is_live(page)
    expect(titles(page)).to_have_text(["Commencés alors"])
    expect(page.locator("#events .mark")).to_have_text("à votre passage")
    expect(page.locator("#filter-told")).to_contain_text("Départ demain")


def test_a_cut_shows_how_old_the_news_is_and_mends_itself(looker: Looker, works: Street) -> None:
    """Without a connection what is known stays, with its age; what happened meanwhile comes with the connection."""
    cable = Cable()
    page = looker.open("drive", script=_DEVICE)
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.locator("#file").set_input_files(works.geojson())
    page.locator("#look").click()
    is_live(page)
    cable.cut()
    expect(page.locator("#knowledge")).to_contain_text(re.compile("Dernières nouvelles (à l’instant|il y a)"))
    expect(titles(page)).to_have_text(["Près", "Loin"])
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
    page.clock.install()
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
    page = looker.open("drive", permissions=["notifications"])
    page.locator("#file").set_input_files(street.geojson())
    page.get_by_label("Des notifications").check()
    page.locator("#look").click()
    is_live(page)
    id_ = street.works("Fuite de gaz", 900, 950)
    shown = "navigator.serviceWorker.getRegistrations().then(([one]) => one.getNotifications())"
    eventually(page, f"{shown}.then((all) => all.length)")
    assert page.evaluate(f"{shown}.then((all) => all.map(({{ title, body }}) => [title, body]))") == [
        ["Nouveau pour vous", "Fuite de gaz"]
    ]
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


def test_choices_stay_on_the_device(looker: Looker, street: Street) -> None:
    """A reload finds them as they were; the address holds nothing of them."""
    page = planned(looker, street)
    page.locator("#class").select_option("bus")
    page.get_by_text("Dimensions").click()
    page.get_by_label("Longueur (m)").fill("18,5")
    page.get_by_label("Un son pour").check()
    page.reload()
    expect(page.locator("#route-told")).to_contain_text("rue.geojson")
    expect(page.locator("#class")).to_have_value("bus")
    expect(page.get_by_label("Longueur (m)")).to_have_value("18,5")
    expect(page.get_by_role("checkbox", name="Un son pour")).to_be_checked()
    assert page.url.endswith("/drive")


def test_the_device_may_be_used_by_this_page(looker: Looker) -> None:
    """Position and screen are allowed to our own pages, and to nobody else."""
    page = looker.open("status")
    answer = page.request.get(f"{looker.address}drive")
    policy = answer.headers["permissions-policy"]
    assert "geolocation=(self)" in policy
    assert "screen-wake-lock=(self)" in policy


def test_the_page_explains_by_the_rules_that_decide(looker: Looker) -> None:
    """For every kind of impact, limit, exemption and vehicle the page reckons the severity of the service."""
    page = looker.open("drive")
    cases = [(vehicle, impact) for vehicle in _vehicles() for impact in _impacts()]
    told = [[_profile(vehicle), msgspec.to_builtins(impact)] for vehicle, impact in cases]
    reckoned = page.evaluate(
        """async (cases) => {
          const own = document.querySelector("script[type=module]").src;
          const { Vehicle } = await import(own.replace("drive.js", "drive/vehicle.js"));
          const table = JSON.parse(document.getElementById("page-data").textContent).severities;
          return cases.map(([profile, impact]) => new Vehicle(profile, table).hindrance(impact));
        }""",
        told,
    )
    assert reckoned == [hindrance([impact], vehicle).value for vehicle, impact in cases]


def _profile(vehicle: Vehicle) -> dict[str, Any]:
    sizes = {name: getattr(vehicle, name) for name in ("height_m", "weight_t")}
    return {"class": vehicle.mode.value, **{name: size for name, size in sizes.items() if size is not None}}


def _vehicles() -> Iterator[Vehicle]:
    for mode in TravelMode:
        yield Vehicle(mode)
        yield Vehicle(mode, height_m=3.0, weight_t=3.0)


def _impacts() -> Iterator[Impact]:
    yield from (Impact(vehicle_impact=one) for one in VehicleImpact)
    yield from (Impact(footway=one, cycleway=other) for one in WayState for other in WayState)
    for one in RestrictionType:
        for value in (None, 2.0, 3.1, 50.0):
            yield Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, restrictions=(Restriction(one, value),))
    closed = VehicleImpact.ALL_LANES_CLOSED
    for who, passage in itertools.product(Exemption, Passage):
        yield Impact(vehicle_impact=closed, exempt=(who,), emergency_passage=passage)
