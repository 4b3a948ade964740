"""Synchronisation by difference, into a real store, from a source the test writes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoworks.clock import ManualClock
from geoworks.config.settings import Data
from geoworks.errors import NotFound, Problem, SourceError, StoreError
from geoworks.model.change import Kind, Op, Reason
from geoworks.model.works import Works
from geoworks.pipeline.draft import Draft, works_key
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.sync_report import Counts
from geoworks.ports import Batch, Committed
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import NOON, House, a_works, a_zone, open_house, put_zone
from tests.pipeline.supplies import ListSource

WRONG = Problem("schedule.start", "'32/01/2026' is no date", "write it as 31/01/2026")


def make_syncs(house: House, *sources: ListSource) -> Syncs:
    """Return the synchronisation of some sources into a house."""
    return Syncs(sources, desk=house.desk, state=house.state, store=house.store, clock=house.clock, data=Data())


def listed(count: int) -> list[tuple[str, Works | Problem]]:
    """Return so many different works, under way."""
    return [(str(number), a_works(title=f"Travaux {number}")) for number in range(count)]


def ids(house: House) -> set[str]:
    """Return the ids of all works there are."""
    return {entry.record.key.id for entry in house.state.of_kind(Kind.WORKS)}


async def test_the_first_synchronisation_adds_everything(house: House) -> None:
    """Every record becomes a works named after its source, joined with the zones it lies in."""
    await house.desk.submit(put_zone("gare", a_zone()))
    await house.rejoiner.refresh()
    source = ListSource()
    source.items = listed(3)
    report = await make_syncs(house, source).sync("voirie", actor="marie")
    assert report.counts == Counts(read=3, added=3)
    assert source.last.closed
    assert ids(house) == {"voirie:0", "voirie:1", "voirie:2"}
    entry = house.state.get(works_key("voirie:0"))
    assert entry
    assert (entry.record.source, entry.keys.zones) == ("voirie", ("gare",))
    assert [change.reason for change in house.told if change.key.kind is Kind.WORKS] == [Reason.CREATED] * 3


async def test_the_same_input_twice_writes_nothing(house: House) -> None:
    """A second synchronisation of the same input maps nothing and leaves the log where it was."""
    source = ListSource()
    source.items = listed(1200)
    syncs = make_syncs(house, source)
    assert (await syncs.sync("voirie", actor="voirie")).counts.added == 1200
    await house.quiet()
    offset = house.state.cursor.offset
    report = await syncs.sync("voirie", actor="voirie")
    assert report.counts == Counts(read=1200, unchanged=1200)
    assert (house.state.cursor.offset, source.last.mapped) == (offset, 0)


async def test_only_what_changed_is_written(house: House) -> None:
    """One changed, one new and two withdrawn records are four changes, each with its reason."""
    source = ListSource(removal_guard=0.5)
    source.items = listed(5)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    await house.quiet()
    house.told.clear()
    source.items = [*listed(4)[1:], ("9", a_works(title="neuf"))]
    source.items[0] = ("1", a_works(title="autre"))
    report = await syncs.sync("voirie", actor="voirie")
    assert report.counts == Counts(read=4, added=1, changed=1, unchanged=2, removed=2)
    told = {(change.key.id, change.op, change.reason) for change in house.told}
    assert told == {
        ("voirie:1", Op.PUT, Reason.UPDATED),
        ("voirie:9", Op.PUT, Reason.CREATED),
        ("voirie:0", Op.REMOVE, Reason.WITHDRAWN),
        ("voirie:4", Op.REMOVE, Reason.WITHDRAWN),
    }


async def test_a_record_written_otherwise_is_unchanged(house: House) -> None:
    """A new raw hash over the same given fields is counted unchanged, told to nobody, and not mapped again."""
    source = ListSource()
    source.items = listed(1)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    await house.desk.submit(_forget_hash)
    offset = house.state.cursor.offset
    for mapped in (1, 0):
        report = await syncs.sync("voirie", actor="voirie")
        assert report.counts == Counts(read=1, unchanged=1)
        assert (house.state.cursor.offset, source.last.mapped) == (offset, mapped)


def _forget_hash(draft: Draft) -> None:
    record = draft.get(works_key("voirie:0"))
    assert record
    draft.put(record.key, record.given, reason=Reason.UPDATED, source="voirie", raw_hash=b"another")


async def test_one_bad_record_never_stops_the_rest(house: House) -> None:
    """Bad records are told with place and mend; the others are taken."""
    source = ListSource()
    source.items = [*listed(3), ("bad", WRONG), ("0", a_works(title="double"))]
    report = await make_syncs(house, source).sync("voirie", actor="voirie")
    assert report.counts == Counts(read=5, added=3, rejected=2)
    bad, double = report.rejected
    assert (bad.position, bad.source_id, bad.problems, bad.place) == (4, "bad", (WRONG,), (2.3, 48.6))
    assert (double.position, double.source_id) == (5, "0")


async def test_a_record_that_went_bad_keeps_its_last_good_version(house: House) -> None:
    """What was good before and cannot be mapped now stays as it was, and is reported."""
    source = ListSource()
    source.items = listed(2)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    source.items[1] = ("1", WRONG)
    report = await syncs.sync("voirie", actor="voirie")
    assert report.counts == Counts(read=2, unchanged=1, rejected=1)
    assert ids(house) == {"voirie:0", "voirie:1"}


async def test_a_dry_run_tells_and_writes_nothing(house: House) -> None:
    """A dry run counts what would be and leaves state, log and status as they are."""
    source = ListSource(removal_guard=1.0)
    source.items = listed(3)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    await house.quiet()
    before = (house.state.cursor, syncs.status())
    source.items = [("1", a_works(title="autre")), ("9", a_works()), ("bad", WRONG)]
    report = await syncs.sync("voirie", actor="marie", dry_run=True)
    assert report.counts == Counts(read=3, added=1, changed=1, removed=2, rejected=1)
    assert report.dry_run
    assert (house.state.cursor, syncs.status()) == before
    assert syncs.report("voirie").counts.added == 3


async def test_half_the_records_gone_waits_for_a_person(house: House) -> None:
    """A source that gives half its records removes nothing until a person releases it."""
    source = ListSource()
    source.items = listed(10)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    source.items = listed(5)
    report = await syncs.sync("voirie", actor="voirie")
    assert (report.counts.held, report.counts.removed, len(ids(house))) == (5, 0, 10)
    assert report.held == ("5", "6", "7", "8", "9")
    released = await syncs.release("voirie", actor="marie")
    assert (released.counts.held, released.counts.removed, len(ids(house))) == (0, 5, 5)
    assert {change.reason for change in house.told if change.op is Op.REMOVE} == {Reason.WITHDRAWN}
    assert (await syncs.sync("voirie", actor="voirie")).counts == Counts(read=5, unchanged=5)


async def test_what_comes_back_is_not_removed_by_a_release(house: House) -> None:
    """The source mends itself before anybody decides: nothing waits any more, a release removes nothing."""
    source = ListSource()
    source.items = listed(4)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    source.items = []
    assert (await syncs.sync("voirie", actor="voirie")).counts.held == 4
    source.items = listed(4)
    await syncs.sync("voirie", actor="voirie")
    await syncs.release("voirie", actor="marie")
    assert len(ids(house)) == 4


async def test_a_source_on_hold_removes_nothing(house: House) -> None:
    """Once a person holds a source every removal waits, until the release lets it go on as before."""
    source = ListSource(removal_guard=1.0)
    source.items = listed(3)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    assert (await syncs.hold("voirie")).on_hold
    source.items = listed(2)
    assert (await syncs.sync("voirie", actor="voirie")).counts.held == 1
    await syncs.release("voirie", actor="marie")
    source.items = listed(1)
    report = await syncs.sync("voirie", actor="voirie")
    assert (report.counts.removed, ids(house)) == (1, {"voirie:0"})


async def test_ended_works_leave_when_the_source_forgets_them(house: House) -> None:
    """Works that are over and drop out of the export stay readable for the days set, then go without a guard."""
    source = ListSource(removal_guard=0.0)
    source.items = [*listed(1), *((f"old{n}", a_works(end=NOON - timedelta(hours=1))) for n in range(5))]
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    source.items = listed(1)
    assert (await syncs.sync("voirie", actor="voirie")).counts == Counts(read=1, unchanged=1)
    assert len(ids(house)) == 6
    house.clock.advance(timedelta(days=15))
    report = await syncs.sync("voirie", actor="voirie")
    assert (report.counts.removed, ids(house)) == (0, {"voirie:0"})
    assert {change.reason for change in house.told if change.op is Op.REMOVE} == {Reason.EXPIRED}


async def test_corrections_by_staff_survive(house: House) -> None:
    """What staff laid over a record stays while the source changes what lies below."""
    source = ListSource()
    source.items = listed(1)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")

    def correct(draft: Draft) -> None:
        record = draft.get(works_key("voirie:0"))
        assert record
        draft.put(
            record.key,
            record.given,
            reason=Reason.CORRECTED,
            overlay={"title": "corrigé"},
            raw_hash=record.raw_hash,
        )

    await house.desk.submit(correct)
    source.items = [("0", a_works(title="nouveau titre"))]
    assert (await syncs.sync("voirie", actor="voirie")).counts.changed == 1
    entry = house.state.get(works_key("voirie:0"))
    assert entry
    assert (entry.record.overlay, b"corrig" in entry.body) == ({"title": "corrigé"}, True)


async def test_works_of_others_are_left_alone(house: House) -> None:
    """A source compares only with its own works, also when another's name begins with its own."""
    voirie, voirie_nord = ListSource(removal_guard=1.0), ListSource("voirie-nord")
    voirie.items, voirie_nord.items = listed(2), listed(2)
    syncs = make_syncs(house, voirie, voirie_nord)
    for name in ("voirie", "voirie-nord"):
        await syncs.sync(name, actor=name)
    voirie.items = listed(1)
    await syncs.sync("voirie", actor="voirie")
    assert ids(house) == {"voirie:0", "voirie-nord:0", "voirie-nord:1"}


async def test_a_failing_source_keeps_its_works_and_grows_stale(house: House) -> None:
    """A source that cannot be read wipes nothing; after three missed intervals it is stale, until it works again."""
    source = ListSource(interval_s=60)
    source.items = listed(2)
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="voirie")
    source.failure = "its server answers 500"
    house.clock.advance(timedelta(seconds=60))
    with pytest.raises(SourceError, match="500"):
        await syncs.sync("voirie", actor="voirie")
    (status,) = syncs.status()
    assert (status.stale, status.error, status.delay_s, len(ids(house))) == (False, source.failure, 60, 2)
    assert (status.last_success, status.last_attempt) == (NOON, NOON + timedelta(seconds=60))
    house.clock.advance(timedelta(seconds=121))
    assert syncs.status()[0].stale
    source.failure = ""
    await syncs.sync("voirie", actor="voirie")
    (status,) = syncs.status()
    assert (status.stale, status.error, status.delay_s, status.counts.unchanged) == (False, "", 0, 2)


async def test_a_bad_upload_says_nothing_of_the_source(house: House) -> None:
    """An uploaded file that cannot be read is refused to who sent it; the source's status stays."""
    source = ListSource()
    syncs = make_syncs(house, source)
    await syncs.sync("voirie", actor="marie", upload=Path("travaux.zip"))
    source.failure = "the zip is damaged"
    with pytest.raises(SourceError, match="damaged"):
        await syncs.sync("voirie", actor="marie", upload=Path("travaux.zip"))
    assert (syncs.status()[0].error, source.uploads) == ("", [Path("travaux.zip")])


async def test_an_unknown_source_is_named(house: House) -> None:
    """A name that is no source's is answered with those there are; so is a report that is not there yet."""
    syncs = make_syncs(house, ListSource())
    with pytest.raises(NotFound, match=r"config\.toml names voirie"):
        await syncs.sync("parking", actor="marie")
    with pytest.raises(NotFound, match="not synchronised yet"):
        syncs.report("voirie")


async def test_reports_and_status_survive_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """After a restart the last report, what is held and how the source stands are as before."""
    source = ListSource()
    source.items = [*listed(4), ("bad", WRONG)]
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as house:
        syncs = make_syncs(house, source)
        await syncs.sync("voirie", actor="voirie")
        source.items = [("bad", WRONG), *listed(1)]
        before = await syncs.sync("voirie", actor="voirie")
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as house:
        syncs = make_syncs(house, source)
        await syncs.load()
        assert syncs.report("voirie") == before
        assert syncs.status()[0].counts.held == 3
        await syncs.release("voirie", actor="marie")
        assert ids(house) == {"voirie:0"}


async def test_every_source_is_followed_at_its_interval(house: House) -> None:
    """The loop synchronises at once and again, and one failing source stops no other; interval 0 waits to be asked."""
    good, bad, asked = (
        ListSource("good", interval_s=0.01),
        ListSource("bad", interval_s=0.01),
        ListSource("asked", interval_s=0),
    )
    good.items, bad.failure = listed(1), "gone"
    syncs = make_syncs(house, good, bad, asked)
    again = asyncio.Event()
    house.desk.followers.append(lambda _: again.set())
    running = asyncio.create_task(syncs.run())
    try:
        async with asyncio.timeout(10):
            await again.wait()
            again.clear()
            good.items = listed(2)
            await again.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    statuses = {status.source: status for status in syncs.status()}
    assert statuses["bad"].error == "gone"
    assert statuses["asked"].last_attempt is None
    assert not statuses["asked"].stale


async def test_a_store_that_cannot_write_is_told_and_recovered_from(tmp_path: Path, clock: ManualClock) -> None:
    """When the store fails in the middle, nothing is half written and the next synchronisation goes on."""
    store = FlakyStore(tmp_path, clock=clock)
    async with open_house(store, clock) as house:
        source = ListSource()
        source.items = listed(700)
        syncs = make_syncs(house, source)
        store.allowed = 1
        with pytest.raises(StoreError):
            await syncs.sync("voirie", actor="voirie")
        assert source.last.closed
        assert len(ids(house)) == 500
        store.allowed = 1000
        report = await syncs.sync("voirie", actor="voirie")
        assert report.counts == Counts(read=700, added=200, unchanged=500)


class FlakyStore(SqliteStore):
    """A store that takes so many batches more, then says it cannot."""

    allowed = 1000

    async def commit(self, batch: Batch) -> Committed:
        """Write, as long as it may."""
        if not self.allowed:
            raise StoreError("the disk is gone")
        self.allowed -= 1
        return await super().commit(batch)


readings = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "z"]), max_size=6), min_size=1, max_size=5
)


@settings(max_examples=20)
@given(readings)
async def test_the_works_are_always_those_the_source_gave_last(
    tmp_path_factory: pytest.TempPathFactory, given_readings: list[dict[str, str]]
) -> None:
    """Whatever a source gives one after the other, the town holds exactly the last (no guard, never empty)."""
    clock = ManualClock(NOON)
    source = ListSource(removal_guard=1.0)
    async with open_house(SqliteStore(tmp_path_factory.mktemp("town"), clock=clock), clock) as house:
        syncs = make_syncs(house, source)
        for reading in given_readings:
            source.items = [("fixed", a_works()), *((id_, a_works(title=title)) for id_, title in reading.items())]
            await syncs.sync("voirie", actor="voirie")
            held = {
                entry.record.key.id: entry.record.given.title
                for entry in house.state.of_kind(Kind.WORKS)
                if isinstance(entry.record.given, Works)
            }
            assert held == {"voirie:fixed": "Réseau d'eau"} | {f"voirie:{id_}": title for id_, title in reading.items()}
