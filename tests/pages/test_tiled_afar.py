"""The live map of a large town from afar, where it counts what it cannot list; and what it says when it cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import expect

from tests.pages.cable import Cable
from tests.pages.looking import Looker, drawn
from tests.pages.served import Served
from tests.pages.tiled import (
    far,
    has_asked,
    item,
    post,
    serve_from_tiles,
    tiles,
    until,
)
from tests.postgres import Databases


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town, with a crowd of works some kilometres away, all drawn from tiles."""
    yield from serve_from_tiles(databases, tmp_path_factory.mktemp("tiled"))


@pytest.mark.parametrize(("language", "words"), [("fr", "Approchez"), ("en", "Zoom in")])
def test_from_afar_it_counts_and_says_to_come_nearer(looker: Looker, language: str, words: str) -> None:
    """Where too much is in view the list has none, says so, keeps what was searched, and a button leads nearer."""
    page = looker.live("?q=montlhery", language=language)
    far(page)
    expect(page.locator("#far")).to_contain_text(words)
    expect(page.locator("#works li")).to_have_count(0)
    assert int(re.sub(r"\D", "", page.locator("#works .count").inner_text())) > 600
    expect(page.get_by_role("searchbox")).to_be_disabled()
    expect(page.get_by_role("searchbox")).to_have_value("montlhery")
    expect(page.locator("input[name=period][value=week]")).to_be_disabled()
    page.locator("#nearer").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    drawn(page)
    expect(page.locator("#works-title")).to_be_focused()
    expect(page.locator("#far")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value("montlhery")
    expect(item(page, "Montlhéry").first).to_be_visible()


def test_from_afar_changes_are_drawn_too(looker: Looker, served: Served) -> None:
    """What changes in a wide view is asked about every few seconds, and only tiles where it lies are read again."""
    page = looker.live()
    far(page)
    before = len(looker.asked)
    id_ = post(served, "Vu de loin")
    until(page, partial(has_asked, looker, "/tiles/works", since=before))
    asked = [parse_qs(urlsplit(url).query) for url in looker.asked[before:] if "/v1/changes" in url]
    assert asked
    assert all(query["since"][0] and "bbox" in query for query in asked)
    assert not [url for url in looker.asked[before:] if "/tiles/reports" in url]
    served.send("DELETE", f"v1/works/{id_}")


def test_when_history_is_lost_tiles_are_read_again(looker: Looker, served: Served) -> None:
    """Asked from a place in another log, the page reads its tiles again and goes on from where the log is now."""
    page = looker.live()
    far(page)
    page.route(
        "**/v1/changes?**",
        lambda route: route.continue_(url=re.sub("since=[^&]*", "since=lost.1", route.request.url)),
        times=1,
    )
    before = len(looker.asked)
    until(page, partial(has_asked, looker, "/v1/works?bbox=0,0,0,0", since=before))
    for layer in ("works", "reports", "zones"):
        until(page, partial(has_asked, looker, f"/tiles/{layer}/", since=before))
    asked = len(looker.asked)
    until(page, partial(has_asked, looker, f"since={served.town.state.cursor}", since=asked))
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview")


def test_from_afar_it_says_when_nothing_answers(looker: Looker) -> None:
    """When changes cannot be asked about the page says since when; too many readers behind an address are no cut."""
    page = looker.live()
    far(page)
    page.route("**/v1/changes?**", lambda route: route.fulfill(status=429, json={"detail": "too many"}))
    with page.expect_response("**/v1/changes?**"):
        pass
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview")
    page.unroute("**/v1/changes?**")
    page.route("**/v1/changes?**", lambda route: route.abort())
    expect(page.locator("#connection")).to_have_attribute("data-state", "offline", timeout=25_000)
    page.unroute("**/v1/changes?**")
    expect(page.locator("#connection")).to_have_attribute("data-state", "overview", timeout=45_000)
    assert all("429" in complaint for complaint in looker.complaints)
    looker.complaints.clear()


def test_a_gathered_marker_leads_nearer(looker: Looker) -> None:
    """A press on a number goes to where what it counts comes apart."""
    page = looker.live()
    far(page)
    box = page.locator("#map").bounding_box()
    assert box
    wide = zooms(looker)[-1]
    # The crowd lies above the middle.
    for down in range(40, int(box["height"] / 2), 10):
        at = box["x"] + box["width"] / 2, box["y"] + down
        page.mouse.move(*at)
        if "on-feature" in (page.locator("#map").get_attribute("class") or ""):
            page.mouse.click(*at)
            break
    until(page, lambda: zooms(looker)[-1] > wide)


def zooms(looker: Looker) -> list[int]:
    """Return the zooms at which tiles of works were asked for."""
    return [int(url.split("/tiles/works/")[1].split("/")[0]) for url in tiles(looker, "works")]


def test_without_the_stream_it_reads_on(looker: Looker, served: Served) -> None:
    """Where no WebSocket passes the page shows what is in view and says that it is not live."""
    cable = Cable()
    cable.cut()
    page = looker.open("status")
    page.route_web_socket(re.compile("/v1/stream"), cable.plug)
    page.clock.install()
    page.goto(looker.address)
    with suppress(TooLate):
        page.clock.run_for(2000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "polled")
    expect(page.locator("#works li").nth(20)).to_be_attached()
    id_ = post(served, "Lu sans le flux")
    page.clock.run_for(31_000)
    expect(item(page, "Lu sans le flux")).to_be_visible()
    served.send("DELETE", f"v1/works/{id_}")


def test_tiles_that_cannot_be_read_are_said_and_read_again(looker: Looker) -> None:
    """A part that is missing is not passed over in silence, and comes when it can be had."""
    page = looker.open("status")
    page.clock.install()
    page.route("**/tiles/works/**", lambda route: route.abort())
    page.goto(looker.address)
    page.clock.run_for(2000)
    expect(page.locator("#far-words")).to_contain_text("n’a pas pu être lue")
    page.unroute("**/tiles/works/**")
    page.clock.run_for(31_000)
    drawn(page)
    expect(page.locator("#far")).to_be_hidden()
