"""Following a report by its secret link: what became of it, for nobody else; and taking it back."""

from __future__ import annotations

import logging

import pytest

from geoworks.model.change import Kind
from geoworks.pipeline.album import PHOTOS
from geoworks.pipeline.keys import Role
from tests.pipeline.pictures import picture
from tests.web.citizen import HERE, a_report, filed, follow
from tests.web.house import House


async def test_the_author_sees_everything(house: House) -> None:
    """By the link the author reads text, place, photos, steps with answers, whatever the public sees."""
    said = await filed(house, a_report("Un trou devant chez moi", place="12 rue de la Gare"), [picture()])
    moderator = await house.as_role(Role.MODERATOR)
    answered = {"status": "accepted", "answer": "Nous venons\ndemain."}
    await house.ask("POST", f"/v1/reports/{said['id']}/status", json=answered, headers=moderator)
    told = await follow(house, said["token"])
    assert told["id"] == said["id"]
    assert (told["text"], told["place"]) == ("Un trou devant chez moi", "12 rue de la Gare")
    assert (told["status"], told["released"], told["category"]) == ("accepted", False, "chaussee")
    assert [(step["status"], step["answer"]) for step in told["steps"]] == [
        ("received", ""),
        ("accepted", "Nous venons\ndemain."),
    ]
    assert told["geometry"] == {"type": "Point", "coordinates": list(HERE)}
    assert (await house.ask("GET", told["photos"][0])).headers["Content-Type"] == "image/jpeg"


async def test_unknown_links_all_sound_alike(house: House) -> None:
    """A wrong token is answered in the same words whatever is wrong with it, and nothing of it is kept by caches."""
    said = await filed(house)
    token = said["token"]
    wrong = [token[:-1], f"{token}A", said["id"], f"{said['id']}-", "x", "%00", "r1-%ff", "%C3%A9", token.upper()]
    answers = [await house.ask("GET", f"/v1/reports/follow/{one}") for one in wrong]
    answers += [await house.ask("DELETE", f"/v1/reports/follow/{one}") for one in wrong]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert house.town.state.shows(Kind.REPORT, said["id"])


async def test_what_is_followed_is_not_cached(house: House) -> None:
    """What the link shows stays between the author and the town."""
    answer = await house.ask("GET", f"/v1/reports/follow/{(await filed(house))['token']}")
    assert answer.headers["Cache-Control"] == "no-store"
    page = await house.ask("GET", f"/r/{(await filed(house))['token']}")
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_the_author_takes_the_report_back(house: House) -> None:
    """A withdrawn report leaves the map, its words and photos are erased, its link says that it was withdrawn."""
    said = await filed(house, a_report("Un trou devant chez Camille", place="12 rue"), [picture(), picture()])
    moderator = await house.as_role(Role.MODERATOR)
    await house.ask("POST", f"/v1/reports/{said['id']}/release", headers=moderator)
    photo = f"/v1/reports/{said['id']}/photos/1"
    assert (await house.ask("GET", photo)).status == 200
    answer = await house.ask("DELETE", f"/v1/reports/follow/{said['token']}")
    assert (answer.status, answer.json()["status"]) == (200, "withdrawn")
    told = await follow(house, said["token"])
    assert (told["text"], told["place"], told["photos"]) == ("", "", [])
    assert (await house.ask("GET", photo)).status == 404
    assert not await house.town.store.documents(PHOTOS)
    assert (await house.ask("GET", "/v1/reports")).json()["features"] == []
    assert (await house.ask("GET", "/v1/reports/queue", headers=moderator)).json()["features"] == []
    assert (await house.ask("DELETE", f"/v1/reports/follow/{said['token']}")).status == 200


async def test_a_fault_of_ours_tells_no_link(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """When something fails on our side, neither the log nor the answer holds the token."""
    said = await filed(house, a_report(), [picture()])
    await house.town.store.put_document("photo-lists", said["id"], b"damaged")
    with caplog.at_level(logging.DEBUG):
        answer = await house.ask("DELETE", f"/v1/reports/follow/{said['token']}")
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    assert "/v1/reports/follow/{token}" in caplog.text
    secret = said["token"].partition("-")[2]
    assert secret not in caplog.text
    assert secret.encode() not in answer.body
