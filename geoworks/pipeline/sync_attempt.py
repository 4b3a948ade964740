"""One synchronisation under way: the edits it submits, and what it counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import structs

from geoworks.ids import works_id
from geoworks.model.change import Key, Kind, Reason
from geoworks.model.overlay import effective
from geoworks.model.works import Works, WorksDerived
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft
from geoworks.pipeline.plan import Guard, Known, Plan, compare
from geoworks.pipeline.sync_report import Counts, SyncReport
from geoworks.ports import Candidate, Reading, Rejected, Source
from geoworks.state import Entry

# Refused records told one by one; all are counted.
MOST_REJECTED = 1000


class Attempt:
    """One synchronisation under way: what it found so far."""

    def __init__(self, source: Source, *, actor: str, started: datetime, dry_run: bool) -> None:
        """Begin with nothing found."""
        self.source = source
        self.actor = actor
        self.started = started
        self.dry_run = dry_run
        self._rejected: list[Rejected] = []
        self._counts = Counts()

    def began(self, reading: Reading, plan: Plan) -> None:
        """Note what the reading itself refused."""
        read = len(reading.candidates) + len(reading.rejected) + reading.ignored
        self._reject(reading.rejected)
        self._count(read=read, ignored=reading.ignored, unchanged=plan.unchanged)

    def writing(
        self, candidates: Sequence[Candidate], mapped: Sequence[Works | Rejected]
    ) -> Edit[tuple[int, int, int]]:
        """Return the edit that writes what was mapped; its result counts the added, changed and unchanged."""
        self._reject([result for result in mapped if isinstance(result, Rejected)])
        good = [
            (candidate, works)
            for candidate, works in zip(candidates, mapped, strict=True)
            if not isinstance(works, Rejected)
        ]

        def write(draft: Draft) -> tuple[int, int, int]:
            results = [self._write(draft, candidate, works) for candidate, works in good]
            added, changed = results.count(Reason.CREATED), results.count(Reason.UPDATED)
            return added, changed, len(results) - added - changed

        return write

    def wrote(self, counts: tuple[int, int, int]) -> None:
        """Count what an edit wrote."""
        added, changed, unchanged = counts
        self._count(added=added, changed=changed, unchanged=unchanged)

    def report(self, plan: Plan, finished: datetime) -> SyncReport:
        """Tell how it went."""
        self._count(removed=len(plan.removed), held=len(plan.held))
        return SyncReport(
            source=self.source.name,
            actor=self.actor,
            started=self.started,
            finished=finished,
            dry_run=self.dry_run,
            counts=self._counts,
            rejected=tuple(sorted(self._rejected, key=lambda one: one.position)),
            held=tuple(plan.held),
        )

    def _write(self, draft: Draft, candidate: Candidate, works: Works) -> Reason | None:
        key = Key(Kind.WORKS, works_id(self.source.name, candidate.source_id))
        old = draft.get(key)
        reason = Reason.CREATED if old is None else Reason.UPDATED
        draft.put(key, works, reason=reason, actor=self.actor, source=self.source.name, raw_hash=candidate.raw_hash)
        return None if old is not None and old.given == works else reason

    def _reject(self, rejected: Sequence[Rejected]) -> None:
        self._count(rejected=len(rejected))
        self._rejected += rejected[: MOST_REJECTED - len(self._rejected)]

    def _count(self, **more: int) -> None:
        found = {name: getattr(self._counts, name) + number for name, number in more.items()}
        self._counts = structs.replace(self._counts, **found)


def make_plan(reading: Reading, entries: Sequence[Entry], *, source: str, guard: Guard) -> Plan:
    """Compare a reading with the works the town holds of its source."""
    refused = {rejected.source_id for rejected in reading.rejected}
    return compare(reading.candidates, dict(_known(entries, source)), refused=refused, guard=guard)


def _known(entries: Iterable[Entry], source: str) -> Iterator[tuple[str, Known]]:
    prefix = f"{source}:"
    for entry in entries:
        record = entry.record
        if record.source == source and record.key.id.startswith(prefix):
            yield record.key.id.removeprefix(prefix), Known(record.raw_hash, _ended(entry))


def _ended(entry: Entry) -> datetime | None:
    """Return when a works ended; None while something may still come of it."""
    derived = entry.record.derived
    if not (isinstance(derived, WorksDerived) and derived.status.over):
        return None
    works: Works = effective(entry.record)
    end = works.cancelled_at or works.schedule.actual_end or works.schedule.end
    return end or entry.record.updated


def removing(source: str, ids: Sequence[str], *, reason: Reason, actor: str) -> Edit[int]:
    """Return the edit that takes works of a source off; its result counts those that were there."""

    def remove(draft: Draft) -> int:
        keys = [Key(Kind.WORKS, works_id(source, id_)) for id_ in ids]
        there = [key for key in keys if draft.get(key) is not None]
        for key in there:
            draft.remove(key, reason=reason, actor=actor)
        return len(there)

    return remove
