"""What comes in wrong: each has a clear error with a mend, and writes nothing."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from msgspec import structs

from geoworks.config.settings import Limits
from geoworks.model.change import Kind
from tests.web.conftest import OpenHouse, Post
from tests.web.house import House, feature

MANY = [[2.3 + number * 1e-6, 48.6] for number in range(100_000)]


def geometry(kind: str, coordinates: object) -> bytes:
    """Return a works with this geometry."""
    return json.dumps(feature(geometry={"type": kind, "coordinates": coordinates})).encode()


def works(title: object = "A", **properties: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a works with these properties."""
    body = feature(**properties)
    body["properties"]["title"] = title
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "status", "where", "what"),
    [
        (b"", 400, "body", "empty"),
        (b'{"type": "Feature"', 400, "body", ""),
        (b"[" * 200_000, 413, "body", "deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 413, "body", "deep"),
        (b"\xff\xfe{}", 400, "body", ""),
        (b"[]", 400, "", ""),
        (b'"works"', 400, "", ""),
        (b"{}", 400, "type", ""),
        (works(title=7), 400, "title", ""),
        (works(title="  "), 400, "title", ""),
        (works(schedule={}), 400, "schedule.start", ""),
        (works(schedule={"start": "tomorrow"}), 400, "schedule.start", ""),
        (
            works(schedule={"start": "2026-11-20T06:00:00Z", "end": "2026-11-19T06:00:00Z"}),
            400,
            "schedule.end",
            "start",
        ),
        (works(schedule={"start": "2026-11-20T06:00:00Z", "time_zone": "Europe/Pari"}), 400, "schedule.time_zone", ""),
        (works(titel="x"), 400, "titel", ""),
        (works(impact={"vehicle_impact": "closed"}), 400, "impact.vehicle_impact", ""),
        (geometry("Point", [652000.0, 6862000.0]), 400, "geometry", "metres"),
        (geometry("Point", [None, None]), 400, "geometry.coordinates", ""),
        (geometry("Point", [200, 48]), 400, "geometry", ""),
        (geometry("Polygon", [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]), 400, "geometry", "valid"),
        (geometry("Circle", [0, 0]), 400, "geometry.type", "Circle"),
        (geometry("LineString", MANY), 413, "geometry", "vertices"),
        (b'{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,1]},"properties":{}}', 400, "body", ""),
        (b'{"type":"Feature","geometry":{"type":"Point","coordinates":[1e999,1]},"properties":{}}', 400, "body", ""),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else "",
)
async def test_bad_bodies_are_refused_with_place_and_mend(
    house: House, staff: dict[str, str], body: bytes, status: int, where: str, what: str
) -> None:
    """Every fault is a problem document that names the place, the fault and the way out."""
    headers = staff | {"Content-Type": "application/geo+json"}
    answer = await house.ask("POST", "/v1/works", data=io.BytesIO(body), headers=headers)
    problem = answer.json()
    assert (answer.status, problem["status"]) == (status, status), problem
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert any(fault["where"].startswith(where) and what in fault["what"] for fault in problem["problems"]), problem
    assert all(fault["mend"] for fault in problem["problems"])
    assert house.town.state.count(Kind.WORKS) == 0


async def test_every_fault_is_told_at_once(house: House, staff: dict[str, str]) -> None:
    """Whoever made three mistakes hears of three."""
    body = feature("", schedule={"start": "x"}, direction="up")
    problems = (await house.ask("POST", "/v1/works", json=body, headers=staff)).json()["problems"]
    assert {problem["where"] for problem in problems} >= {"schedule.start", "direction"}


async def test_a_huge_body_is_refused_early(open_house: OpenHouse) -> None:
    """A body over the limit is 413 with a problem document."""
    async with open_house(limits=structs.replace(Limits(), body_bytes=10_000)) as house:
        staff = await house.as_role()
        answer = await house.ask("POST", "/v1/works", data=io.BytesIO(b" " * 50_000), headers=staff | JSON)
        assert (answer.status, answer.json()["code"]) == (413, "too-large")


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_foreign_form_can_send_is_no_body(house: House, staff: dict[str, str], content_type: str) -> None:
    """Only JSON types are taken, because any site can make a browser send the others."""
    answer = await house.ask("POST", "/v1/works", data=works(), headers=staff | {"Content-Type": content_type})
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "Content-Type")


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=1,2,3,nan", "bbox"),
        ("bbox=3,2,1,4", "bbox"),
        ("bbox=-999,0,0,1", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("at=now", "at"),
        ("at=2026-11-20T09:00:00", "at"),
        ("severity=terrible", "severity"),
        ("status=active,over", "status"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=ten", "limit"),
        ("colour=red", ""),
        ("zone=a&zone=b", "zone"),
    ],
)
async def test_bad_filters_are_refused(house: House, query: str, where: str) -> None:
    """A filter that cannot be read is told; it is never passed over."""
    answer = await house.ask("GET", f"/v1/works?{query}")
    assert (answer.status, answer.json()["code"]) == (400, "invalid"), answer.body
    fault = answer.json()["problems"][0]
    assert where in fault["where"]
    assert fault["mend"]


@pytest.mark.parametrize(
    ("patch", "where"),
    [
        ({}, ""),
        ({"status": "active"}, "status"),
        ({"title": None}, "title"),
        ({"title": 5}, "title"),
        ({"schedule": {"start": "2026-11-20T06:00:00"}}, "schedule.start"),
        ({"geometry": {"type": "Point", "coordinates": [652000, 6862000]}}, "geometry"),
        ([], ""),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_patches_are_refused(
    house: House,
    post: Post,
    staff: dict[str, str],
    patch: object,
    where: str,
) -> None:
    """A patch is judged like a whole works; the works stays as it was."""
    one = await post("A")
    answer = await house.ask("PATCH", f"/v1/works/{one['id']}", json=patch, headers=staff)
    assert (answer.status, answer.json()["code"]) == (400, "invalid"), answer.body
    assert answer.json()["problems"][0]["where"].startswith(where)
    assert (await house.ask("GET", f"/v1/works/{one['id']}")).json() == one


@pytest.mark.parametrize("key", ["", "x" * 201, "é"])
async def test_odd_idempotency_keys_are_refused(house: House, staff: dict[str, str], key: str) -> None:
    """A key is short and plain."""
    answer = await house.ask("POST", "/v1/works", json=feature(), headers=staff | {"Idempotency-Key": key})
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/v1/works/a/b/c", 404, "not-found"),
        ("POST", "/v1/status", 405, "method-not-allowed"),
        ("PURGE", "/v1/works", 405, "method-not-allowed"),
        ("GET", "/maps/../geoworks.db", 404, "not-found"),
        ("GET", "/maps/%2e%2e/geoworks.db", 404, "not-found"),
        ("GET", "/static/..%2f..%2fpyproject.toml", 404, "not-found"),
    ],
)
async def test_wrong_addresses_are_problems_too(house: House, method: str, path: str, status: int, code: str) -> None:
    """What is not there, or not for this method, is told in the same form; no path leads out of its folder."""
    answer = await house.ask(method, path)
    assert (answer.status, answer.json()["code"]) == (status, code)


async def test_hostile_text_comes_back_as_text(post: Post) -> None:
    """HTML and template literals are kept as they are; controls and direction marks are dropped."""
    one = await post("<script>alert(1)</script> ${7*7} {{7*7}} \u202eabc\x00")
    assert one["properties"]["title"] == "<script>alert(1)</script> ${7*7} {{7*7}} abc"
