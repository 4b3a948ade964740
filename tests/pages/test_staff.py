"""The console of the technical services in a real browser: log in, write works, correct, cancel."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.pages.looking import PHONE, Looker
from tests.pages.served import Served


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


def save(console: Page) -> None:
    """Save the form and wait for the word."""
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
    """Only the changed field is sent, so that the source keeps the rest; the form says so."""
    console.locator("#works-filter").fill("V-101")
    console.locator("#works-list button").first.click()
    expect(console.locator("#works-sourced")).to_contain_text("voirie")
    console.get_by_role("textbox", name="Titre").fill("Titre corrigé")
    save(console)
    properties = served.send("GET", "v1/works/voirie:V-101")["properties"]
    assert properties["title"] == "Titre corrigé"
    assert properties["corrected"] == ["title"]


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
