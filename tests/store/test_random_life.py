"""A store lives any life, and stays what a dictionary and three lists would be."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from geoworks.clock import ManualClock
from geoworks.config.settings import StoreTable
from geoworks.model.change import Change, Key, MatchKeys, Reason, Record
from geoworks.model.feature import match_keys
from geoworks.ports import Batch, Head, OwnStore, Write
from geoworks.store.sqlite import SqliteStore
from tests.postgres import Databases
from tests.store.alone import Alone
from tests.store.samples import NOON, logged_keys, read_records, works_record

# Few features, so that writes meet; what a record may hold is the codec's test.
RECORDS = st.builds(works_record, st.integers(1, 3), version=st.integers(1, 9), title=st.sampled_from(["a", "é"]))


@st.composite
def write(draw: st.DrawFn) -> Write:
    """Draw a write of any kind on one of few features."""
    record = draw(RECORDS)
    return Write(
        key=record.key,
        record=draw(st.none() | st.just(record)),
        reason=draw(st.sampled_from(Reason)),
        before=match_keys(record) if draw(st.booleans()) else None,
        new_version=draw(st.booleans()),
        silent=draw(st.sampled_from([False, False, True])),
    )


class Life(RuleBasedStateMachine):
    """Commits, prunings, reopenings in any order."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.runner = asyncio.Runner()
        self.dir = Path(tempfile.mkdtemp(prefix="geoworks-life-"))
        self.store = self.new_store()
        self.epoch = self.runner.run(self.store.open()).epoch
        self.now = NOON
        self.records: dict[Key, Record] = {}
        self.log: list[tuple[datetime, Key, int, MatchKeys | None]] = []
        self.versions: dict[Key, list[int]] = {}
        self.first = 1

    def new_store(self) -> OwnStore:
        """Make the store that lives, on the folder."""
        return SqliteStore(self.dir, clock=ManualClock(NOON))

    @rule(writes=st.lists(write(), max_size=5))
    def commit(self, writes: list[Write]) -> None:
        """Write a batch to both."""
        self.now += timedelta(hours=1)
        changes = self.runner.run(self.store.commit(Batch(tuple(writes), self.now)))
        logged = len(self.log)
        for write in writes:
            self.write(write)
        assert [change.offset for change in changes] == list(range(logged + 1, len(self.log) + 1))

    def write(self, write: Write) -> None:
        """Do to the model what the port says."""
        standing = self.records.pop(write.key, None)
        told = write.record or standing
        if not write.silent:
            self.log.append((self.now, write.key, told.version if told else 0, logged_keys(write.before)))
        if write.record:
            self.records[write.key] = write.record
            if write.new_version:
                self.versions.setdefault(write.key, []).append(write.record.version)

    @rule(hours=st.integers(0, 5))
    def prune(self, hours: int) -> None:
        """Drop what is older than some hours."""
        before = self.now - timedelta(hours=hours)
        dropped = self.runner.run(self.store.prune(changes_before=before, now=self.now))
        kept = sum(1 for at, *_ in self.log[self.first - 1 :] if at >= before)
        assert dropped == len(self.log) - self.first + 1 - kept
        self.first += dropped

    @rule()
    def reopen(self) -> None:
        """Close and open."""
        self.runner.run(self.store.close())
        assert self.runner.run(self.store.open()) == Head(self.epoch, len(self.log), self.first)

    @invariant()
    def same(self) -> None:
        """Both tell the same."""
        self.runner.run(self.compare())

    async def compare(self) -> None:
        """Read everything and compare."""
        assert await read_records(self.store) == self.records
        changes = list(await self.store.changes(0, limit=10_000))
        assert [_told(change) for change in changes] == self.log[self.first - 1 :]
        assert [change.offset for change in changes] == list(range(self.first, len(self.log) + 1))

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def history(self, data: st.DataObject) -> None:
        """Compare the history of one feature."""
        key = data.draw(st.sampled_from(sorted(self.versions)))
        versions = self.runner.run(self.store.versions(key))
        assert [version.version for version in versions] == self.versions[key]

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.runner.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.dir)


def _told(change: Change) -> tuple[datetime, Key, int, MatchKeys | None]:
    return change.at, change.key, change.version, change.before


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase


def test_life_on_postgis(databases: Databases) -> None:
    """So does one on a server."""

    class LifeOnPostgis(Life):
        def new_store(self) -> OwnStore:
            table = StoreTable(dsn=databases.server.dsn(databases.new()))
            return Alone(table, self.dir, clock=ManualClock(NOON))

    run_state_machine_as_test(LifeOnPostgis, settings=settings(max_examples=10, stateful_step_count=15, deadline=None))
