"""Photos at the doors: taken with a report, named when they cannot be, shown to whom they may be."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs

from geoworks.app import keep_current
from geoworks.clock import ManualClock
from geoworks.config.settings import Limits, MapsTable
from geoworks.model.change import Kind
from geoworks.pipeline.album import PHOTOS, Album
from geoworks.pipeline.keys import Role
from tests.pipeline.pictures import opened, phone_exif, picture, png_bomb
from tests.web.citizen import a_report, filed, follow, send
from tests.web.conftest import OpenHouse
from tests.web.house import House


async def test_photos_come_back_small_and_without_their_secrets(house: House) -> None:
    """What is served is our JPEG: no place, no name, no byte of what was sent."""
    sent = picture((3000, 2000), exif=phone_exif(orientation=6))
    said = await filed(house, a_report(), [sent])
    (url,) = (await follow(house, said["token"]))["photos"]
    answer = await house.ask("GET", url)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    kept = opened(answer.body)
    assert kept.size == (1067, 1600)
    assert not dict(kept.getexif())
    assert b"Camille" not in answer.body
    documents = await house.town.store.documents(PHOTOS)
    assert list(documents.values()) == [answer.body]


async def test_before_the_release_only_author_and_moderator_see_photos(house: House) -> None:
    """Without the token or a moderator's key a photo is not there until it is released; then anybody may keep it."""
    said, other = await filed(house, a_report(), [picture()]), await filed(house, a_report(), [picture()])
    photo = f"/v1/reports/{said['id']}/photos/1"
    moderator, staff = await house.as_role(Role.MODERATOR), await house.as_role(Role.STAFF)
    for query in ("", f"?token={other['token']}", "?token=", f"?token={said['id']}-"):
        assert (await house.ask("GET", photo + query)).status == 404
    assert (await house.ask("GET", photo, headers=staff)).status == 404
    for allowed in (
        await house.ask("GET", f"{photo}?token={said['token']}"),
        await house.ask("GET", photo, headers=moderator),
    ):
        assert (allowed.status, allowed.headers["Cache-Control"]) == (200, "no-store")
    await house.ask("POST", f"/v1/reports/{said['id']}/release", headers=moderator)
    shown = await house.ask("GET", photo)
    assert shown.status == 200
    assert (await house.ask("GET", photo, headers={"If-None-Match": shown.headers["ETag"]})).status == 304
    await house.ask("POST", f"/v1/reports/{said['id']}/release", json={"released": False}, headers=moderator)
    assert (await house.ask("GET", photo, headers={"If-None-Match": shown.headers["ETag"]})).status == 404


@pytest.mark.parametrize("number", ["0", "2", "-1", "01", "x", "%2e%2e", "1000000000000000000000"])
async def test_there_are_no_other_photos(house: House, number: str) -> None:
    """Only the numbers of the report's own photos are addresses."""
    said = await filed(house, a_report(), [picture()])
    answer = await house.ask("GET", f"/v1/reports/{said['id']}/photos/{number}?token={said['token']}")
    assert answer.status == 404
    assert (await house.ask("GET", "/v1/reports/none/photos/1")).status == 404


async def test_every_bad_photo_is_named(house: House) -> None:
    """One answer tells which photos cannot be taken and why; nothing is kept, so the rest can be sent again."""
    photos = [picture(), b"no picture", picture()[:500], picture(kind="PNG")]
    answer = await send(house, a_report(), photos, Idempotency_Key="k")
    problems = answer.json()["problems"]
    assert answer.status == 400
    assert [problem["where"] for problem in problems] == ["photo 2", "photo 3"]
    assert all(problem["mend"] for problem in problems)
    assert not await house.town.store.documents(PHOTOS)
    assert house.town.state.count(Kind.REPORT) == 0
    again = await send(house, a_report(), [photos[0], photos[3]], Idempotency_Key="k")
    assert (again.status, len(await house.town.store.documents(PHOTOS))) == (201, 2)


async def test_too_many_too_large_too_wide(open_house: OpenHouse) -> None:
    """A photo too many, too heavy or with too many pixels is refused by its bound."""
    limits = structs.replace(Limits(), photos=2, photo_bytes=20_000, photo_pixels=1_000_000)
    async with open_house(limits=limits) as house:
        for photos in ([picture()] * 3, [picture() + bytes(20_000)], [picture((1001, 1000))], [png_bomb(30_000)]):
            answer = await send(house, a_report(), photos)
            assert (answer.status, answer.json()["code"]) == (413, "too-large")
        assert not await house.town.store.documents(PHOTOS)
        assert (await send(house, a_report(), [picture(), picture()])).status == 201


async def test_a_faulty_report_leaves_no_photo(house: House) -> None:
    """When the words are refused the photos are not kept either."""
    answer = await send(house, a_report(""), [picture()])
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "text")
    assert not await house.town.store.documents(PHOTOS)


async def test_sent_twice_the_photos_are_kept_once(house: House) -> None:
    """A form sent again under its key, with other boundaries, is the same report with the same photos."""
    photos = [picture(), picture(kind="PNG")]
    answers = await asyncio.gather(*(send(house, a_report(), photos, Idempotency_Key="k") for _ in range(3)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["url"] for answer in answers}) == 1
    id_ = answers[0].json()["id"]
    assert list(await house.town.store.documents(PHOTOS)) == [f"{id_}/1", f"{id_}/2"]
    other = await send(house, a_report(), [*photos, picture()], Idempotency_Key="k")
    assert other.status == 422
    assert len(await house.town.store.documents(PHOTOS)) == 2


async def test_a_running_town_clears_orphans_away(open_house: OpenHouse) -> None:
    """Photos left by a report that never came go by themselves while the town is kept current."""
    async with open_house(maps=MapsTable(enabled=False)) as house:
        town = house.town
        album = Album(town.store, town.state, clock=ManualClock(house.clock.now() - timedelta(hours=2)))
        with pytest.raises(TimeoutError):
            await _interrupted(album)
        assert await town.store.documents(PHOTOS)
        async with keep_current(town), asyncio.timeout(20):
            while await town.store.documents(PHOTOS):  # noqa: ASYNC110 - the sweep signals nobody
                await asyncio.sleep(0.02)


async def _interrupted(album: Album) -> None:
    """Be cut off between the photos and their report."""
    async with asyncio.timeout(0.2), album.filing("orphan", [picture()]):
        await asyncio.Event().wait()
