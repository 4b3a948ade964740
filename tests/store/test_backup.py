"""Backups made while serving, what restoring does, and how a restored file is found out."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.errors import Invalid, StoreBusy, StoreUnusable
from geoworks.model.change import Cursor
from geoworks.ports import Head
from geoworks.store.sqlite import SqliteStore
from geoworks.store.sqlite.backup import restore
from geoworks.store.sqlite.migrate import known_migrations
from geoworks.store.told import Told, read_told
from tests.store.samples import NOON, batch, put, read_whole, works_record


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Name the data directory of the fixture `store`."""
    return tmp_path / "data"


async def fill(store: SqliteStore, first: int, count: int) -> None:
    """Commit some works one by one, so that works `n` is at offset `n`."""
    for number in range(first, first + count):
        await store.commit(batch(put(works_record(number))))


async def read_place(data_dir: Path, clock: ManualClock) -> tuple[Head, list[str]]:
    """Open a data directory, and tell where its log stands and which ids stand."""
    store = SqliteStore(data_dir, clock=clock)
    head = await store.open()
    whole = await read_whole(store)
    assert [change.offset for change in whole.changes] == list(range(1, head.offset + 1))
    await store.close()
    return head, [key.id for key in whole.records]


async def test_backup_under_write(store: SqliteStore, tmp_path: Path, clock: ManualClock) -> None:
    """A backup made while writes flow holds one moment of the log, whole, in one file; the writes go on meanwhile."""
    await store.commit(batch(*(put(works_record(number)) for number in range(1, 5001))))
    copy = tmp_path / "copy" / "geoworks.db"
    async with asyncio.TaskGroup() as tasks:
        backup = tasks.create_task(store.backup(copy))
        number = 5000
        while not backup.done():
            number += 1
            await fill(store, number, 1)
    assert number > 5001
    assert [file.name for file in copy.parent.iterdir()] == ["geoworks.db"]
    head, ids = await read_place(copy.parent, clock)
    assert 5000 <= head.offset <= number
    assert ids == [f"voirie:{number}" for number in range(1, head.offset + 1)]


async def test_backup_replaces(store: SqliteStore, tmp_path: Path) -> None:
    """A newer backup takes the place of the one before."""
    target = tmp_path / "copy.db"
    for number in (1, 2):
        await fill(store, number, 1)
        await store.backup(target)
        with closing(sqlite3.connect(target)) as copy:
            assert copy.execute("SELECT count(*) FROM log").fetchone() == (number,)


async def test_backup_onto_itself(store: SqliteStore, data_dir: Path) -> None:
    """The database cannot be its own backup."""
    with pytest.raises(Invalid, match="itself"):
        await store.backup(data_dir / ".." / "data" / "geoworks.db")
    await fill(store, 1, 1)


async def test_restore(store: SqliteStore, data_dir: Path, tmp_path: Path, clock: ManualClock) -> None:
    """Restoring brings the copy back in a new epoch and keeps the replaced database aside, whole."""
    await fill(store, 1, 2)
    await store.backup(tmp_path / "copy.db")
    await fill(store, 3, 3)
    await store.close()
    before = read_told(data_dir / "told")
    assert before
    kept = restore(tmp_path / "copy.db", data_dir, at=NOON)
    assert kept == data_dir / "geoworks.db.replaced-20261124T120000Z"
    head, ids = await read_place(data_dir, clock)
    assert ids == ["voirie:1", "voirie:2"]
    assert (head.offset, head.first) == (2, 1)
    assert head.epoch != before.epoch
    assert await read_place(data_dir, clock) == (head, ids)
    (tmp_path / "kept").mkdir()
    kept.rename(tmp_path / "kept" / "geoworks.db")
    assert (await read_place(tmp_path / "kept", clock))[0].offset == 5


async def test_restore_into_nothing(store: SqliteStore, tmp_path: Path, clock: ManualClock) -> None:
    """On a new machine a copy is restored into an empty place."""
    await fill(store, 1, 2)
    await store.backup(tmp_path / "copy.db")
    assert restore(tmp_path / "copy.db", tmp_path / "new" / "data", at=NOON) is None
    assert (await read_place(tmp_path / "new" / "data", clock))[1] == ["voirie:1", "voirie:2"]


async def test_restore_over_a_crashed_database(
    store: SqliteStore, data_dir: Path, tmp_path: Path, clock: ManualClock
) -> None:
    """What a killed process left in its write-ahead log is kept aside with the rest, and does not touch the copy."""
    await fill(store, 1, 2)
    await store.backup(tmp_path / "copy.db")
    await fill(store, 3, 3)
    crashed = tmp_path / "crashed"
    shutil.copytree(data_dir, crashed)
    assert (crashed / "geoworks.db-wal").stat().st_size
    kept = restore(tmp_path / "copy.db", crashed, at=NOON)
    assert kept
    assert (await read_place(crashed, clock))[1] == ["voirie:1", "voirie:2"]
    (tmp_path / "kept").mkdir()
    kept.rename(tmp_path / "kept" / "geoworks.db")
    assert (await read_place(tmp_path / "kept", clock))[0].offset == 5


async def test_restore_over_a_damaged_database(
    store: SqliteStore, data_dir: Path, tmp_path: Path, clock: ManualClock
) -> None:
    """The reason to restore is often a damaged file: it is kept aside and does not hinder."""
    await fill(store, 1, 2)
    await store.backup(tmp_path / "copy.db")
    await store.close()
    (data_dir / "geoworks.db").write_bytes(b"damaged " * 1000)
    kept = restore(tmp_path / "copy.db", data_dir, at=NOON)
    assert kept
    assert kept.read_bytes() == b"damaged " * 1000
    assert (await read_place(data_dir, clock))[0].offset == 2


async def test_restore_while_serving(store: SqliteStore, data_dir: Path, tmp_path: Path) -> None:
    """A database in use cannot be replaced."""
    await fill(store, 1, 1)
    await store.backup(tmp_path / "copy.db")
    with pytest.raises(StoreBusy):
        restore(tmp_path / "copy.db", data_dir, at=NOON)
    await fill(store, 2, 1)


async def test_restore_of_a_damaged_copy(
    store: SqliteStore, data_dir: Path, tmp_path: Path, clock: ManualClock
) -> None:
    """A damaged or foreign copy, one of a later release, or none at all, is refused; the database stays as it is."""
    await fill(store, 1, 300)
    await store.close()
    before = await read_place(data_dir, clock)
    for copy in (tmp_path / "damaged.db", tmp_path / "later.db"):
        shutil.copy(data_dir / "geoworks.db", copy)
    content = bytearray((tmp_path / "damaged.db").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (tmp_path / "damaged.db").write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "later.db")) as later:
        later.execute(f"PRAGMA user_version = {len(known_migrations()) + 1}")
    (tmp_path / "text.db").write_text("no database " * 1000)
    for name, mend in (("damaged", "restore an? .*copy"), ("later", "install the release"), ("text", "restore a copy")):
        with pytest.raises(StoreUnusable, match=f"{name}.db .*{mend}"):
            restore(tmp_path / f"{name}.db", data_dir, at=NOON)
    with pytest.raises(Invalid, match="geoworks backup"):
        restore(tmp_path / "none.db", data_dir, at=NOON)
    assert await read_place(data_dir, clock) == before


async def test_restored_by_hand(store: SqliteStore, data_dir: Path, tmp_path: Path, clock: ManualClock) -> None:
    """An older copy put in place by hand is found out: it begins a new epoch, once."""
    await fill(store, 1, 2)
    await store.backup(tmp_path / "copy.db")
    await fill(store, 3, 3)
    await store.close()
    before = read_told(data_dir / "told")
    assert before
    assert before.offset == 5
    shutil.copy(tmp_path / "copy.db", data_dir / "geoworks.db")
    head, _ = await read_place(data_dir, clock)
    assert head.offset == 2
    assert head.epoch != before.epoch
    assert (await read_place(data_dir, clock))[0] == head


async def test_moved_without_sidecar(store: SqliteStore, data_dir: Path, clock: ManualClock) -> None:
    """A database whose sidecar is missing, damaged or of another log begins a new epoch: nobody vouches for it."""
    await fill(store, 1, 2)
    await store.close()
    epochs = {(await read_place(data_dir, clock))[0].epoch}
    told = data_dir / "told"
    whole = told.read_bytes()
    told.unlink()
    epochs.add((await read_place(data_dir, clock))[0].epoch)
    told.write_bytes(whole)
    epochs.add((await read_place(data_dir, clock))[0].epoch)
    told.write_bytes(told.read_bytes().replace(b"2 ", b"1 "))
    epochs.add((await read_place(data_dir, clock))[0].epoch)
    assert len(epochs) == 4


async def test_sidecar_follows_commits(store: SqliteStore, data_dir: Path) -> None:
    """The sidecar is never behind a commit that returned, and its length never changes."""
    sizes = set()
    for number in range(1, 12):
        await fill(store, number, 1)
        told = read_told(data_dir / "told")
        assert told
        assert told.offset == number
        sizes.add((data_dir / "told").stat().st_size)
    assert len(sizes) == 1


async def test_sidecar_does_not_go_back(tmp_path: Path) -> None:
    """Noting a lower offset changes nothing."""
    told = Told(tmp_path / "told", Cursor("abc", 7))
    told.note(9)
    told.note(8)
    told.close()
    assert read_told(tmp_path / "told") == Cursor("abc", 9)
