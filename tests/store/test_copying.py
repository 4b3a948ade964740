"""A town moves from one engine to the other and back, whole, also when the copy is cut on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import shapely
from msgspec.structs import replace

from geoworks.clock import ManualClock
from geoworks.config.settings import StoreTable
from geoworks.errors import Invalid, StoreBusy, StoreUnusable
from geoworks.model.change import Key, Kind
from geoworks.model.report import Report, ReportDerived
from geoworks.model.zone import Zone, ZoneDerived
from geoworks.ports import Batch, Reply
from geoworks.store.copying import SECTIONS, Holding, Section, copy_town
from geoworks.store.postgis.holding import hold_database
from geoworks.store.sqlite import SqliteStore
from geoworks.store.sqlite.holding import hold_folder
from tests.postgres import Databases
from tests.store.alone import Alone
from tests.store.samples import DAY, NOON, batch, put, read_whole, remove, renamed, works_record

MANY = 4_500


class Cut(Exception):
    """The copy was cut."""


def ignore(_: str, __: int, ___: int) -> None:
    """Look at no progress."""


async def fill(store: Any) -> None:  # noqa: ANN401 - a store of either engine
    """Live a life that leaves something of everything."""
    report = Report(category="chaussee", geometry=shapely.Point(2.3, 48.6), text="Trou", token_hash="x")
    zone = Zone(name="Gare", geometry=shapely.box(2.3, 48.6, 2.4, 48.7))
    others = (
        replace(works_record(1), key=Key(Kind.REPORT, "r"), given=report, derived=ReportDerived(works=("voirie:1",))),
        replace(works_record(2), key=Key(Kind.ZONE, "gare"), given=zone, derived=ZoneDerived()),
    )
    some = [works_record(number) for number in range(MANY)]
    await store.commit(batch(*map(put, some), at=NOON - 9 * DAY))
    corrected = replace(
        renamed(some[1], "x"), overlay={"title": "y", "geometry": {"type": "Point", "coordinates": [2.0, 48.0]}}
    )
    await store.commit(batch(put(corrected, before=some[1]), remove(some[2]), *map(put, others)))
    reply = Reply("staff", "k", b"\x01", 201, b"{}", NOON + DAY)
    await store.commit(Batch((put(works_record(MANY)),), NOON, (reply, replace(reply, key="é"))))
    await store.prune(changes_before=NOON - DAY, now=NOON)
    for number in range(40):
        await store.put_document("photos" if number % 2 else "keys", f"{number}", bytes([number]) * number)


async def read_everything(holding: Holding) -> dict[str, Any]:
    """Read all that a town holds."""
    everything: dict[str, Any] = {"facts": await holding.facts(), "counts": dict(await holding.counts())}
    for section in SECTIONS:
        everything[section.name] = [item async for item in read_section(holding, section)]
    return everything


async def read_section(holding: Holding, section: Section) -> AsyncIterator[Any]:
    """Read a section to its end."""
    place = section.after
    while items := await holding.read(section, place):
        for item in items:
            yield item
        place = items[-1][0]


@pytest.fixture
async def folder(tmp_path: Path, clock: ManualClock) -> Path:
    """Give the folder of an embedded town."""
    store = SqliteStore(tmp_path / "town", clock=clock)
    await store.open()
    await fill(store)
    await store.close()
    return tmp_path / "town"


@pytest.fixture
def table(databases: Databases) -> StoreTable:
    """Give the settings of an empty database."""
    return StoreTable(dsn=databases.server.dsn(databases.new()))


@asynccontextmanager
async def both(folder: Path, table: StoreTable) -> AsyncIterator[tuple[Holding, Holding]]:
    """Hold a folder and a database."""
    async with hold_folder(folder, make=True) as here, hold_database(table) as there:
        yield here, there


async def test_there_and_back(folder: Path, table: StoreTable, tmp_path: Path, clock: ManualClock) -> None:
    """Everything is equal on the other side, and again after the way back; both go on where the log stood."""
    async with both(folder, table) as (here, there):
        before = await read_everything(here)
        counts = await copy_town(here, there, progress=ignore)
        assert dict(counts) == before["counts"]
        assert counts["log"] == 5
        assert await read_everything(there) == before
    async with both(tmp_path / "back", table) as (back, there):
        await copy_town(there, back, progress=ignore)
        assert await read_everything(back) == before
    heads = []
    for store in (Alone(table, tmp_path / "data", clock=clock), SqliteStore(tmp_path / "back", clock=clock)):
        heads.append(await store.open())
        assert heads[-1].epoch == before["facts"].epoch
        (change,) = await store.commit(batch(put(works_record(MANY + 1))))
        assert change.offset == before["facts"].last + 1
        whole = await read_whole(store)
        assert len(whole.records) == before["counts"]["features"] + 1
        await store.close()
    assert heads[0] == heads[1]


@pytest.mark.parametrize("section", [section.name for section in SECTIONS])
async def test_cut(folder: Path, table: StoreTable, tmp_path: Path, clock: ManualClock, section: str) -> None:
    """A copy that was cut goes on where it stopped; until it is whole nobody can serve the town."""
    seen = 0

    def cut(name: str, done: int, total: int) -> None:
        nonlocal seen
        if name == section and done:
            seen = done
            raise Cut(total)

    async with both(folder, table) as (here, there):
        with pytest.raises(Cut):
            await copy_town(here, there, progress=cut)
    with pytest.raises(StoreUnusable, match="was cut: run the same"):
        await Alone(table, tmp_path / "data", clock=clock).open()
    begun: dict[str, int] = {}

    def first(name: str, done: int, _: int) -> None:
        begun.setdefault(name, done)

    async with both(folder, table) as (here, there):
        await copy_town(here, there, progress=first)
        assert await read_everything(there) == await read_everything(here)
    again = next(one.again for one in SECTIONS if one.name == section)
    assert begun[section] == (0 if again else seen)


async def test_cut_back(folder: Path, table: StoreTable, tmp_path: Path, clock: ManualClock) -> None:
    """So it is on the way into a folder."""
    async with both(folder, table) as (here, there):
        await copy_town(here, there, progress=ignore)

    def cut(name: str, done: int, total: int) -> None:
        if name == "versions" and done:
            raise Cut(total)

    async with both(tmp_path / "back", table) as (back, there):
        with pytest.raises(Cut):
            await copy_town(there, back, progress=cut)
    with pytest.raises(StoreUnusable, match="was cut: run the same"):
        await SqliteStore(tmp_path / "back", clock=clock).open()
    async with both(tmp_path / "back", table) as (back, there):
        await copy_town(there, back, progress=ignore)
        assert await read_everything(back) == await read_everything(there)


async def test_source_moved_on(folder: Path, table: StoreTable, clock: ManualClock) -> None:
    """When the town was served again after the cut, the copy begins anew."""

    def cut(name: str, done: int, total: int) -> None:
        if name == "log":
            raise Cut(done, total)

    async with both(folder, table) as (here, there):
        with pytest.raises(Cut):
            await copy_town(here, there, progress=cut)
    store = SqliteStore(folder, clock=clock)
    await store.open()
    await store.commit(batch(remove(works_record(5))))
    await store.close()
    async with both(folder, table) as (here, there):
        await copy_town(here, there, progress=ignore)
        assert await read_everything(there) == await read_everything(here)


async def test_place_taken(folder: Path, table: StoreTable, tmp_path: Path, clock: ManualClock) -> None:
    """A place that holds a town is not written over, and one that is served is not touched."""
    store = Alone(table, tmp_path / "data", clock=clock)
    await store.open()
    await store.commit(batch(put(works_record())))
    with pytest.raises(StoreBusy):
        async with both(folder, table):
            pass
    await store.close()
    async with both(folder, table) as (here, there):
        with pytest.raises(Invalid, match="holds a town already"):
            await copy_town(here, there, progress=ignore)
    with pytest.raises(Invalid, match="does not exist"):
        async with hold_folder(tmp_path / "nowhere", make=False):
            pass
