"""Writing works over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from geoworks.model.change import Kind
from geoworks.pipeline.keys import Role
from tests.web.conftest import OpenHouse, Post
from tests.web.house import House, feature


async def test_a_works_is_posted_with_the_least(house: House, staff: dict[str, str]) -> None:
    """Title, geometry and start are enough; the answer is the whole feature at its own address."""
    least = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.3, 48.63]},
        "properties": {"title": "Nid-de-poule", "schedule": {"start": "2026-11-20T06:00:00Z"}},
    }
    made = await house.ask("POST", "/v1/works", json=least, headers=staff)
    assert made.status == 201
    one = made.json()
    assert one["properties"]["status"] == "active"
    assert one["properties"]["impact"]["vehicle_impact"] == "unknown"
    assert one["properties"]["source"] == "api"
    read = await house.ask("GET", made.headers["Location"])
    assert read.body == made.body
    assert read.headers["ETag"] == made.headers["ETag"]


async def test_what_was_read_can_be_put_back(house: House, post: Post, staff: dict[str, str]) -> None:
    """A feature sent back as it was read is no change; what the server derives is passed over."""
    one = await post("A", impact={"detours": [{"text": "par la gare"}]})
    path = f"/v1/works/{one['id']}"
    put = await house.ask("PUT", path, json=one, headers=staff)
    assert (put.status, put.json()) == (200, one)


async def test_put_makes_what_is_not_there(house: House, staff: dict[str, str]) -> None:
    """PUT at a new address creates it, the second time it replaces it."""
    first = await house.ask("PUT", "/v1/works/api:chosen", json=feature("A"), headers=staff)
    second = await house.ask("PUT", "/v1/works/api:chosen", json=feature("B"), headers=staff)
    assert (first.status, second.status) == (201, 200)
    assert second.json()["properties"]["version"] == 2


async def test_the_same_id_twice_is_a_conflict(house: House, staff: dict[str, str]) -> None:
    """A client's own id is taken once; the second post is told."""
    body = {**feature("A"), "id": "mine"}
    assert (await house.ask("POST", "/v1/works", json=body, headers=staff)).json()["id"] == "api:mine"
    again = await house.ask("POST", "/v1/works", json=body, headers=staff)
    assert (again.status, again.json()["code"]) == (409, "conflict")


async def test_a_stale_writer_gets_412(house: House, post: Post, staff: dict[str, str]) -> None:
    """If-Match with the tag of an old version writes nothing; with the present one it does."""
    one = await post("A")
    path = f"/v1/works/{one['id']}"
    tag = (await house.ask("GET", path)).headers["ETag"]
    assert (await house.ask("PATCH", path, json={"title": "B"}, headers=staff | {"If-Match": tag})).status == 200
    for method, body in (("PATCH", {"title": "C"}), ("PUT", feature("C")), ("DELETE", None)):
        stale = await house.ask(method, path, json=body, headers=staff | {"If-Match": tag})
        assert (stale.status, stale.json()["code"]) == (412, "stale-version")
    assert (await house.ask("GET", path)).json()["properties"]["title"] == "B"


@pytest.mark.parametrize("tag", ["abc", '"', '"1-x"', '"99999999999"'])
async def test_a_tag_that_is_none_of_ours_is_refused(house: House, post: Post, staff: dict[str, str], tag: str) -> None:
    """An If-Match nobody can read is a mistake, not a wish for any version."""
    one = await post("A")
    answer = await house.ask("PATCH", f"/v1/works/{one['id']}", json={"title": "B"}, headers=staff | {"If-Match": tag})
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "If-Match")


async def test_delete_cancels(house: House, post: Post, staff: dict[str, str]) -> None:
    """DELETE answers the cancelled works, and again the same."""
    one = await post("A")
    first = await house.ask("DELETE", f"/v1/works/{one['id']}", headers=staff)
    assert first.json()["properties"]["status"] == "cancelled"
    again = await house.ask("DELETE", f"/v1/works/{one['id']}", headers=staff)
    assert again.body == first.body


async def test_a_sourced_works_is_corrected_released_and_restored(house: House, staff: dict[str, str]) -> None:
    """Corrections survive syncs, are shown, can be released by field; a version comes back as a new one."""
    house.source.titles = {"1": "Rue A"}
    await house.town.syncs.sync("voirie", actor="voirie")
    path = "/v1/works/voirie:1"
    assert (await house.ask("PUT", path, json=feature("X"), headers=staff)).status == 409
    assert (await house.ask("DELETE", path, headers=staff)).status == 409
    patch = {"title": "Rue A fermée", "impact": {"parking": "suspended"}}
    corrected = await house.ask("PATCH", path, json=patch, headers=staff)
    assert corrected.json()["properties"]["corrected"] == ["title", "impact.parking"]
    house.source.titles = {"1": "Rue A bis"}
    await house.town.syncs.sync("voirie", actor="voirie")
    assert (await house.ask("GET", path)).json()["properties"]["title"] == "Rue A fermée"
    released = await house.ask("DELETE", f"{path}/correction?field=title", headers=staff)
    assert released.json()["properties"]["title"] == "Rue A bis"
    assert released.json()["properties"]["corrected"] == ["impact.parking"]
    await house.ask("DELETE", f"{path}/correction", headers=staff)
    restored = await house.ask("POST", f"{path}/restore", json={"version": 2}, headers=staff)
    assert restored.json()["properties"]["title"] == "Rue A fermée"
    assert restored.json()["properties"]["version"] == 6
    assert (await house.ask("POST", f"{path}/restore", json={"version": 99}, headers=staff)).status == 404


async def test_a_repeated_post_is_one_works(house: House, staff: dict[str, str]) -> None:
    """The same key and body answer the same works; another body under the key is refused."""
    headers = staff | {"Idempotency-Key": "order 66"}
    first = await house.ask("POST", "/v1/works", json=feature("A"), headers=headers)
    again = await house.ask("POST", "/v1/works", json=feature("A"), headers=headers)
    assert (again.status, again.body, again.headers["Location"]) == (201, first.body, first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await house.ask("POST", "/v1/works", json=feature("B"), headers=headers)
    assert (other.status, other.json()["code"]) == (422, "idempotency-key-reused")
    assert house.town.state.count(Kind.WORKS) == 1


async def test_posts_repeated_at_the_same_time_are_one_works(house: House, staff: dict[str, str]) -> None:
    """Twenty impatient clients with one key make one works, and all are told of it."""
    headers = staff | {"Idempotency-Key": "k"}
    posts = (house.ask("POST", "/v1/works", json=feature("A"), headers=headers) for _ in range(20))
    answers = await asyncio.gather(*posts)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert house.town.state.count(Kind.WORKS) == 1


async def test_keys_of_two_writers_do_not_meet(house: House, staff: dict[str, str]) -> None:
    """The same idempotency key of another API key is another post."""
    other = await house.as_role(Role.ADMIN)
    made = [
        await house.ask("POST", "/v1/works", json=feature("A"), headers=who | {"Idempotency-Key": "k"})
        for who in (staff, other)
    ]
    assert made[0].json()["id"] != made[1].json()["id"]


async def test_a_repeated_post_is_known_after_a_restart(open_house: OpenHouse) -> None:
    """The answer is stored with the write: a client that lost it while the server was killed gets it later."""
    async with open_house() as house:
        secret = await house.key()
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"}
        first = await house.ask("POST", "/v1/works", json=feature("A"), headers=headers)
    async with open_house() as house:
        again = await house.ask("POST", "/v1/works", json=feature("A"), headers=headers)
        assert again.json()["id"] == first.json()["id"]
        assert house.town.state.count(Kind.WORKS) == 1


async def test_a_refused_post_leaves_its_key_free(house: House, staff: dict[str, str]) -> None:
    """After a mistake the corrected body may use the same key."""
    headers = staff | {"Idempotency-Key": "k"}
    bad = feature("A", schedule={"start": "2026-11-20T06:00:00Z", "end": "2026-11-19T06:00:00Z"})
    assert (await house.ask("POST", "/v1/works", json=bad, headers=headers)).status == 400
    assert (await house.ask("POST", "/v1/works", json=feature("A"), headers=headers)).status == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/works", feature()),
        ("PUT", "/v1/works/api:1", feature()),
        ("PATCH", "/v1/works/api:1", {"title": "A"}),
        ("DELETE", "/v1/works/api:1", None),
        ("DELETE", "/v1/works/api:1/correction", None),
        ("POST", "/v1/works/api:1/restore", {"version": 1}),
        ("GET", "/v1/works/api:1/conflicts", None),
        ("POST", "/v1/zones", {}),
        ("PUT", "/v1/zones/1", {}),
        ("DELETE", "/v1/zones/1", None),
        ("GET", "/v1/sync", None),
        ("GET", "/v1/sync/voirie", None),
        ("POST", "/v1/sync/voirie", None),
        ("POST", "/v1/sync/voirie/hold", None),
        ("POST", "/v1/sync/voirie/release", None),
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"name": "x"}),
        ("DELETE", "/v1/keys/1", None),
    ],
)
async def test_doors_of_the_town_are_closed_to_others(
    house: House, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Without a key 401 with the way to send one, with a key of another role 403; nothing is looked at before."""
    anyone = await house.ask(method, path, json=body)
    assert (anyone.status, anyone.json()["code"]) == (401, "unauthorized")
    assert anyone.headers["WWW-Authenticate"].startswith("Bearer")
    moderator = await house.ask(method, path, json=body, headers=await house.as_role(Role.MODERATOR))
    assert (moderator.status, moderator.json()["code"]) == (403, "forbidden")
