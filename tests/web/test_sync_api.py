"""Synchronisation over HTTP."""

from __future__ import annotations

import json

import pytest
from aiohttp import FormData
from msgspec import structs

from geoworks.config.settings import Limits
from geoworks.model.change import Kind
from tests.web.conftest import OpenHouse
from tests.web.house import House

TITLES = {str(number): f"Rue {number}" for number in range(10)}


async def test_sync_now_reports_what_it_did(house: House, staff: dict[str, str]) -> None:
    """Counts and every rejected record with its place and mend; the report stays readable."""
    house.source.titles = TITLES | {"bad": "!"}
    answer = await house.ask("POST", "/v1/sync/voirie", headers=staff)
    assert answer.status == 200, answer.body
    report = answer.json()
    assert (report["counts"]["added"], report["counts"]["rejected"]) == (10, 1)
    (rejected,) = report["rejected"]
    assert (rejected["source_id"], rejected["place"]) == ("bad", [2.3, 48.6])
    assert rejected["problems"][0]["mend"] == "take the mark away"
    assert (await house.ask("GET", "/v1/sync/voirie", headers=staff)).json() == report
    (status,) = (await house.ask("GET", "/v1/sync", headers=staff)).json()
    assert (status["source"], status["counts"]["added"]) == ("voirie", 10)


async def test_a_dry_run_writes_nothing(house: House, staff: dict[str, str]) -> None:
    """It tells what would be, and nothing is there afterwards."""
    house.source.titles = TITLES
    answer = await house.ask("POST", "/v1/sync/voirie?dry_run=true", headers=staff)
    assert (answer.json()["dry_run"], answer.json()["counts"]["added"]) == (True, 10)
    assert house.town.state.count(Kind.WORKS) == 0
    assert (await house.ask("GET", "/v1/sync/voirie", headers=staff)).status == 404


async def test_removals_wait_for_a_person(house: House, staff: dict[str, str]) -> None:
    """A source that loses half its records is held; release takes them off."""
    house.source.titles = TITLES
    await house.ask("POST", "/v1/sync/voirie", headers=staff)
    house.source.titles = {"1": "Rue 1"}
    held = await house.ask("POST", "/v1/sync/voirie", headers=staff)
    assert held.json()["counts"]["held"] == 9
    assert house.town.state.count(Kind.WORKS) == 10
    released = await house.ask("POST", "/v1/sync/voirie/release", headers=staff)
    assert (released.json()["counts"]["removed"], released.json()["held"]) == (9, [])
    assert house.town.state.count(Kind.WORKS) == 1


async def test_a_person_can_hold_removals_before(house: House, staff: dict[str, str]) -> None:
    """Held by hand, not even one removal goes through."""
    house.source.titles = TITLES
    await house.ask("POST", "/v1/sync/voirie", headers=staff)
    assert (await house.ask("POST", "/v1/sync/voirie/hold", headers=staff)).json()["on_hold"] is True
    house.source.titles = dict(list(TITLES.items())[1:])
    report = await house.ask("POST", "/v1/sync/voirie", headers=staff)
    assert (report.json()["counts"]["held"], report.json()["counts"]["removed"]) == (1, 0)


@pytest.mark.parametrize("form", [False, True])
async def test_an_upload_is_read_in_place_of_the_source(house: House, staff: dict[str, str], *, form: bool) -> None:
    """A file in a form and a bare body do the same."""
    data: FormData | str = json.dumps(TITLES)
    if form:
        data = FormData({"other": "field"})
        data.add_field("file", json.dumps(TITLES), filename="plan.geojson")
    answer = await house.ask("POST", "/v1/sync/voirie", data=data, headers=staff)
    assert (answer.status, answer.json()["counts"]["added"]) == (200, 10), answer.body


async def test_a_bad_upload_is_the_senders_fault(house: House, staff: dict[str, str]) -> None:
    """What cannot be read is 400 with the reason, not a failure of the source."""
    answer = await house.ask("POST", "/v1/sync/voirie", data=b"<html>", headers=staff)
    assert (answer.status, answer.json()["code"]) == (400, "invalid")
    assert "cannot be read" in answer.json()["detail"]
    (status,) = (await house.ask("GET", "/v1/sync", headers=staff)).json()
    assert status["error"] == ""


async def test_a_form_without_a_file_is_refused(house: House, staff: dict[str, str]) -> None:
    """A form needs one file."""
    form = FormData({"dry": "run"}, default_to_multipart=True)
    answer = await house.ask("POST", "/v1/sync/voirie", data=form, headers=staff)
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "body")


async def test_an_upload_over_the_limit_is_refused(open_house: OpenHouse) -> None:
    """The bound holds for forms and bare bodies alike, and nothing is kept."""
    async with open_house(limits=structs.replace(Limits(), upload_bytes=1000)) as house:
        staff = await house.as_role()
        form = FormData()
        form.add_field("file", b" " * 5000, filename="x.csv")
        for data in (b" " * 5000, form):
            answer = await house.ask("POST", "/v1/sync/voirie", data=data, headers=staff)
            assert (answer.status, answer.json()["code"]) == (413, "too-large")


async def test_a_source_that_fails_is_told_as_such(house: House, staff: dict[str, str]) -> None:
    """502 with the reason; the status shows it to everybody."""
    house.source.fails = "the file is not there"
    answer = await house.ask("POST", "/v1/sync/voirie", headers=staff)
    assert (answer.status, answer.json()["code"], answer.json()["temporary"]) == (502, "source", True)
    (status,) = (await house.ask("GET", "/v1/status")).json()["sources"]
    assert "the file is not there" in status["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sync/metro"),
        ("POST", "/v1/sync/metro"),
        ("POST", "/v1/sync/metro/hold"),
        ("POST", "/v1/sync/metro/release"),
    ],
)
async def test_an_unknown_source_is_404(house: House, staff: dict[str, str], method: str, path: str) -> None:
    """The answer names the sources there are."""
    answer = await house.ask(method, path, headers=staff)
    assert answer.status == 404
    assert "voirie" in answer.json()["detail"]
