"""What every store keeps to, asked through the port alone.

A store's own test module subclasses `StoreContract` and gives the fixture `new_store`: each call returns another
store object on the same place, which is empty when the test begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from geoworks.clock import ManualClock
from geoworks.errors import StoreError
from geoworks.model.change import Change, Key, Kind, Op, Reason, Version
from geoworks.model.feature import match_keys
from geoworks.ports import Batch, Head, OwnStore, Reply, Write
from tests.store.samples import DAY, NOON, batch, logged, put, read_records, read_whole, remove, renamed, works_record

NewStore = Callable[[], OwnStore]


class StoreContract:
    """The behaviour that the core counts on."""

    @pytest.fixture
    async def store(self, new_store: NewStore) -> AsyncIterator[OwnStore]:
        """Give the store, open and empty."""
        store = new_store()
        await store.open()
        yield store
        await store.close()

    async def test_empty(self, new_store: NewStore) -> None:
        """A new store has an epoch, nothing in its log, and nothing to read."""
        store = new_store()
        head = await store.open()
        assert head == Head(head.epoch, offset=0, first=1)
        assert head.epoch.isalnum()
        whole = await read_whole(store, [Key(Kind.WORKS, "voirie:1")])
        assert (whole.records, list(whole.changes)) == ({}, [])
        assert [list(versions) for versions in whole.versions.values()] == [[]]
        await store.close()

    async def test_put(self, store: OwnStore) -> None:
        """A created record stands, is in the log at offset 1, and is the first of its history."""
        record = works_record()
        change = Change(1, NOON, record.key, Op.PUT, Reason.CREATED, version=1)
        assert list(await store.commit(batch(put(record)))) == [change]
        assert await read_records(store) == {record.key: record}
        assert list(await store.changes(0, limit=10)) == [change]
        version = Version(version=1, at=NOON, reason=Reason.CREATED, actor="voirie", given=record.given)
        assert list(await store.versions(record.key)) == [version]

    async def test_replace(self, store: OwnStore) -> None:
        """A replaced record stands once, the log keeps what the matcher needs of the one before, history keeps both."""
        old = works_record()
        new = replace(renamed(old, "Chaussée"), overlay={"title": "Chaussée refaite", "impact": {"parking": None}})
        await store.commit(batch(put(old)))
        (change,) = await store.commit(batch(put(new, before=old)))
        assert change.before == match_keys(old)
        assert await read_records(store) == {new.key: new}
        assert list(await store.changes(1, limit=10)) == [logged(change)]
        history = await store.versions(new.key)
        assert [version.given for version in history] == [old.given, new.given]
        assert [version.overlay for version in history] == [None, new.overlay]

    async def test_remove(self, store: OwnStore) -> None:
        """A removed record stands no more; its removal is logged with the version that went, its history stays."""
        record = works_record(version=7)
        await store.commit(batch(put(record)))
        (change,) = await store.commit(batch(remove(record)))
        assert change == Change(2, NOON, record.key, Op.REMOVE, Reason.WITHDRAWN, 7, match_keys(record))
        assert await read_records(store) == {}
        assert [version.version for version in await store.versions(record.key)] == [7]

    async def test_remove_of_nothing(self, store: OwnStore) -> None:
        """Removing what does not stand is logged, about version 0."""
        (change,) = await store.commit(batch(remove(works_record())))
        assert (change.offset, change.version) == (1, 0)

    async def test_remove_twice_at_once(self, store: OwnStore) -> None:
        """The second removal of a feature in one batch removes nothing: it is about version 0."""
        record = works_record(version=7)
        await store.commit(batch(put(record)))
        changes = await store.commit(batch(remove(record), remove(record)))
        assert [(change.offset, change.version) for change in changes] == [(2, 7), (3, 0)]

    async def test_second_life(self, store: OwnStore) -> None:
        """A feature that comes back after its removal may count from 1 again; its history tells both lives."""
        record = works_record()
        await store.commit(batch(put(record)))
        await store.commit(batch(remove(record)))
        await store.commit(batch(put(record)))
        assert await read_records(store) == {record.key: record}
        assert [version.version for version in await store.versions(record.key)] == [1, 1]

    async def test_derived_only(self, store: OwnStore) -> None:
        """A write without a new version is logged and stands, and leaves no trace in the history."""
        record = works_record()
        derived = replace(record, derived=replace(record.derived, effects=()))
        await store.commit(batch(put(record)))
        write = Write(key=record.key, record=derived, reason=Reason.REJOINED, new_version=False)
        (change,) = await store.commit(batch(write))
        assert (change.offset, change.reason, change.version) == (2, Reason.REJOINED, 1)
        assert await read_records(store) == {record.key: derived}
        assert len(await store.versions(record.key)) == 1

    async def test_silent(self, store: OwnStore) -> None:
        """A silent removal takes the feature and no offset."""
        first, second = works_record(1), works_record(2)
        await store.commit(batch(put(first), put(second)))
        assert list(await store.commit(batch(replace(remove(first), silent=True)))) == []
        (change,) = await store.commit(batch(remove(second)))
        assert change.offset == 3
        assert await read_records(store) == {}
        assert [change.offset for change in await store.changes(0, limit=10)] == [1, 2, 3]

    async def test_silent_put(self, store: OwnStore) -> None:
        """A silent write of a record stands, and takes no offset and no version."""
        record = works_record()
        again = replace(record, raw_hash=b"another")
        await store.commit(batch(put(record)))
        write = Write(key=record.key, record=again, reason=Reason.UPDATED, new_version=False, silent=True)
        assert list(await store.commit(batch(write))) == []
        assert await read_records(store) == {record.key: again}
        assert len(await store.versions(record.key)) == 1
        assert len(await store.changes(0, limit=10)) == 1

    async def test_forget(self, store: OwnStore) -> None:
        """What somebody took back leaves the history; the newest version stays, and that of others is untouched."""
        old, other = works_record(), works_record(2)
        new = renamed(old, "")
        await store.commit(batch(put(old), put(other)))
        await store.commit(batch(replace(put(new, before=old), forget=True)))
        assert [version.given for version in await store.versions(old.key)] == [new.given]
        assert [version.given for version in await store.versions(other.key)] == [other.given]

    async def test_forget_what_is_gone(self, store: OwnStore) -> None:
        """A feature that goes with its history leaves none."""
        record = works_record()
        await store.commit(batch(put(record)))
        await store.commit(batch(replace(remove(record), forget=True)))
        assert list(await store.versions(record.key)) == []

    async def test_same_feature_twice(self, store: OwnStore) -> None:
        """Writes of one batch on one feature take effect in their order; each has its change and its version."""
        old = works_record()
        new = renamed(old, "Chaussée")
        changes = await store.commit(batch(put(old), put(new, before=old), remove(new), put(old)))
        assert [(change.offset, change.op, change.version) for change in changes] == [
            (1, Op.PUT, 1),
            (2, Op.PUT, 2),
            (3, Op.REMOVE, 2),
            (4, Op.PUT, 1),
        ]
        assert await read_records(store) == {old.key: old}
        assert [version.version for version in await store.versions(old.key)] == [1, 2, 1]

    async def test_kinds_apart(self, store: OwnStore) -> None:
        """The same id under two kinds names two features."""
        works = works_record()
        twin = replace(works, key=Key(Kind.ZONE, works.key.id))
        await store.commit(batch(put(works), put(twin)))
        await store.commit(batch(Write(key=twin.key, record=None, reason=Reason.WITHDRAWN)))
        assert await read_records(store) == {works.key: works}

    async def test_empty_batch(self, store: OwnStore) -> None:
        """A batch without writes takes no offset."""
        assert list(await store.commit(batch())) == []
        (change,) = await store.commit(batch(put(works_record())))
        assert change.offset == 1

    async def test_many(self, store: OwnStore) -> None:
        """A batch larger than any chunk is read back whole, in chunks, each record once."""
        everything = [works_record(number) for number in range(12_000)]
        changes = await store.commit(batch(*map(put, everything)))
        assert [change.offset for change in changes] == list(range(1, 12_001))
        chunks = [chunk async for chunk in store.records()]
        assert len(chunks) > 1
        assert sorted((record for chunk in chunks for record in chunk), key=_number) == everything

    async def test_many_replaced(self, store: OwnStore) -> None:
        """So many changed records that they go another way are each written over the one before, the others stay."""
        everything = [works_record(number) for number in range(6_000)]
        await store.commit(batch(*map(put, everything)))
        changed = [renamed(record, "Chaussée") for record in everything[:5_500]]
        await store.commit(batch(*(put(new, before=old) for new, old in zip(changed, everything, strict=False))))
        again = [renamed(record, "Voirie") for record in changed[:300]]
        await store.commit(batch(*(put(new, before=old) for new, old in zip(again, changed, strict=False))))
        found = await read_records(store)
        assert list(found.values()) == again + changed[300:] + everything[5_500:]

    async def test_changes_by_pages(self, store: OwnStore) -> None:
        """Paging through the log by the last offset gives every change once, in order; after the end comes nothing."""
        await store.commit(batch(*(put(works_record(number)) for number in range(10))))
        offsets: list[int] = []
        while page := await store.changes(offsets[-1] if offsets else 0, limit=4):
            offsets += [change.offset for change in page]
        assert offsets == list(range(1, 11))

    async def test_commits_at_once(self, store: OwnStore) -> None:
        """Commits asked for at the same time are numbered without a gap, each batch in one piece."""
        batches = [batch(*(put(works_record(10 * number + i)) for i in range(3))) for number in range(20)]
        answers = await asyncio.gather(*map(store.commit, batches))
        for changes in answers:
            assert [change.offset for change in changes] == list(range(changes[0].offset, changes[0].offset + 3))
        assert sorted(change.offset for changes in answers for change in changes) == list(range(1, 61))
        assert await store.changes(0, limit=100) == sorted(
            (logged(change) for changes in answers for change in changes), key=lambda change: change.offset
        )

    async def test_reopen(self, new_store: NewStore) -> None:
        """Closed and opened again, a store is in the same epoch, at the same offset, and tells the same."""
        store = new_store()
        epoch = (await store.open()).epoch
        old = works_record()
        new = replace(renamed(old, "Chaussée"), overlay={"title": "x"})
        await store.commit(batch(put(old), put(works_record(2))))
        await store.commit(batch(put(new, before=old)))
        before = await read_whole(store, [old.key])
        await store.close()
        store = new_store()
        assert await store.open() == Head(epoch, offset=3, first=1)
        assert await read_whole(store, [old.key]) == before
        await store.close()

    async def test_reply(self, store: OwnStore, clock: ManualClock) -> None:
        """What an Idempotency-Key answered is kept for its owner until it expires."""
        reply = _reply("staff", "k1")
        await store.commit(Batch((put(works_record()),), NOON, (reply,)))
        assert await store.reply("staff", "k1") == reply
        assert await store.reply("other", "k1") is None
        assert await store.reply("staff", "k2") is None
        clock.move_to(reply.expires)
        assert await store.reply("staff", "k1") is None

    async def test_reply_after_expiry(self, store: OwnStore, clock: ManualClock) -> None:
        """An expired key may be used anew."""
        await store.commit(Batch((), NOON, (_reply("staff", "k1"),)))
        clock.advance(2 * DAY)
        later = replace(_reply("staff", "k1"), expires=NOON + 3 * DAY, body=b"again")
        await store.commit(Batch((), clock.now(), (later,)))
        assert await store.reply("staff", "k1") == later

    async def test_prune(self, new_store: NewStore) -> None:
        """Pruning drops the entries older than a moment, nothing else, and the first offset kept is right for good."""
        store = new_store()
        epoch = (await store.open()).epoch
        everything = [works_record(number) for number in range(6)]
        for number, record in enumerate(everything):
            await store.commit(batch(put(record), at=NOON + number * DAY))
        assert await store.prune(changes_before=NOON + 4 * DAY, now=NOON) == 4
        assert [change.offset for change in await store.changes(0, limit=10)] == [5, 6]
        assert list((await read_records(store)).values()) == everything
        assert len(await store.versions(everything[0].key)) == 1
        assert await store.prune(changes_before=NOON + 4 * DAY, now=NOON) == 0
        await store.close()
        store = new_store()
        assert await store.open() == Head(epoch, offset=6, first=5)
        await store.close()

    async def test_prune_everything(self, new_store: NewStore) -> None:
        """With no entry left, the next change is still numbered after the last, also by the next process."""
        store = new_store()
        epoch = (await store.open()).epoch
        await store.commit(batch(put(works_record(1)), put(works_record(2))))
        assert await store.prune(changes_before=NOON + DAY, now=NOON) == 2
        await store.close()
        store = new_store()
        assert await store.open() == Head(epoch, offset=2, first=3)
        (change,) = await store.commit(batch(put(works_record(3))))
        assert change.offset == 3
        await store.close()

    async def test_prune_many(self, store: OwnStore) -> None:
        """Pruning more than one step's worth takes them all."""
        everything = [put(works_record(number)) for number in range(12_000)]
        await store.commit(batch(*everything))
        await store.commit(batch(put(works_record(1)), at=NOON + DAY))
        assert await store.prune(changes_before=NOON + timedelta(seconds=1), now=NOON) == 12_000
        assert [change.offset for change in await store.changes(0, limit=10)] == [12_001]

    async def test_prune_after_clock_set_back(self, store: OwnStore) -> None:
        """An old entry behind a younger one stays, for the log keeps no holes."""
        for at in (NOON, NOON + 5 * DAY, NOON + DAY, NOON + 6 * DAY):
            await store.commit(batch(put(works_record()), at=at))
        assert await store.prune(changes_before=NOON + 2 * DAY, now=NOON) == 1
        assert [change.offset for change in await store.changes(0, limit=10)] == [2, 3, 4]

    async def test_prune_replies(self, store: OwnStore, clock: ManualClock) -> None:
        """Pruning drops expired replies and keeps the others."""
        expired, kept = _reply("staff", "old"), replace(_reply("staff", "new"), expires=NOON + 9 * DAY)
        await store.commit(Batch((), NOON, (expired, kept)))
        assert await store.prune(changes_before=NOON, now=expired.expires) == 0
        clock.move_to(NOON - DAY)  # so that expiry itself hides nothing
        assert await store.reply("staff", "old") is None
        assert await store.reply("staff", "new") == kept

    async def test_documents(self, new_store: NewStore) -> None:
        """Documents are kept by collection and name, replaced, dropped, and there after a reopening."""
        store = new_store()
        await store.open()
        assert await store.document("keys", "a") is None
        assert await store.documents("keys") == {}
        for name, value in (("a", b"1"), ("b", b"\x00\xff"), ("a", b"2")):
            await store.put_document("keys", name, value)
        await store.put_document("photos", "a", b"")
        await store.put_document("keys", "never", None)
        await store.close()
        store = new_store()
        await store.open()
        assert await store.documents("keys") == {"a": b"2", "b": b"\x00\xff"}
        assert await store.document("photos", "a") == b""
        await store.put_document("keys", "a", None)
        assert await store.documents("keys") == {"b": b"\x00\xff"}
        await store.close()

    async def test_all_or_nothing(self, store: OwnStore) -> None:
        """A batch that cannot be written leaves nothing behind and takes no offset."""
        too_large = replace(works_record(2), version=2**63)
        with pytest.raises((StoreError, OverflowError)):
            await store.commit(batch(put(works_record(1)), put(too_large)))
        assert await read_records(store) == {}
        (change,) = await store.commit(batch(put(works_record(3))))
        assert change.offset == 1

    async def test_many_at_once(self, store: OwnStore) -> None:
        """More callers than may queue are all served."""
        names = [str(number) for number in range(300)]
        await asyncio.gather(*(store.put_document("many", name, name.encode()) for name in names))
        assert await asyncio.gather(*(store.document("many", name) for name in names)) == [
            name.encode() for name in names
        ]

    async def test_cancelled_commit(self, store: OwnStore) -> None:
        """A commit whose caller goes away is made whole or not at all, and the next goes on after it."""
        for _ in range(5):
            commits = [
                asyncio.create_task(store.commit(batch(*(put(works_record(10 * number + i)) for i in range(10)))))
                for number in range(5)
            ]
            await commits[0]
            for commit in commits[1:]:
                commit.cancel()
            await asyncio.gather(*commits, return_exceptions=True)
        (change,) = await store.commit(batch(put(works_record(999))))
        assert change.offset % 10 == 1
        assert [one.offset for one in await store.changes(0, limit=1000)] == list(range(1, change.offset + 1))

    async def test_told(self, new_store: NewStore) -> None:
        """Telling what was committed changes nothing; having told more than is there means that history was lost."""
        store = new_store()
        first = await store.open()
        await store.commit(batch(put(works_record())))
        await store.told(1)
        await store.close()
        store = new_store()
        assert await store.open() == Head(first.epoch, offset=1, first=1)
        await store.told(2)
        await store.close()
        store = new_store()
        lost = await store.open()
        assert lost == Head(lost.epoch, offset=1, first=1)
        assert lost.epoch != first.epoch
        await store.close()
        store = new_store()
        assert await store.open() == lost
        await store.close()

    async def test_backup(self, store: OwnStore, tmp_path: Path) -> None:
        """A backup of a serving store is made, and the store goes on."""
        await store.commit(batch(put(works_record())))
        await store.backup(tmp_path / "copy")
        assert (tmp_path / "copy").stat().st_size
        (change,) = await store.commit(batch(put(works_record(2))))
        assert change.offset == 2


def _number(record: object) -> int:
    return int(record.key.id.removeprefix("voirie:"))  # type: ignore[attr-defined]


def _reply(owner: str, key: str) -> Reply:
    return Reply(owner, key, body_hash=b"\x01\x02", status=201, body=b'{"id":"x"}', expires=NOON + DAY)
