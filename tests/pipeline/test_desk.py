"""The desk: durable before told, group commit, one submitter's fault is nobody else's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from geoworks.clock import ManualClock
from geoworks.errors import Conflict, ServiceStopping, StaleVersion, StoreFull
from geoworks.model.change import Key, Kind, Op, Reason
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, works_key, zone_key
from geoworks.pipeline.works import cancel
from geoworks.ports import Batch, Committed
from geoworks.state import State
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import NOON, House, a_works, a_zone, open_house, put, put_zone


class CountingStore(SqliteStore):
    """A real store that counts its commits and can be made to refuse them."""

    commits = 0
    refuse = 0

    async def commit(self, batch: Batch) -> Committed:
        """Commit, unless it is told to be full."""
        if self.refuse:
            self.refuse -= 1
            msg = "the disk is full"
            raise StoreFull(msg)
        self.commits += 1
        return await super().commit(batch)


def remove(id_: str) -> Edit[None]:
    """Return an edit that takes a works away."""
    return lambda draft: draft.remove(works_key(id_), reason=Reason.WITHDRAWN)


async def test_a_write_is_numbered_told_and_in_the_state(house: House) -> None:
    """What was submitted stands in the state, the log and the followers' ears when the submitter is answered."""
    assert await house.desk.submit(put("api:1", reason=Reason.CREATED)) == 1
    entry = house.state.get(works_key("api:1"))
    assert entry is not None
    assert b'"status":"active"' in entry.body
    changes = await house.store.changes(0, limit=10)
    assert [(change.offset, change.reason) for change in changes] == [(1, Reason.CREATED)]
    assert house.told == list(changes)
    assert house.state.cursor.offset == 1


async def test_edits_that_wait_share_a_transaction(tmp_path: Path, clock: ManualClock) -> None:
    """Fifty writers at once cost a few commits, not fifty."""
    store = CountingStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        before = store.commits
        await asyncio.gather(*(house.desk.submit(put(f"api:{number}")) for number in range(50)))
        assert house.state.count(Kind.WORKS) == 50
        assert store.commits - before <= 3


async def test_a_faulty_edit_stops_no_other(house: House) -> None:
    """What one edit raises reaches its submitter alone, and none of its writes stay."""

    def faulty(draft: Draft) -> None:
        draft.put(works_key("api:bad"), a_works(), reason=Reason.CREATED)
        raise Conflict("no")

    answers = await asyncio.gather(
        house.desk.submit(put("api:1")),
        house.desk.submit(faulty),
        house.desk.submit(lambda _: 1 / 0),
        house.desk.submit(put("api:2")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [int, Conflict, ZeroDivisionError, int]
    assert house.state.get(works_key("api:bad")) is None
    assert house.state.count(Kind.WORKS) == 2


async def test_a_refusal_waits_for_what_it_rests_on(tmp_path: Path, clock: ManualClock) -> None:
    """Who is refused for another's write of the same batch is told once that is durable, so it can be read then."""
    store = CountingStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        versions: list[int] = []

        async def refused() -> None:
            with pytest.raises(StaleVersion):
                await house.desk.submit(cancel("api:1", actor="test", seen=1))
            entry = house.state.get(works_key("api:1"))
            assert entry is not None
            versions.append(entry.record.version)

        await house.desk.submit(put("api:1", reason=Reason.CREATED))
        before = store.commits
        await asyncio.gather(house.desk.submit(put("api:1", a_works(title="new"))), refused())
        assert (versions, store.commits - before) == ([2], 1)


async def test_a_refusal_that_rests_on_a_lost_write_is_none(tmp_path: Path, clock: ManualClock) -> None:
    """When that write is not taken by the store, both may try again; who was refused for what is durable is refused."""
    store = CountingStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        await house.desk.submit(put("api:1", reason=Reason.CREATED))
        store.refuse = 1
        answers = await asyncio.gather(
            house.desk.submit(cancel("api:1", actor="test", seen=7)),
            house.desk.submit(put("api:1", a_works(title="new"))),
            house.desk.submit(cancel("api:1", actor="test", seen=1)),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [StaleVersion, StoreFull, StoreFull]


async def test_the_same_again_writes_nothing(house: House) -> None:
    """An unchanged put has no number, no version, no word to anybody."""
    await house.desk.submit(put("api:1"))
    head = house.state.cursor
    assert await house.desk.submit(put("api:1")) == 1
    assert house.state.cursor == head
    assert len(await house.store.versions(works_key("api:1"))) == 1


async def test_a_new_raw_hash_is_kept_without_telling(tmp_path: Path, clock: ManualClock) -> None:
    """A record that a source wrote otherwise with the same meaning changes for nobody, and is remembered."""
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as house:
        await house.desk.submit(put("v:1", raw_hash=b"a"))
        head = house.state.cursor
        await house.desk.submit(put("v:1", raw_hash=b"b"))
        assert house.state.cursor == head
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as again:
        entry = again.state.get(works_key("v:1"))
        assert entry is not None
        assert entry.record.raw_hash == b"b"


async def test_two_writes_of_one_feature_in_one_batch_are_two_versions(house: House) -> None:
    """Each has its number, and the second knows what the first left for the matcher."""
    await house.desk.submit(put_zone("gare", a_zone()))
    await house.rejoiner.refresh()

    def twice(draft: Draft) -> None:
        put("api:1", a_works(title="a"))(draft)
        put("api:1", a_works(title="b"))(draft)

    await house.desk.submit(twice)
    entry = house.state.get(works_key("api:1"))
    assert entry is not None
    assert entry.record.version == 2
    assert entry.keys.zones == ("gare",)
    first, second = (change for change in house.told if change.key == works_key("api:1"))
    assert first.before is None
    assert second.before is not None
    assert second.before.terms is not None
    assert second.before.terms.works.title == "a"
    assert replace(second.before, terms=None) == replace(entry.keys, terms=None)


async def test_a_full_disk_loses_nothing_and_recovers(tmp_path: Path, clock: ManualClock) -> None:
    """The submitter is told, the state stays what the store holds, and the next write goes through."""
    store = CountingStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        store.refuse = 1
        with pytest.raises(StoreFull):
            await house.desk.submit(put("api:1"))
        assert house.state.get(works_key("api:1")) is None
        await house.desk.submit(put("api:1"))
        assert [change.offset for change in await store.changes(0, limit=9)] == [1]


async def test_the_house_tries_its_own_edits_again(tmp_path: Path, clock: ManualClock) -> None:
    """A follow-up that met a full disk is written when there is room."""
    store = CountingStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        store.refuse = 1
        house.desk.follow_up(put_zone("own", a_zone()))
        with pytest.raises(StoreFull):
            await house.desk.submit(put("api:1"))
        await house.quiet()
        assert house.state.get(zone_key("own")) is not None


async def test_a_stopped_desk_says_so(house: House) -> None:
    """After the end nobody is left waiting."""
    await house.desk.stop()
    with pytest.raises(ServiceStopping):
        await house.desk.submit(put("api:1"))


async def test_removed_features_are_told_with_what_they_were(house: House) -> None:
    """A removal carries the keys of the version it removes."""
    await house.desk.submit(put("api:1"))
    entry = house.state.get(works_key("api:1"))
    assert entry is not None
    await house.desk.submit(remove("api:1"))
    last = house.told[-1]
    assert (last.op, last.reason, last.before) == (Op.REMOVE, Reason.WITHDRAWN, entry.keys)


Step = tuple[str, int, int]


@settings(max_examples=25)
@given(steps=st.lists(st.tuples(st.sampled_from(["put", "drop", "wait"]), st.integers(0, 3), st.integers(0, 2))))
async def test_the_state_is_always_what_the_store_holds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """After any edits and any time, a restart finds the very state that was there, and gapless offsets."""
    folder, clock = tmp_path_factory.mktemp("town"), ManualClock(NOON)
    async with open_house(SqliteStore(folder, clock=clock), clock) as house:
        await house.desk.submit(put_zone("gare", a_zone()))
        await house.rejoiner.refresh()
        for verb, number, variant in steps:
            if verb == "wait":
                await house.advance(timedelta(hours=6 * number))
            elif verb == "drop":
                await house.desk.submit(remove(f"api:{number}"))
            else:
                works = a_works(title=str(variant), start=NOON + timedelta(hours=6 * variant))
                await house.desk.submit(put(f"api:{number}", works))
        await house.quiet()
        bodies, head = contents(house.state), house.state.cursor
        offsets = [change.offset for change in await house.store.changes(0, limit=1000)]
    assert offsets == list(range(1, head.offset + 1))
    async with open_house(SqliteStore(folder, clock=clock), clock) as again:
        assert (contents(again.state), again.state.cursor) == (bodies, head)


def contents(state: State) -> dict[Key, bytes]:
    """Return every feature of a state as it is sent."""
    return {entry.record.key: entry.body for kind in Kind for entry in state.of_kind(kind)}
