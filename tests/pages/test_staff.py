"""The console of the technical services in a real browser: log in, write works, correct, cancel."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.looking import PHONE, Looker
from tests.pages.served import Served

_DETOUR = {"type": "LineString", "coordinates": [[2.3012, 48.6339], [2.3023, 48.634]]}
# More than the form can show of each part.
_WHOLE: dict[str, Any] = {
    "road_names": ["Rue d'Enfer, côté pair", "Rue Berlioz"],
    "schedule": {
        "start": "2020-01-01T06:00:17Z",
        "end": "2090-01-01T06:00:43Z",
        "windows": [{"days": ["mon"], "from": "20:00", "to": "24:00", "except": ["2026-12-28"], "holidays": "skip"}],
        "end_verified": True,
    },
    "impact": {
        "vehicle_impact": "some-lanes-closed-merge-left",
        "restrictions": [{"type": "reduced-width", "value": 2.8, "unit": "m"}],
        "speed_limit_kmh": 30,
        "exempt": ["bus"],
        "emergency_passage": "yes",
        "detours": [{"text": "Par la gare.", "geometry": _DETOUR}, {"text": "À pied par le parc."}],
    },
    "types_of_work": ["surface-work"],
}


@pytest.fixture
def console(looker: Looker, served: Served) -> Page:
    """Return the console on a phone, logged in."""
    page = looker.open("staff", size=PHONE)
    page.locator("#key").fill(served.key)
    page.locator("#login button").click()
    expect(page.locator("#works-list li").first).to_be_visible()
    return page


def write(console: Page, title: str) -> None:
    """Write new works by keyboard alone: a title, a start, a line of two points."""
    console.get_by_role("button", name="Nouveaux travaux").press("Enter")
    console.get_by_role("textbox", name="Titre").fill(title)
    console.get_by_label("Début").fill("2026-01-05T08:00")
    console.get_by_label("Gêne pour les véhicules").select_option("all-lanes-closed")
    console.get_by_role("button", name="Ajouter le centre").press("Enter")
    console.locator("#draw").press("ArrowRight")
    console.get_by_role("button", name="Ajouter le centre").press("Enter")
    expect(console.locator("#draw-count")).to_have_text("2 points")


def saved(served: Served, title: str) -> Any:  # noqa: ANN401 - the properties as JSON
    """Return what the service holds of the works with a title."""
    features = served.send("GET", "v1/works?drafts=true")["features"]
    return next(one["properties"] for one in features if one["properties"]["title"] == title)


def save(console: Page) -> None:
    """Save the form and wait for the word."""
    with console.expect_response(lambda response: response.request.method != "GET"):
        console.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(console.locator("#told")).to_have_text("Enregistré.")


def test_a_wrong_key_is_told(looker: Looker) -> None:
    """A key that nobody gave out lets nobody in and says so."""
    page = looker.open("staff")
    page.locator("#key").fill("gw_nothing")
    page.locator("#key").press("Enter")
    expect(page.locator("#key-error")).to_contain_text("n’est pas reconnue")
    expect(page.locator("#console")).to_be_hidden()


def test_works_are_written_corrected_and_cancelled(console: Page, looker: Looker) -> None:
    """What is written in the console is on the live map; so is its correction; cancelled it leaves."""
    live = looker.live()
    write(console, "Barrage de la rue d’essai")
    save(console)
    listed = live.locator("#works li button", has_text="Barrage de la rue d’essai")
    expect(listed).to_contain_text("route barrée")
    console.get_by_role("button", name="Modifier : Barrage de la rue d’essai").click()
    expect(console.get_by_label("Début")).to_have_value("2026-01-05T08:00")
    console.get_by_label("Gêne pour les véhicules").select_option("alternating-one-way")
    save(console)
    expect(listed).to_contain_text("gêne forte")
    console.get_by_role("button", name="Modifier : Barrage de la rue d’essai").click()
    console.once("dialog", lambda dialog: dialog.accept())
    console.get_by_role("button", name="Annuler ces travaux").click()
    expect(listed).to_have_count(0)


def test_nothing_out_of_date_can_be_opened(console: Page) -> None:
    """After a write the list is empty until it has been read again: what it showed has an old version."""
    write(console, "Rue à relire")
    save(console)
    opening = console.get_by_role("button", name="Modifier : Rue à relire")
    opening.click()
    console.get_by_label("Gêne pour les véhicules").select_option("alternating-one-way")
    reading: list[Route] = []
    listing = re.compile(r"/v1/works(\?|$)")
    console.route(listing, lambda route: reading.append(route))  # noqa: PLW0108 - it is marked
    console.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(console.locator("#works-form")).to_be_hidden()
    expect(console.locator("#works-list li")).to_have_count(0)
    while len(reading) < 2:
        console.wait_for_timeout(20)
    for route in reading:
        route.continue_()
    console.unroute(listing)
    opening.click()
    expect(console.get_by_label("Gêne pour les véhicules")).to_have_value("alternating-one-way")
    console.once("dialog", lambda dialog: dialog.accept())
    console.get_by_role("button", name="Annuler ces travaux").click()
    expect(opening).to_have_count(0)


def test_a_draft_is_for_staff_alone(console: Page, looker: Looker) -> None:
    """A draft shows in the console and nowhere else, until it is made public."""
    live = looker.live()
    write(console, "Encore un brouillon")
    console.get_by_label("Visibilité").select_option("draft")
    save(console)
    row = console.locator("#works-list > li", has_text="Encore un brouillon")
    expect(row).to_contain_text("Brouillon")
    expect(live.get_by_text("Encore un brouillon")).to_have_count(0)
    row.get_by_role("button").click()
    console.get_by_label("Visibilité").select_option("public")
    save(console)
    expect(live.locator("#works").get_by_text("Encore un brouillon")).to_be_visible()


def test_a_sourced_works_is_corrected_over_its_source(console: Page, served: Served) -> None:
    """Only the changed fields are sent, so that the source keeps the rest; the form says so."""
    console.locator("#works-filter").fill("V-107")
    console.locator("#works-list button").first.click()
    expect(console.locator("#works-sourced")).to_contain_text("voirie")
    console.get_by_role("textbox", name="Titre").fill("Titre corrigé")
    save(console)
    properties = served.send("GET", "v1/works/voirie:V-107")["properties"]
    assert properties["title"] == "Titre corrigé"
    assert properties["corrected"] == ["title"]
    console.locator("#works-list button").first.click()
    console.get_by_label("Stationnement").select_option("reduced")
    save(console)
    assert served.send("GET", "v1/works/voirie:V-107")["properties"]["corrected"] == ["title", "impact.parking"]


def test_hours_exemptions_and_a_detour_are_written(console: Page, served: Served) -> None:
    """Night works with who may pass and the way round are saved as the model holds them."""
    write(console, "Nuits de la rue d’essai")
    for day in ("lundi", "mardi"):
        console.get_by_role("checkbox", name=day).check()
    console.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(console.locator("#works-error")).to_contain_text("les deux heures")
    console.get_by_label("De", exact=True).fill("21:00")
    console.get_by_label("à", exact=True).fill("05:30")
    console.get_by_role("checkbox", name="riverains").check()
    console.locator("#works-form").get_by_label("Trottoir").select_option("diverted")
    console.locator("#works-form").get_by_label("Piste cyclable").select_option("closed")
    console.get_by_label("Déviation conseillée").fill("Par la rue de la Gare.")
    save(console)
    properties = saved(served, "Nuits de la rue d’essai")
    [window] = properties["schedule"]["windows"]
    assert (window["days"], window["from"], window["to"]) == (["mon", "tue"], "21:00", "05:30")
    impact = properties["impact"]
    assert (impact["footway"], impact["cycleway"], impact["exempt"]) == ("diverted", "closed", ["residents"])
    assert impact["detours"] == [{"text": "Par la rue de la Gare.", "geometry": None}]


def test_what_the_form_does_not_know_is_kept(console: Page, served: Served) -> None:
    """Editing one field of each part leaves every other, down to the seconds of a start and the line of a detour."""
    served.post_works("Travaux complets", **_WHOLE)
    before = saved(served, "Travaux complets")
    console.reload()
    console.get_by_role("button", name="Modifier : Travaux complets").click()
    console.get_by_role("checkbox", name="samedi").check()
    console.get_by_label("Déviation conseillée").fill("Par la place.")
    console.get_by_label("Stationnement").select_option("reduced")
    save(console)
    after = saved(served, "Travaux complets")
    before["schedule"]["windows"][0]["days"] = ["mon", "sat"]
    before["impact"]["detours"][0]["text"] = "Par la place."
    before["impact"]["parking"] = "reduced"
    assert {name: after[name] for name in _WHOLE} == {name: before[name] for name in _WHOLE}


def test_several_windows_are_left_as_they_are(console: Page, served: Served) -> None:
    """The form says that it cannot write them, and saving something else keeps them."""
    days = [{"days": [day], "from": "08:00", "to": "12:00"} for day in ("mon", "tue")]
    served.post_works("Deux plages", schedule={"start": "2020-01-01T06:00:00Z", "windows": days})
    before = saved(served, "Deux plages")
    console.reload()
    console.get_by_role("button", name="Modifier : Deux plages").click()
    expect(console.locator("#hours-many")).to_be_visible()
    expect(console.get_by_label("De", exact=True)).to_be_disabled()
    console.get_by_label("Description").fill("autre")
    save(console)
    assert saved(served, "Deux plages")["schedule"] == before["schedule"]


def test_a_form_that_cannot_be_saved_says_why(console: Page) -> None:
    """Nothing is sent without a title, a start and a place; what was typed stays."""
    console.get_by_role("button", name="Nouveaux travaux").click()
    for field, value, missing in (
        ("Description", "gardée", "Donnez un titre."),
        ("Titre", "Essai", "Donnez une date de début."),
        ("Début", "2026-01-05T08:00", "Placez au moins un point sur la carte."),
    ):
        console.locator("#works-form").get_by_label(field).fill(value)
        console.get_by_role("button", name="Enregistrer", exact=True).click()
        expect(console.locator("#works-error")).to_have_text(missing)
    expect(console.get_by_label("Description")).to_have_value("gardée")


def test_the_sync_report_leads_through_the_login(looker: Looker, served: Served) -> None:
    """A report page asked for by a stranger shows the login, then the page that was asked for."""
    page = looker.open("sync/voirie")
    page.locator("#key").fill(served.key)
    page.locator("#key").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("voirie")
    expect(page.locator(".figures")).to_contain_text("ajoutés")
    page.goto(looker.address + "staff?next=//example.org/")
    expect(page.locator("#works-list li").first).to_be_visible()


def test_logging_out_ends_the_session(console: Page) -> None:
    """Afterwards the console asks for a key again."""
    console.get_by_role("button", name="Se déconnecter").click()
    expect(console.locator("#login")).to_be_visible()
