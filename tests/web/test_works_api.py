"""Reading works over HTTP: whole, filtered, one, history, conflicts."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from geoworks.model.change import Kind
from geoworks.pipeline import zones
from geoworks.pipeline.keys import Role
from tests.pipeline.house import a_zone
from tests.web.conftest import Post
from tests.web.house import NOW, Answer, House


def ids(answer: Answer) -> list[str]:
    """Return the ids of a collection."""
    return [one["id"] for one in answer.json()["features"]]


async def test_everything_public_comes_as_ready_bytes_with_the_cursor(house: House, post: Post) -> None:
    """The whole map is the state's own bytes; cursor and tag name the place in the log it stands for."""
    await post("A")
    answer = await house.ask("GET", "/v1/works")
    assert answer.status == 200
    assert answer.body == house.town.state.collection(Kind.WORKS)
    assert answer.headers["Content-Type"].startswith("application/geo+json")
    assert answer.headers["Geoworks-Cursor"] == str(house.town.state.cursor)
    (one,) = answer.json()["features"]
    assert one["properties"]["kind"] == "works"
    assert one["properties"]["status"] == "active"


async def test_an_empty_town_is_an_empty_collection(house: House) -> None:
    """No works is a well-formed answer."""
    assert (await house.ask("GET", "/v1/works")).json() == {"type": "FeatureCollection", "features": []}


@pytest.mark.parametrize("path", ["/v1/works", "/v1/zones", "/v1/works/{id}"])
async def test_who_has_it_already_is_told_so(house: House, post: Post, path: str) -> None:
    """The tag of an answer sent back gives 304 without a body, until something changes."""
    path = path.format(id=(await post("A"))["id"])
    first = await house.ask("GET", path)
    tag = {"If-None-Match": first.headers["ETag"]}
    again = await house.ask("GET", path, headers=tag)
    assert (again.status, again.body) == (304, b"")
    plain = await house.ask("GET", path, headers=tag | {"Accept-Encoding": "identity"})
    assert plain.status == 304


async def test_a_change_makes_the_tag_old(house: House, post: Post, staff: dict[str, str]) -> None:
    """After a write the old tag gives the new content."""
    one = await post("A")
    tags = [(path, (await house.ask("GET", path)).headers["ETag"]) for path in ("/v1/works", f"/v1/works/{one['id']}")]
    await house.ask("PATCH", f"/v1/works/{one['id']}", json={"title": "B"}, headers=staff)
    for path, tag in tags:
        answer = await house.ask("GET", path, headers={"If-None-Match": tag})
        assert answer.status == 200
        assert b'"B"' in answer.body


async def test_a_status_that_time_changed_makes_the_tag_old(house: House, post: Post) -> None:
    """Derived fields move within a version; who holds the old ones is given the new ones."""
    one = await post(schedule={"start": (NOW + timedelta(hours=1)).isoformat()})
    path = f"/v1/works/{one['id']}"
    first = await house.ask("GET", path)
    house.clock.advance(timedelta(hours=2))
    await house.town.timetable.tick()
    second = await house.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status == 200
    assert second.json()["properties"]["status"] == "active"
    assert second.json()["properties"]["version"] == first.json()["properties"]["version"]


async def test_the_collection_is_compressed_once_for_all(house: House, post: Post) -> None:
    """Whoever takes gzip gets the same packed bytes; they unpack to what others get plain."""
    await post("A")
    async with ClientSession(auto_decompress=False) as raw:
        packed = []
        for _ in range(2):
            async with raw.get(house.base / "v1/works", headers={"Accept-Encoding": "gzip"}) as response:
                assert response.headers["Content-Encoding"] == "gzip"
                packed.append((response.headers["ETag"], await response.read()))
        async with raw.get(house.base / "v1/works", headers={"Accept-Encoding": "gzip;q=0"}) as response:
            assert "Content-Encoding" not in response.headers
            plain = await response.read()
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0][1]) == plain


async def test_the_tag_of_a_packed_collection_is_known_too(house: House, post: Post) -> None:
    """The two encodings have different tags, and each of them answers 304."""
    await post("A")
    tags = set()
    for encoding in ("gzip", "identity"):
        answer = await house.ask("GET", "/v1/works", headers={"Accept-Encoding": encoding})
        tags.add(answer.headers["ETag"])
        known = await house.ask("GET", "/v1/works", headers={"If-None-Match": answer.headers["ETag"]})
        assert known.status == 304
    assert len(tags) == 2


PARIS = {"type": "Point", "coordinates": [2.35, 48.85]}
BLOCKED = {"vehicle_impact": "all-lanes-closed"}
NIGHT = {
    "start": "2026-11-19T06:00:00Z",
    "end": "2026-12-04T17:00:00Z",
    "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "21:00", "to": "06:00"}],
}
NEXT_YEAR = {"start": "2027-01-04T07:00:00Z", "end": "2027-02-01T07:00:00Z"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bbox=2.3,48.8,2.4,48.9", "paris"),
        ("bbox=2.3,48.6,2.4,48.9", "local next night paris"),
        ("bbox=0,0,1,1", ""),
        ("zone=gare", "local next night"),
        ("zone=gare,stade&severity=blocked", "local"),
        ("zone=stade", ""),
        ("severity=blocked", "local"),
        ("severity=low", "local next night paris"),
        ("at=2026-11-20T09:00:00Z", "local paris"),
        ("at=2026-11-20T23:00:00Z", "local night paris"),
        ("at=2027-01-05T09:00:00Z", "next"),
        ("from=2026-12-05T00:00:00Z", "next"),
        ("to=2026-12-31T00:00:00Z", "local night paris"),
        ("from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z", ""),
        ("status=planned", "next"),
        ("status=paused", "night"),
        ("status=active,paused", "local night paris"),
        ("type=painting", "paris"),
        ("source=api", "local next night paris"),
        ("source=voirie", ""),
        ("bbox=2.3,48.6,2.4,48.9&status=active&severity=medium", "local paris"),
    ],
)
async def test_filters_choose_works(house: House, post: Post, query: str, expected: str) -> None:
    """Each filter takes away what it says; together they all hold."""
    await house.town.desk.submit(zones.put("gare", a_zone(), actor="test"))
    await house.town.rejoiner.refresh()
    made = {
        "local": await post("local", impact=BLOCKED),
        "next": await post("next", schedule=NEXT_YEAR),
        "night": await post("night", schedule=NIGHT),
        "paris": await post("paris", geometry=PARIS, types_of_work=["painting"]),
    }
    names = {one["id"]: name for name, one in made.items()}
    answer = await house.ask("GET", f"/v1/works?{query}")
    assert answer.status == 200, answer.body
    assert sorted(names[id_] for id_ in ids(answer)) == sorted(expected.split())


async def test_long_lists_come_in_pages(house: House, post: Post) -> None:
    """Following the Link header reads every works once, in the order of the ids."""
    made = sorted([(await post(f"{number}"))["id"] for number in range(5)])
    path, read = "/v1/works?limit=2", []
    while path:
        answer = await house.ask("GET", path)
        read.append(ids(answer))
        following = answer.response.links.get("next")
        path = str(following["url"]) if following else ""
    assert read == [made[:2], made[2:4], made[4:]]


async def test_cancelled_works_leave_the_map_and_stay_readable(house: House, post: Post, staff: dict[str, str]) -> None:
    """What is over is in no default answer; it is read by name and by asking for its status."""
    one = await post("A")
    await house.ask("DELETE", f"/v1/works/{one['id']}", headers=staff)
    assert ids(await house.ask("GET", "/v1/works")) == []
    assert ids(await house.ask("GET", "/v1/works?severity=none")) == []
    assert ids(await house.ask("GET", "/v1/works?status=cancelled")) == [one["id"]]
    assert (await house.ask("GET", f"/v1/works/{one['id']}")).json()["properties"]["status"] == "cancelled"


async def test_drafts_are_staffs_alone(house: House, post: Post, staff: dict[str, str]) -> None:
    """A draft is on no public door, by no filter, not in its history; staff reads it everywhere."""
    draft = await post("Secret", visibility="draft")
    path = f"/v1/works/{draft['id']}"
    for door in ("/v1/works", "/v1/works?status=active", "/v1/works?at=2026-11-20T09:00:00Z"):
        assert b"Secret" not in (await house.ask("GET", door)).body
    assert (await house.ask("GET", path)).status == 404
    assert (await house.ask("GET", f"{path}/history")).status == 404
    assert (await house.ask("GET", "/v1/works?drafts=true")).status == 403
    assert ids(await house.ask("GET", "/v1/works?drafts=true", headers=staff)) == [draft["id"]]
    assert (await house.ask("GET", path, headers=staff)).json()["properties"]["title"] == "Secret"
    assert len((await house.ask("GET", f"{path}/history", headers=staff)).json()["versions"]) == 1


async def test_the_history_tells_every_version_newest_first(house: House, post: Post, staff: dict[str, str]) -> None:
    """Each version is told as it was; who wrote it is told to staff only."""
    one = await post("A")
    await house.ask("PATCH", f"/v1/works/{one['id']}", json={"title": "B"}, headers=staff)
    public = (await house.ask("GET", f"/v1/works/{one['id']}/history")).json()
    told = [(version["version"], version["reason"], title_of(version)) for version in public["versions"]]
    assert told == [(2, "updated", "B"), (1, "created", "A")]
    assert all("actor" not in version for version in public["versions"])
    inside = (await house.ask("GET", f"/v1/works/{one['id']}/history", headers=staff)).json()
    assert inside["versions"][0]["actor"].startswith("staff")


def title_of(version: dict[str, Any]) -> str:
    """Return the title that a version had."""
    title: str = version["feature"]["properties"]["title"]
    return title


async def test_what_was_a_draft_shows_the_public_nothing_of_then(
    house: House, post: Post, staff: dict[str, str]
) -> None:
    """Once published, the public reads the versions since, not the draft before."""
    one = await post("Secret", visibility="draft")
    path = f"/v1/works/{one['id']}"
    await house.ask("PATCH", path, json={"title": "Public", "visibility": "public"}, headers=staff)
    history = (await house.ask("GET", f"{path}/history")).json()
    assert [version["version"] for version in history["versions"]] == [2]


async def test_conflicts_are_staffs(house: House, post: Post, staff: dict[str, str]) -> None:
    """Two works at one place and time are told to staff, and the door is closed to others."""
    first, second = await post("A"), await post("B")
    path = f"/v1/works/{first['id']}/conflicts"
    assert (await house.ask("GET", path)).status == 401
    assert (await house.ask("GET", path, headers=await house.as_role(Role.MODERATOR))).status == 403
    (found,) = (await house.ask("GET", path, headers=staff)).json()["conflicts"]
    assert (found["works"], found["kind"], found["title"]) == (second["id"], "overlap", "B")


@pytest.mark.parametrize("tail", ["", "/history"])
async def test_what_is_not_there_is_404(house: House, tail: str) -> None:
    """An unknown works is told as such."""
    answer = await house.ask("GET", f"/v1/works/api:nothing{tail}")
    assert (answer.status, answer.json()["code"]) == (404, "not-found")


async def test_an_id_may_hold_odd_letters(house: House, staff: dict[str, str], post: Post) -> None:
    """Spaces, accents and signs in an id survive the address."""
    del post
    body = {"type": "Feature", "id": "Été 2026 #1?", "geometry": PARIS}
    properties = {"title": "A", "schedule": {"start": "2026-11-20T06:00:00Z"}}
    made = await house.ask("POST", "/v1/works", json={**body, "properties": properties}, headers=staff)
    assert made.status == 201, made.body
    read = await house.ask("GET", made.headers["Location"])
    assert read.json()["id"] == "api:Été 2026 #1?"


async def test_head_is_get_without_the_body(house: House, post: Post) -> None:
    """HEAD tells the same headers."""
    await post("A")
    head = await house.ask("HEAD", "/v1/works", headers={"Accept-Encoding": "identity"})
    get = await house.ask("GET", "/v1/works", headers={"Accept-Encoding": "identity"})
    assert head.body == b""
    assert [head.headers[name] for name in ("ETag", "Content-Length")] == [
        get.headers[name] for name in ("ETag", "Content-Length")
    ]


async def test_many_readers_at_once_get_one_packing(house: House, post: Post) -> None:
    """Readers that come together after a change all get the same, whole content."""
    await post("A")
    answers = await asyncio.gather(*(house.ask("GET", "/v1/works") for _ in range(20)))
    assert len({answer.body for answer in answers}) == 1
    assert json.loads(answers[0].body)["features"]
