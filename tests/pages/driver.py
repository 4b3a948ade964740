"""What a driver does on the driver page: choose a route, look, leave, drive."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.pages.looking import Looker
from tests.pages.streets import Street

# A browser's voice, screen and dialogs, written down; headless ones have none.
DEVICE = """
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


def import_route(page: Page, file: FilePayload) -> None:
    """Take the route from a file, and wait until it is taken."""
    page.locator("#file").set_input_files(file)
    expect(page.locator("#route-told")).to_contain_text(file["name"])


def planned(looker: Looker, street: Street, **options: Any) -> Page:  # noqa: ANN401 - those of `Looker.open`
    """Open the page with the street as the route."""
    page = looker.open("drive", script=DEVICE, **options)
    import_route(page, street.geojson())
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
