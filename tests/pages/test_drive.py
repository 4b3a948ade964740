"""The driver page before the driver leaves, in a real browser, on the whole service."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import WebSocket, expect

from tests.pages.driver import DEVICE, eventually, import_route, is_live, looked, planned, titles
from tests.pages.looking import DESKTOP, PHONE, Looker
from tests.pages.served import Served
from tests.pages.streets import Street, from_now


@pytest.mark.parametrize(("language", "size"), [("fr", PHONE), ("en", DESKTOP)])
def test_a_gpx_route_lists_what_lies_on_it(looker: Looker, works: Street, language: str, size: tuple[int, int]) -> None:
    """An imported track is posted as a bare line; works on it come in the order of the way, others not at all."""
    page = looker.open("drive", size=size, language=language)
    with page.expect_request(re.compile("/v1/areas")) as posted:
        import_route(page, works.gpx())
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
    page = looker.open("drive", script=DEVICE)
    expect(page.locator("#zones label")).not_to_have_count(0)
    for way in ("ArrowRight", "ArrowDown"):
        page.locator("#add-centre").press("Enter")
        page.locator("#draw-map").press(way)
        eventually(page, "!document.querySelector('.leaflet-pan-anim')")
    expect(page.locator("#route-told")).to_contain_text("Trajet dessiné")
    page.locator("#undo").press("Enter")
    expect(page.locator("#route-told")).to_contain_text("Départ placé")
    import_route(page, works.geojson())
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
    page = looker.open("drive", script=DEVICE, language="en", geolocation=here, permissions=["geolocation"])
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
    # In the list: which is next depends on what other tests have posted to the town.
    expect(titles(page).filter(has_text="Gare: new")).to_have_count(1)
    served.send("DELETE", f"v1/works/{id_}")
    assert [text for text in sent if '"zones":["gare"]' in text]
    assert not [text for text in sent if "position" in text or "48.6342" in text]


def hear(socket: WebSocket, sent: list[str]) -> None:
    """Write down what a page sends."""
    socket.on("framesent", lambda payload: sent.append(str(payload)))


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
    expect(page.locator("#events .time").nth(1)).to_contain_text("à partir de demain")
    expect(page.locator("#events .card-why")).to_have_text(["Ne gêne pas votre véhicule."])
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
    expect(page.locator("#next")).to_contain_text(re.compile(r"vers \d+\sh"))
    expect(page.locator("#filter-told")).to_contain_text("Départ demain")


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
