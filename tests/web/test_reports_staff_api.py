"""Moderating reports: the queue, release, status with an answer; by moderators alone."""

from __future__ import annotations

from typing import Any

import pytest

from geoworks.config.settings import Reports
from geoworks.pipeline.keys import Role
from tests.pipeline.pictures import picture
from tests.web.citizen import a_report, filed, follow
from tests.web.conftest import OpenHouse
from tests.web.house import House


async def properties(house: House, id_: str) -> dict[str, Any]:
    """Return what the public sees of a report."""
    said: dict[str, Any] = (await house.ask("GET", f"/v1/reports/{id_}")).json()["properties"]
    return said


@pytest.mark.parametrize("role", [None, Role.PUBLIC, Role.STAFF, Role.MODERATOR, Role.ADMIN])
async def test_only_moderators_moderate(house: House, role: Role | None) -> None:
    """Queue, release and status are for moderators and admins; without a key nobody knows who asks."""
    said = await filed(house)
    headers = await house.as_role(role) if role else {}
    expected = {None: 401, Role.PUBLIC: 403, Role.STAFF: 403}.get(role, 200)
    for method, door, body in (
        ("GET", "queue", None),
        ("POST", f"{said['id']}/release", {"released": True}),
        ("POST", f"{said['id']}/status", {"status": "accepted"}),
    ):
        answer = await house.ask(method, f"/v1/reports/{door}", json=body, headers=headers)
        assert answer.status == expected, door


async def test_the_queue_shows_what_is_to_be_judged(house: House) -> None:
    """Open reports stand in the queue with texts and photos, those not released first; closed ones do not."""
    moderator = await house.as_role(Role.MODERATOR)
    shown = await filed(house, a_report("Un trou"))
    await house.ask("POST", f"/v1/reports/{shown['id']}/release", headers=moderator)
    waiting = await filed(house, a_report("Un lampadaire éteint", place="12 rue de la Gare"), [picture()])
    closed = await filed(house)
    await house.ask("POST", f"/v1/reports/{closed['id']}/status", json={"status": "refused"}, headers=moderator)
    answer = await house.ask("GET", "/v1/reports/queue", headers=moderator)
    assert answer.headers["Cache-Control"] == "no-store"
    queue = answer.json()
    assert (queue["type"], queue["more"]) == ("FeatureCollection", 0)
    assert [feature["id"] for feature in queue["features"]] == [waiting["id"], shown["id"]]
    told = queue["features"][0]["properties"]
    assert (told["text"], told["place"], told["released"]) == ("Un lampadaire éteint", "12 rue de la Gare", False)
    assert told["handler"] == "Services techniques, éclairage public"
    assert (await house.ask("GET", told["photos"][0], headers=moderator)).status == 200


async def test_text_is_public_once_released(house: House) -> None:
    """Before its release the public sees category, place on the map and status; after it also text, place, photos."""
    said = await filed(house, a_report("Un trou", place="12 rue"), [picture()])
    moderator = await house.as_role(Role.MODERATOR)
    hidden = await properties(house, said["id"])
    assert (hidden["text"], hidden["place"], hidden["photos"], hidden["released"]) == ("", "", 0, False)
    assert (hidden["category"], hidden["status"]) == ("chaussee", "received")
    door = f"/v1/reports/{said['id']}/release"
    answer = await house.ask("POST", door, json={"released": True}, headers=moderator)
    assert (answer.status, answer.json()["properties"]["released"]) == (200, True)
    shown = await properties(house, said["id"])
    assert (shown["text"], shown["place"], shown["photos"]) == ("Un trou", "12 rue", 1)
    await house.ask("POST", door, json={"released": False}, headers=moderator)
    assert (await properties(house, said["id"]))["text"] == ""


async def test_a_release_needs_no_body(house: House) -> None:
    """To release is what the door is for, so that it may be asked for without a body."""
    said = await filed(house)
    await house.ask("POST", f"/v1/reports/{said['id']}/release", headers=await house.as_role(Role.MODERATOR))
    assert (await properties(house, said["id"]))["released"] is True


async def test_without_moderation_all_is_shown_at_once(open_house: OpenHouse) -> None:
    """A town that does not moderate shows texts and photos as they come."""
    async with open_house(reports=Reports(moderated=False)) as house:
        said = await filed(house, a_report("Un trou"), [picture()])
        assert (await properties(house, said["id"]))["text"] == "Un trou"
        assert (await house.ask("GET", f"/v1/reports/{said['id']}/photos/1")).status == 200


async def test_answers_reach_the_author_and_closed_reports_leave_the_map(house: House) -> None:
    """Each status is a step with its answer for the author; a resolved report is on the public map no more."""
    said = await filed(house)
    moderator = await house.as_role(Role.MODERATOR)
    for status, answer in (("accepted", ""), ("in-progress", "Jeudi."), ("resolved", "C'est\u202e réparé.")):
        body = {"status": status, "answer": answer}
        told = await house.ask("POST", f"/v1/reports/{said['id']}/status", json=body, headers=moderator)
        assert (told.status, told.json()["properties"]["status"]) == (200, status)
    steps = (await follow(house, said["token"]))["steps"]
    assert [(step["status"], step["answer"]) for step in steps][1:] == [
        ("accepted", ""),
        ("in-progress", "Jeudi."),
        ("resolved", "C'est réparé."),
    ]
    assert (await house.ask("GET", "/v1/reports")).json()["features"] == []
    assert (await properties(house, said["id"]))["status"] == "resolved"


@pytest.mark.parametrize(
    ("door", "body", "status"),
    [
        ("status", {"status": "withdrawn"}, 400),
        ("status", {"status": "done"}, 400),
        ("status", {"answer": "x"}, 400),
        ("status", {"status": "accepted", "answer": "x" * 2001}, 400),
        ("status", {"status": "accepted", "to": "all"}, 400),
        ("release", {"released": "yes"}, 400),
        ("release", {"release": True}, 400),
    ],
)
async def test_faulty_moves_are_refused(house: House, door: str, body: dict[str, Any], status: int) -> None:
    """What is no move is refused, and the report stays as it was."""
    said = await filed(house)
    moderator = await house.as_role(Role.MODERATOR)
    answer = await house.ask("POST", f"/v1/reports/{said['id']}/{door}", json=body, headers=moderator)
    assert answer.status == status
    assert (await properties(house, said["id"]))["version"] == 1
    missing = await house.ask("POST", f"/v1/reports/none/{door}", json={"status": "accepted"}, headers=moderator)
    assert missing.status == (404 if door == "status" else 400)


async def test_what_was_taken_back_is_not_moderated(house: House) -> None:
    """A withdrawn report can be neither shown nor moved."""
    said = await filed(house)
    moderator = await house.as_role(Role.MODERATOR)
    await house.ask("DELETE", f"/v1/reports/follow/{said['token']}")
    release = await house.ask("POST", f"/v1/reports/{said['id']}/release", headers=moderator)
    assert (release.status, release.json()["code"]) == (409, "conflict")
