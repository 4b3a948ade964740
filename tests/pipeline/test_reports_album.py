"""The photos of reports in the store: there before the report, gone with it, never left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shapely import Point

from geoworks.errors import Conflict
from geoworks.model.change import Reason, Record
from geoworks.model.report import Report
from geoworks.pipeline import reports
from geoworks.pipeline.album import PHOTOS, Album
from geoworks.pipeline.draft import report_key
from geoworks.pipeline.links import Links
from tests.pipeline.house import House

TWO = (b"first", b"second")


def album_of(house: House) -> Album:
    """Return the album of a house."""
    return Album(house.store, house.state, clock=house.clock)


async def file(house: House, id_: str = "r1", *, photos: int = 2) -> Record:
    """File a report with photos."""
    report = Report(category="autre", geometry=Point(2.3, 48.63), text="x", photos=photos)
    return await house.desk.submit(reports.file_report(id_, report))


async def kept(house: House) -> list[str]:
    """Return the names of the photos in the store."""
    return list(await house.store.documents(PHOTOS))


async def test_photos_are_there_before_their_report(house: House) -> None:
    """When the report is written its photos are in the store already, in order."""
    album = album_of(house)
    async with album.filing("r1", TWO):
        assert await kept(house) == ["r1/1", "r1/2"]
        await file(house)
    assert [await album.read("r1", number) for number in (0, 1, 2, 3)] == [None, b"first", b"second", None]


async def test_photos_go_when_their_report_is_refused(house: House) -> None:
    """A report that was not written leaves no photo behind."""

    async def fail() -> None:
        async with album_of(house).filing("r1", TWO):
            raise Conflict("no")

    with pytest.raises(Conflict):
        await fail()
    assert await kept(house) == []


async def test_photos_go_when_the_report_was_sent_before(house: House) -> None:
    """A report under another id, as after a repeated post, leaves these photos to nobody: they go."""
    async with album_of(house).filing("r2", TWO):
        await file(house, "r1")
    assert await kept(house) == []


async def test_sweep_clears_what_was_interrupted(house: House) -> None:
    """Photos whose report never came, was withdrawn or has gone are erased after an hour; all others stay."""
    album = album_of(house)
    for id_ in ("kept", "withdrawn", "orphan"):
        async with album.filing(id_, TWO):
            await file(house, id_)
    await house.desk.submit(reports.withdraw("withdrawn"))
    await house.desk.submit(lambda draft: draft.remove(report_key("orphan"), reason=Reason.EXPIRED))
    assert await album.sweep() == 0
    house.clock.advance(timedelta(hours=1, seconds=1))
    assert await album.sweep() == 2
    assert await kept(house) == ["kept/1", "kept/2"]
    assert await album.sweep() == 0


async def test_links_are_drawn_alike_after_a_restart(house: House) -> None:
    """The same key gives the same secret for ever, another key or another town another; without a key it is random."""
    links = await Links.load(house.store)
    again = await Links.load(house.store)
    assert links.secret_for("k") == again.secret_for("k")
    others = {links.secret_for("k"), links.secret_for("K"), Links(b"else").secret_for("k")}
    others |= {links.secret_for(None), links.secret_for(None)}
    assert len(others) == 5
    assert all(len(secret) == 32 for secret in others)
