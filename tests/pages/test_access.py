"""Every page, on a desk and on a phone, in both languages and both colour schemes, for everybody (axe-core)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.axe import axe, violations
from tests.pages.driver import import_route
from tests.pages.looking import DESKTOP, PHONE, SMALL, Looker, Scheme, drawn
from tests.pages.served import Served
from tests.pages.streets import Street, from_now

Prepare = Callable[[Page, Served], object]
# What was looked at on the driver page, to be cleared away.
_STREETS: list[Street] = []
# Each size is looked at in each language and in each colour scheme.
_LOOKS: dict[str, tuple[tuple[tuple[int, int], Scheme], ...]] = {
    "fr": ((DESKTOP, "light"), (PHONE, "dark")),
    "en": ((PHONE, "light"), (DESKTOP, "dark")),
}


@pytest.fixture(scope="module")
def readers(browser: Browser, served: Served) -> Iterator[dict[str, Looker]]:
    """Return a reader for each language, who keeps what the browser loaded from page to page."""
    readers = {language: Looker(browser, served.address, together=True) for language in _LOOKS}
    yield readers
    for reader in readers.values():
        reader.close()
    for street in _STREETS:
        street.clear()


def _is_live(page: Page, _: Served) -> None:
    drawn(page)


def _has_details(page: Page, _: Served) -> None:
    drawn(page)
    expect(page.locator("#details .plate")).to_be_visible()


def _maps_itself(page: Page, _: Served) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def _knows_places(page: Page, _: Served) -> None:
    expect(page.locator("#places option").first).to_be_attached()


def _log_out(page: Page, _: Served) -> None:
    # Whichever the page turns out to show.
    expect(page.locator("#logout, #key").filter(visible=True)).to_have_count(1)
    if page.locator("#logout").is_visible():
        page.locator("#logout").click()
    expect(page.locator("#key")).to_be_visible()


def _log_in(page: Page, served: Served) -> None:
    shown = page.locator("#key, #works-list li").locator("visible=true").first
    expect(shown).to_be_visible()
    if page.locator("#key").is_visible():
        page.locator("#key").fill(served.key)
        page.locator("#login button").click()
    expect(page.locator("#console")).to_be_visible()


def _log_in_and_read(page: Page, served: Served) -> None:
    _log_in(page, served)
    expect(page.locator("#works-list li").first).to_be_visible()


def _log_in_and_write(page: Page, served: Served) -> None:
    _log_in(page, served)
    page.locator("#new").click()
    expect(page.locator("#works-form")).to_be_visible()


def _log_in_and_answer(page: Page, served: Served) -> None:
    _log_in(page, served)
    page.locator("[data-tab=reports]").click()
    expect(page.locator("#reports-list li").first).to_be_visible()


def _log_in_and_watch(page: Page, served: Served) -> None:
    _log_in(page, served)
    page.locator("[data-tab=sources]").click()
    expect(page.locator("#sources-list li").first).to_be_visible()


def _log_in_for_report(page: Page, served: Served) -> None:
    if page.locator("#key").count():
        page.locator("#key").fill(served.key)
        page.locator("#login button").click()
    expect(page.locator(".figures")).to_be_visible()


def _send(page: Page, served: Served) -> None:
    _knows_places(page, served)
    page.locator("#place").fill("Rue de Montlhéry")
    page.locator("#text").fill("Nid-de-poule")
    expect(page.locator("#works-here li").first).to_be_visible()
    page.locator("#send").click()
    expect(page.locator("#sent-title")).to_be_focused()


def _send_too_early(page: Page, served: Served) -> None:
    _knows_places(page, served)
    page.locator("#send").click()
    expect(page.locator("#text-error")).to_be_visible()


def _follow(page: Page, served: Served) -> None:
    at = {"type": "Point", "coordinates": [2.3081, 48.6337]}
    filed = served.send("POST", "v1/reports", {"text": "Nid-de-poule", "place": "", "geometry": at})
    page.goto(served.address + str(filed["url"]).lstrip("/"))
    expect(page.locator(".steps")).to_be_visible()


def _plan(page: Page, _: Served) -> None:
    expect(page.locator("#zones label").first).to_be_attached()


def _plan_by_zones(page: Page, _: Served) -> None:
    page.locator("input[name=place][value=zones]").check()
    expect(page.locator("#zones label").first).to_be_visible()
    page.locator("#go").click()
    expect(page.locator("#plan-error")).to_be_visible()


def _look(page: Page, served: Served, *, vehicle: str = "hgv") -> None:
    """Look at a street with a bridge that is too low for the vehicle, works of tomorrow, and some for nobody."""
    street = Street(served, 40 + len(_STREETS))
    _STREETS.append(street)
    low = [{"type": "reduced-height", "value": 3.2, "unit": "m"}]
    detours = [{"text": "Par la rue basse, limitée à 3,5 t"}]
    impact = {"vehicle_impact": "alternating-one-way", "restrictions": low, "detours": detours}
    street.works("Pont bas", 500, 600, impact=impact)
    street.works("Demain", 700, 800, schedule=from_now(datetime.now(UTC) + timedelta(days=1)))
    street.works("Trottoir", 900, 950, impact={"vehicle_impact": "all-lanes-open"})
    import_route(page, street.geojson())
    page.locator("input[name=place][value=route]").check()
    page.locator("#class").select_option(vehicle)
    page.locator("#look").click()
    page.locator("#everything").check()
    expect(page.locator("#events li")).to_have_count(3)


def _look_closely(page: Page, served: Served) -> None:
    _look(page, served)
    page.locator("#events li button").first.click()
    expect(page.locator("#details .plate")).to_be_visible()


def _drive(page: Page, served: Served) -> None:
    _look(page, served)
    # As the page is for somebody on the move.
    page.evaluate("""() => {
      document.getElementById("main").toggleAttribute("data-moving", true);
      document.getElementById("moving-told").hidden = false;
      document.body.classList.add("moving");
    }""")


def _nothing(_: Page, __: Served) -> None:
    """The page is ready as it comes."""


PAGES: dict[str, tuple[str, Prepare]] = {
    "live": ("", _is_live),
    "details": ("?works=api:nuit-bretigny", _has_details),
    "drive": ("drive", _plan),
    "drive-zones": ("drive", _plan_by_zones),
    "drive-look": ("drive", _look),
    "drive-details": ("drive", _look_closely),
    "drive-moving": ("drive", _drive),
    "embed": ("embed", _maps_itself),
    "report": ("report", _knows_places),
    "report-wrong": ("report", _send_too_early),
    "report-sent": ("report", _send),
    "follow": ("r/nobody", _follow),
    "follow-unknown": ("r/nobody", _nothing),
    "status": ("status", _nothing),
    "maps": ("maps/", _nothing),
    "error": ("nowhere", _nothing),
    "staff-works": ("staff", _log_in_and_read),
    "staff-form": ("staff", _log_in_and_write),
    "staff-reports": ("staff", _log_in_and_answer),
    "staff-sources": ("staff", _log_in_and_watch),
    "sync": ("sync/voirie", _log_in_for_report),
    "staff-login": ("staff", _log_out),
}


@pytest.mark.parametrize("language", _LOOKS)
@pytest.mark.parametrize("shown", PAGES.values(), ids=PAGES)
def test_everybody_can_use_it(
    readers: dict[str, Looker], served: Served, shown: tuple[str, Prepare], language: str
) -> None:
    """No axe violation at either size and in either colour scheme, the right language, no scrolling sideways."""
    (path, prepare), looks = shown, _LOOKS[language]
    page = readers[language].open(path, size=looks[0][0], language=language)
    prepare(page, served)
    assert page.locator("html").get_attribute("lang") == language
    page.evaluate(axe())
    for size, scheme in looks:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert violations(page, scheme) == []
    page.close()
    assert readers[language].complaints == []


@pytest.mark.parametrize("path", ["drive", "report", "status", "maps/", "staff", "nowhere", "embed"])
def test_the_smallest_phones_scroll_one_way(looker: Looker, path: str) -> None:
    """Nothing stands out to the right at 320 pixels."""
    page = looker.open(path, size=SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]


@pytest.mark.parametrize("path", ["", "drive", "report", "status"])
def test_what_is_pressed_is_large_enough(looker: Looker, path: str) -> None:
    """Buttons, fields and the links that stand alone are 44 pixels high on a phone."""
    page = looker.open(path, size=PHONE)
    small: Any = page.evaluate(
        """() => [...document.querySelectorAll(
            "button, select, input:not([type=radio], [type=checkbox]), summary, nav a, .foot a")]
          .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 43.5)
          .map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert small == []
