"""Reporting and following, from the form to the moderator's answer, in a real browser on the whole service."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.pages.looking import PHONE, Looker
from tests.pages.served import Served

_HOSTILE = "Trou <img src=x onerror=alert(1)> ${7*7} {{7*7}}"


def photo(name: str = "trou.jpg") -> FilePayload:
    """Return a small photo as a file to choose."""
    image = io.BytesIO()
    Image.new("RGB", (64, 48), "#884422").save(image, "JPEG")
    return FilePayload(name=name, mimeType="image/jpeg", buffer=image.getvalue())


def write(page: Page, text: str = _HOSTILE, place: str = "12 rue de Montlhéry") -> None:
    """Fill the two fields that suffice."""
    expect(page.locator("#places option").first).to_be_attached()
    page.locator("#place").fill(place)
    page.locator("#place").press("Tab")
    page.locator("#text").fill(text)


def send(page: Page) -> str:
    """Send the form and return the address of the follow-up."""
    page.locator("#send").click()
    expect(page.locator("#sent-title")).to_be_focused()
    return str(page.locator("#link").get_attribute("href"))


def queued(served: Served, text: str) -> str:
    """Return the id of the report with this text, as moderators find it."""
    queue = served.send("GET", "v1/reports/queue")["features"]
    return str(next(one["id"] for one in queue if one["properties"]["text"] == text))


def test_two_fields_suffice_and_the_report_is_followed_live(looker: Looker, served: Served) -> None:
    """A typed place and a text are sent; its page shows the answer without reload; the text is text everywhere."""
    page = looker.open("report")
    write(page)
    expect(page.locator("#place-found")).to_contain_text("Rue de Montlhéry")
    expect(page.locator("#handler")).to_contain_text("Service voirie")
    address = send(page)
    assert re.search(r"/r/[\w.~-]{16,}", address)
    page.goto(address)
    expect(page.locator(".follow-status")).to_have_text("reçu")
    expect(page.locator("#follow .quote")).to_contain_text("<img src=x onerror=alert(1)> ${7*7} {{7*7}}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    id_ = queued(served, _HOSTILE)
    served.send("POST", f"v1/reports/{id_}/status", {"status": "accepted", "answer": "Une équipe passe <b>demain</b>."})
    expect(page.locator(".follow-status")).to_have_text("pris en charge", timeout=5000)
    expect(page.locator(".steps")).to_contain_text("Une équipe passe <b>demain</b>.")
    assert page.locator("#follow b img, #follow .quote b, #follow .quote img").count() == 0


def test_the_public_sees_a_text_only_after_its_release(looker: Looker, served: Served) -> None:
    """On the map a report shows category alone, and its words once a moderator released them, live."""
    page = looker.open("report")
    write(page, "Nid-de-poule secret")
    send(page)
    id_ = queued(served, "Nid-de-poule secret")
    live = looker.live()
    live.evaluate("id => document.querySelector(`[data-key='report ${id}'] button`).click()", id_)
    expect(live.locator("#details")).to_contain_text("quand un agent l’aura relu")
    assert "secret" not in live.content()
    served.send("POST", f"v1/reports/{id_}/release")
    expect(live.locator("#details .quote")).to_have_text("Nid-de-poule secret")


def test_a_moderator_answers_from_the_console(looker: Looker, served: Served) -> None:
    """The queue shows the text, publishes it and takes an answer, on a phone."""
    page = looker.open("report")
    write(page, "Trou à publier")
    page.locator("#photos").set_input_files([photo()])
    address = send(page)
    console = looker.open("staff#reports", size=PHONE)
    console.locator("#key").fill(served.key)
    console.locator("#key").press("Enter")
    row = console.locator("#reports-list > li", has_text="Trou à publier")
    row.locator("img").scroll_into_view_if_needed()
    assert row.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    row.get_by_role("button", name="Publier le texte et les photos").click()
    expect(row).to_contain_text("· publié")
    row.get_by_label("Suite à donner").select_option("in-progress")
    row.get_by_label("Réponse").fill("Nous y sommes.")
    row.get_by_role("button", name="Enregistrer la suite").click()
    expect(row).to_contain_text("en cours")
    page.goto(address)
    expect(page.locator(".steps")).to_contain_text("Nous y sommes.")


def test_a_report_can_be_taken_back(looker: Looker, served: Served) -> None:
    """Withdrawing asks first; then the page says that text and photos are gone, and they are."""
    at = {"type": "Point", "coordinates": [2.3081, 48.6337]}
    filed = served.send("POST", "v1/reports", {"text": "Envoyé par erreur", "place": "", "geometry": at})
    page = looker.open(filed["url"])
    button = page.get_by_role("button", name="Retirer mon signalement")
    page.once("dialog", lambda dialog: dialog.dismiss())
    button.click()
    expect(page.locator("#follow")).to_contain_text("Envoyé par erreur")
    page.once("dialog", lambda dialog: dialog.accept())
    button.click()
    expect(page.locator(".follow-status")).to_have_text("retiré par son auteur")
    expect(page.locator(".follow-status")).to_be_focused()
    expect(page.locator("#follow")).not_to_contain_text("Envoyé par erreur")
    expect(button).to_have_count(0)
    page.reload()
    expect(page.locator("#follow")).to_contain_text("sont effacés")


def test_errors_stand_beside_their_fields_and_photos_stay(looker: Looker) -> None:
    """A form sent too early says what is missing where, keeps the photos, and is sent when mended."""
    page = looker.open("report")
    expect(page.locator("#places option").first).to_be_attached()
    page.locator("#photos").set_input_files([photo(), photo("autre.jpg")])
    expect(page.locator("#previews img")).to_have_count(2)
    page.locator("#send").click()
    expect(page.locator("#place")).to_be_focused()
    expect(page.locator("#place-error")).to_be_visible()
    expect(page.locator("#text")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Retirer la photo 2").click()
    expect(page.locator("#previews img")).to_have_count(1)
    write(page, "Avec une photo")
    expect(page.locator("#text-error")).to_be_hidden()
    page.goto(send(page))
    expect(page.locator("#follow .previews img")).to_have_count(1)
    assert (
        page.locator("#follow .previews img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    )


def test_a_lost_connection_loses_nothing(looker: Looker) -> None:
    """When the report cannot leave, words, place and photo are still there, and it leaves later."""
    page = looker.open("report")
    write(page, "Envoyé plus tard")
    page.locator("#photos").set_input_files([photo()])
    page.context.set_offline(offline=True)
    page.locator("#send").click()
    expect(page.locator("#summary")).to_contain_text("toujours là")
    expect(page.locator("#text")).to_have_value("Envoyé plus tard")
    expect(page.locator("#previews img")).to_have_count(1)
    page.context.set_offline(offline=False)
    send(page)


@pytest.mark.parametrize("way", ["arrows", "centre", "marker"])
def test_the_keyboard_places_the_marker(looker: Looker, way: str) -> None:
    """Without a mouse the marker is put and moved, and the report sent."""
    page = looker.open("report")
    expect(page.locator("#places option").first).to_be_attached()
    if way == "arrows":
        page.get_by_role("button", name="vers le nord").press("Enter")
    else:
        page.get_by_role("button", name="Poser le repère au centre").press("Enter")
    marker = page.locator(".pick-pin")
    expect(marker).to_be_visible()
    if way == "marker":
        before = marker.bounding_box()
        marker.press("Shift+ArrowRight")
        after = marker.bounding_box()
        assert before
        assert after
        assert after["x"] > before["x"]
    page.locator("#text").fill("Au clavier")
    page.locator("#send").press("Enter")
    expect(page.locator("#sent-title")).to_be_focused()


def test_a_tap_on_the_map_is_a_place(looker: Looker) -> None:
    """On a phone a tap places the report, and no address is needed."""
    page = looker.open("report", size=PHONE, has_touch=True)
    expect(page.locator("#places option").first).to_be_attached()
    page.locator("#map").tap(position={"x": 120, "y": 140})
    expect(page.locator("#place-found")).to_contain_text("Repère posé")
    page.locator("#text").fill("Un toucher suffit")
    send(page)


def test_what_is_known_is_told_before_sending(looker: Looker) -> None:
    """Works at the place and reports close by are shown, and one's own reports are found again."""
    page = looker.open("report")
    write(page, "Nid-de-poule")
    expect(page.locator("#works-here")).to_contain_text("Renouvellement")
    send(page)
    page.goto(looker.address + "report")
    expect(page.locator("#mine li")).to_have_count(1)
    write(page, "Nid-de-poule encore")
    expect(page.locator("#duplicates")).to_contain_text("Chaussée abîmée")


def test_nothing_is_sent_before_the_page_can(looker: Looker) -> None:
    """While its script is on the way the form cannot be sent: the words would stand in an address."""
    page = looker.open("status")
    waiting: list[Route] = []
    page.route(re.compile("/report.js"), lambda route: waiting.append(route))  # noqa: PLW0108 - a builtin is not taken
    page.goto(f"{looker.address}report", wait_until="commit")
    page.locator("#place").fill("Rue de Montlhéry")
    page.locator("#text").fill("Trop tôt")
    page.locator("#place").press("Enter")
    expect(page.locator("#send")).to_be_disabled()
    assert "?" not in page.url
    waiting[0].continue_()
    expect(page.locator("#send")).to_be_enabled()
    page.locator("#send").click()
    expect(page.locator("#link")).to_be_visible()
