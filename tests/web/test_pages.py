"""The pages' addresses: which page, in which language, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from geoworks.config.settings import Town
from geoworks.web.language import COOKIE
from tests.web.conftest import OpenHouse
from tests.web.driver import driving
from tests.web.house import House
from tests.web.writing import write

HTML = {"Accept": "text/html,*/*"}


@pytest.mark.parametrize("path", ["/", "/embed", "/report", "/r/token", "/staff", "/status", "/maps/"])
async def test_every_page_is_there_in_both_languages(house: House, path: str) -> None:
    """French first, English on demand."""
    for language, expected in (("", "fr"), ("?lang=en", "en"), ("?lang=fr", "fr"), ("?lang=xx", "fr")):
        house.client.cookie_jar.clear()
        answer = await house.ask("GET", path + language, headers=HTML)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert f'<html lang="{expected}"' in answer.body.decode()


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("en", "en"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("fr;q=0.5,en;q=0.7", "en"),
        ("de,it;q=0.8", "fr"),
        ("de,en;q=0.1", "en"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("en,fr", "fr"),
        ("*", "fr"),
        ("en;q=x", "fr"),
        ("", "fr"),
    ],
)
async def test_the_browser_says_the_language(house: House, accepted: str, expected: str) -> None:
    """The language ranked highest is taken, the town's own among equals."""
    answer = await house.ask("GET", "/status", headers={"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == expected


async def test_a_chosen_language_stays(house: House) -> None:
    """The choice is kept in a cookie and comes before the browser's."""
    first = await house.ask("GET", "/?lang=en")
    assert f"{COOKIE}=en" in first.headers["Set-Cookie"]
    second = await house.ask("GET", "/status", headers={"Accept-Language": "fr", "Cookie": f"{COOKIE}=en"})
    assert second.headers["Content-Language"] == "en"


async def test_a_town_may_speak_english_first(open_house: OpenHouse) -> None:
    """The town's own language is the first."""
    async with open_house(town=Town(language="en")) as house:
        assert (await house.ask("GET", "/")).headers["Content-Language"] == "en"


async def test_browsers_get_an_error_page_and_programs_a_document(house: House) -> None:
    """The same status in both forms; the API never answers pages."""
    page = await house.ask("GET", "/nothing", headers=HTML)
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    program = await house.ask("GET", "/nothing")
    assert (program.status, program.json()["code"]) == (404, "not-found")
    api = await house.ask("GET", "/v1/nothing", headers=HTML)
    assert api.json()["code"] == "not-found"


async def test_the_status_page_shows_each_source(house: House, staff: dict[str, str]) -> None:
    """A source that failed is named with its reason, hostile text as text."""
    house.source.fails = "<script>alert(1)</script>"
    await house.ask("POST", "/v1/sync/voirie", headers=staff)
    page = (await house.ask("GET", "/status")).body.decode()
    assert "voirie" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


async def test_the_report_of_a_source_is_a_page_for_staff(house: House, staff: dict[str, str]) -> None:
    """Every rejected record with its mend; readers without a key are led to the login."""
    anyone = await house.ask("GET", "/sync/voirie", allow_redirects=False)
    assert (anyone.status, anyone.headers["Location"]) == (303, "/staff?next=/sync/voirie")
    assert (await house.ask("GET", "/sync/voirie", headers=staff)).status == 200
    house.source.titles = {"1": "Rue A", "bad": "!"}
    await house.ask("POST", "/v1/sync/voirie", headers=staff)
    page = (await house.ask("GET", "/sync/voirie", headers=staff)).body.decode()
    assert "take the mark away" in page
    assert 'data-at="2.3,48.6"' in page
    assert (await house.ask("GET", "/sync/metro", headers=staff)).status == 404


async def test_static_files_are_checked_anew_and_compressed(house: House) -> None:
    """Scripts are asked for again by tag, and travel as gzip."""
    first = await house.ask("GET", "/static/page.js", headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    assert "javascript" in first.headers["Content-Type"]
    assert first.headers["Cache-Control"] == "no-cache"
    again = await house.ask("GET", "/static/page.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304


async def test_a_file_changed_is_a_file_sent_anew(house: House) -> None:
    """A map made anew is sent, packed and plain, though its name stays; parts of a file can be asked for."""
    folder = house.folder / "maps"
    folder.mkdir(exist_ok=True)
    path = folder / "overview.html"
    for text in ("<title>A</title>" * 100, "<title>B</title>" * 101):
        await asyncio.to_thread(path.write_text, text)
        for encoding in ("gzip", "identity"):
            answer = await house.ask("GET", "/maps/overview.html", headers={"Accept-Encoding": encoding})
            assert answer.body.decode() == text
            known = await house.ask("GET", "/maps/overview.html", headers={"If-None-Match": answer.headers["ETag"]})
            assert (known.status, known.body) == (304, b"")
    part = await house.ask("GET", "/maps/overview.html", headers={"Range": "bytes=0-6"})
    assert (part.status, part.body) == (206, b"<title>")


async def test_no_link_leads_out_of_the_maps(house: House) -> None:
    """A symbolic link to another folder is not followed."""
    folder = house.folder / "maps"
    folder.mkdir(exist_ok=True)
    (folder / "out").symlink_to(house.folder)
    assert (await house.ask("GET", "/maps/out/geoworks.db")).status == 404


async def test_the_logo_is_the_towns(open_house: OpenHouse, tmp_path: Path) -> None:
    """A configured logo is served; a town without one has none."""
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    async with open_house(town=Town(logo=str(logo))) as house:
        answer = await house.ask("GET", "/logo")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    async with open_house() as house:
        assert (await house.ask("GET", "/logo")).status == 404


async def test_the_status_document_is_public(house: House) -> None:
    """Freshness, head of the log and counts, for everybody."""
    status = (await house.ask("GET", "/v1/status")).json()
    assert status["cursor"] == str(house.town.state.cursor)
    assert status["counts"] == {"works": 0, "zones": 0, "reports": 0}
    assert [source["source"] for source in status["sources"]] == ["voirie"]


async def test_how_the_stream_fares_is_public(house: House) -> None:
    """Connections, and the delay from commit to sockets in whole microseconds: as JSON, for Prometheus, on a page."""
    quiet = (await house.ask("GET", "/v1/status")).json()
    assert (quiet["delay_ms"], quiet["stream"]["delay_p99_ms"]) == (None, None)
    assert b"quantile=" not in (await house.ask("GET", "/metrics")).body
    async with driving(house.base, {"id": "spot", "area": {"circle": {"center": [2.3057, 48.6357], "radius_m": 70}}}):
        await write(house, "api:1")
        told = (await house.ask("GET", "/v1/status")).json()
        figures = (await house.ask("GET", "/metrics")).body.decode()
        page = (await house.ask("GET", "/status?lang=en")).body.decode()
    stream = told["stream"]
    delays_ms = [stream[f"delay_p{percent}_ms"] for percent in (50, 95, 99)]
    # The clock of the town stands at another time: only a steady one can give this.
    assert 0 < delays_ms[0] <= delays_ms[1] <= delays_ms[2] < 20_000
    assert delays_ms == [round(delay_ms, 3) for delay_ms in delays_ms]
    assert (told["delay_ms"], told["connections"]) == (delays_ms[0], 1)
    assert [stream[name] for name in ("connected", "lagging", "resumed", "resynced", "aborted")] == [1, 0, 0, 0, 0]
    for quantile in ("0.5", "0.95", "0.99"):
        assert f'geoworks_stream_delay_seconds{{quantile="{quantile}"}}' in figures
    assert "<dt>open connections</dt><dd>1</dd>" in page
    assert "<dt>usual delay</dt>" in page
    # Where somebody is, is nobody's business.
    assert not any(place in text for place in ("2.3057", "spot") for text in (figures, page, str(told)))


async def test_health_and_metrics(house: House) -> None:
    """The process lives, is ready, and its figures name doors by their pattern."""
    assert (await house.ask("GET", "/health/live")).json()["status"] == "live"
    assert (await house.ask("GET", "/health/ready")).json()["cursor"] == str(house.town.state.cursor)
    await house.ask("GET", "/v1/works/api:secret-name")
    figures = (await house.ask("GET", "/metrics")).body.decode()
    assert 'geoworks_features{kind="works"} 0.0' in figures
    assert "geoworks_log_offset 0.0" in figures
    assert 'door="/v1/works/{id}",method="GET",status="404"' in figures
    assert "secret-name" not in figures
    assert 'geoworks_stream_connections{state="connected"} 0.0' in figures
    assert "geoworks_stream_published_total 0.0" in figures
    assert "geoworks_store_up 1.0" in figures
    assert 'geoworks_source_on_hold{source="voirie"} 0.0' in figures
    free, size = (float(re.findall(rf"(?m)^geoworks_disk_{name}_bytes (.+)$", figures)[0]) for name in ("free", "size"))
    assert 0 < free < size


async def test_a_town_page_tells_no_more_than_its_data(house: House) -> None:
    """The data block of a page is well-formed JSON."""
    page = (await house.ask("GET", "/")).body.decode()
    block = page.partition('type="application/json"')[2].partition(">")[2].partition("</script>")[0]
    assert json.loads(block)["page"] == "live"
