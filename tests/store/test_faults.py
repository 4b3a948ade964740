"""The faults below the store, made for real: each is told with its mend and costs nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager, closing
from itertools import count
from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreUnusable
from geoworks.store.sqlite import SqliteStore
from geoworks.store.sqlite.faults import translated
from tests.shared import ROOT
from tests.store.disks import filled, growth_forbidden, read_only, small_disk
from tests.store.samples import batch, put, read_whole, works_record


async def commit_until_full(store: SqliteStore) -> int:
    """Commit until there is no room; return how many commits were acknowledged."""
    for number in count():
        try:
            await store.commit(batch(*(put(works_record(10 * number + i)) for i in range(10))))
        except StoreFull as error:
            assert "free some" in str(error)  # noqa: PT017 - which of the commits fails is the disk's affair
            return number
    raise AssertionError


async def check_recovery(store: SqliteStore, fault: AbstractContextManager[None]) -> None:
    """Assert that a store without room refuses, still reads, and goes on by itself once there is room."""
    before = len((await read_whole(store)).changes)
    with fault:
        acknowledged = before + 10 * await commit_until_full(store)
        with pytest.raises(StoreFull):
            await store.put_document("photos", "large", bytes(100_000))
        whole = await read_whole(store)
        assert len(whole.changes) == acknowledged
    (change,) = await store.commit(batch(put(works_record(999_999))))
    assert change.offset == acknowledged + 1
    whole = await read_whole(store)
    assert [change.offset for change in whole.changes] == list(range(1, acknowledged + 2))
    assert set(whole.records) == {change.key for change in whole.changes}


async def test_full_disk(tmp_path: Path, clock: ManualClock) -> None:
    """On a full disk writes are refused and reads go on; with room again writes go on without a restart."""
    with small_disk(tmp_path / "disk", size_kib=4096) as disk:
        store = SqliteStore(disk, clock=clock)
        await store.open()
        for _ in range(3):
            await check_recovery(store, filled(disk))
        before = await read_whole(store)
        await store.close()
        await store.open()
        assert await read_whole(store) == before
        await store.close()


async def test_quota(store: SqliteStore, tmp_path: Path) -> None:
    """A quota that lets no file grow is told and outlived as a full disk is."""
    await store.commit(batch(put(works_record())))
    await check_recovery(store, growth_forbidden(tmp_path / "data" / "geoworks.db-wal"))


async def test_open_on_full_disk(tmp_path: Path, clock: ManualClock) -> None:
    """A store cannot begin on a full disk, says so, and can once there is room."""
    with small_disk(tmp_path / "disk", size_kib=1024) as disk:
        store = SqliteStore(disk, clock=clock)
        with filled(disk), pytest.raises(StoreFull):
            await store.open()
        assert (await store.open()).offset == 0
        await store.close()


async def test_backup_to_full_disk(store: SqliteStore, tmp_path: Path) -> None:
    """A backup without room says so, leaves nothing behind, and the store goes on."""
    await store.commit(batch(put(works_record())))
    with small_disk(tmp_path / "disk", size_kib=64) as disk:
        with pytest.raises(StoreFull, match="copy"):
            await store.backup(disk / "copy.db")
        assert list(disk.iterdir()) == []
    await store.commit(batch(put(works_record(2))))


@pytest.mark.parametrize("existing", [False, True])
async def test_read_only_folder(tmp_path: Path, clock: ManualClock, *, existing: bool) -> None:
    """A data directory without the right to write is refused, whether or not a database is in it."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    store = SqliteStore(data_dir, clock=clock)
    if existing:
        await store.open()
        await store.close()
    with read_only(data_dir), pytest.raises(StoreReadOnly, match="right to write"):
        await store.open()
    await store.open()
    await store.close()


async def test_read_only_database(store: SqliteStore, tmp_path: Path) -> None:
    """A database that SQLite may not write is told as read-only."""
    path = tmp_path / "data" / "geoworks.db"
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
        pytest.raises(StoreReadOnly, match=str(path)),
        translated(path),
    ):
        connection.execute("DELETE FROM log")
    await store.commit(batch(put(works_record())))


async def test_folder_that_is_a_file(tmp_path: Path, clock: ManualClock) -> None:
    """A file in the place of the data directory is refused with the setting to change."""
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match=r"\[data\] dir"):
        await SqliteStore(tmp_path / "data", clock=clock).open()


async def test_second_process(store: SqliteStore, tmp_path: Path) -> None:
    """Another process is refused with the number of the one that holds the data directory, and the lock's path."""
    program = (
        "import asyncio, pathlib, sys; from geoworks.clock import SystemClock;"
        "from geoworks.store.sqlite import SqliteStore;"
        "asyncio.run(SqliteStore(pathlib.Path(sys.argv[1]), clock=SystemClock()).open())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    refused = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=subprocess.PIPE)
    _, words = await asyncio.wait_for(refused.communicate(), timeout=60)
    last = words.decode().splitlines()[-1]
    assert last.startswith(f"geoworks.errors.StoreBusy: process {os.getpid()} holds {tmp_path}/data/geoworks.lock")
    await store.commit(batch(put(works_record())))


async def test_lock_is_let_go(store: SqliteStore, tmp_path: Path, clock: ManualClock) -> None:
    """The data directory is refused while a store is open, and free once it is closed."""
    second = SqliteStore(tmp_path / "data", clock=clock)
    with pytest.raises(StoreBusy):
        await second.open()
    await store.close()
    await second.open()
    await second.close()


async def test_lock_of_a_failed_opening(tmp_path: Path, clock: ManualClock) -> None:
    """A store that could not open holds nothing: once the cause is mended it opens."""
    (tmp_path / "geoworks.db").write_bytes(b"no database, only text " * 100)
    store = SqliteStore(tmp_path, clock=clock)
    for _ in range(2):
        with pytest.raises(StoreUnusable):
            await store.open()
    (tmp_path / "geoworks.db").unlink()
    await store.open()
    await store.close()


async def test_foreign_lock(store: SqliteStore, tmp_path: Path) -> None:
    """While another program holds the database writes are refused; afterwards they go on."""
    with closing(sqlite3.connect(tmp_path / "data" / "geoworks.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another program"):
            await store.commit(batch(put(works_record())))
        foreign.execute("ROLLBACK")
    (change,) = await store.commit(batch(put(works_record())))
    assert change.offset == 1


@pytest.mark.parametrize("content", [b"no database, only text " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_no_database(tmp_path: Path, clock: ManualClock, content: bytes) -> None:
    """A file that is no database is refused with the way to mend, and stays as it is."""
    path = tmp_path / "geoworks.db"
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match="geoworks restore"):
        await SqliteStore(tmp_path, clock=clock).open()
    assert path.read_bytes() == content


async def test_damaged_pages(tmp_path: Path, clock: ManualClock) -> None:
    """Damage inside the file is told when it is met, with the way to mend."""
    store = SqliteStore(tmp_path, clock=clock)
    await store.open()
    await store.commit(batch(*(put(works_record(number)) for number in range(2000))))
    await store.close()
    path = tmp_path / "geoworks.db"
    content = bytearray(path.read_bytes())
    # The last pages hold features only, so it opens.
    content[-20 * 4096 :] = b"\xa5" * (20 * 4096)
    path.write_bytes(content)
    await store.open()
    with pytest.raises(StoreUnusable, match="geoworks restore"):
        await read_whole(store)
    await store.close()


async def test_foreign_content(store: SqliteStore, tmp_path: Path) -> None:
    """A column that another program has spoilt is told with its table."""
    await store.commit(batch(put(works_record())))
    with closing(sqlite3.connect(tmp_path / "data" / "geoworks.db", isolation_level=None)) as foreign:
        foreign.execute("UPDATE features SET given = json_remove(given, '$.title')")
    with pytest.raises(StoreUnusable, match=r"features.*title"):
        await read_whole(store)


async def test_another_programs_database(tmp_path: Path, clock: ManualClock) -> None:
    """A database of another program is refused, and not touched."""
    with closing(sqlite3.connect(tmp_path / "geoworks.db", isolation_level=None)) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="no geoworks database"):
        await SqliteStore(tmp_path, clock=clock).open()


def test_misuse_is_no_fault(tmp_path: Path) -> None:
    """An error of our own against the driver is not told as a fault of the file."""
    connection = sqlite3.connect(":memory:")
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError), translated(tmp_path / "geoworks.db"):
        connection.execute("SELECT 1")
