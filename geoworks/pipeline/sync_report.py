"""What a synchronisation did, and how a source stands; kept in the store so that a restart forgets nothing."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, structs

from geoworks.ports import Rejected

# A source is stale after as many missed intervals.
MISSED_INTERVALS = 3


class Counts(Struct, frozen=True, kw_only=True):
    """How many records a synchronisation found in each state.

    `read` is all the source gave, `ignored` what its configuration leaves out on purpose. `removed` counts works
    taken off, `held` those whose removal waits for a person.
    """

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    held: int = 0
    rejected: int = 0
    ignored: int = 0

    def __str__(self) -> str:
        """Say what there was, leaving out what there was none of."""
        told = [f"{number} {name}" for name, number in structs.asdict(self).items() if number]
        return ", ".join(told) or "nothing read"

    @property
    def written(self) -> int:
        """Return how many features the synchronisation wrote."""
        return self.added + self.changed + self.removed


class SyncReport(Struct, frozen=True, kw_only=True):
    """One synchronisation of one source.

    `rejected` holds the first records that were not taken (`counts.rejected` counts all); `held` the source's ids
    of all works whose removal waits. A dry run tells what would be.
    """

    source: str
    actor: str
    started: datetime
    finished: datetime
    dry_run: bool = False
    counts: Counts = Counts()
    rejected: tuple[Rejected, ...] = ()
    held: tuple[str, ...] = ()


class SourceState(Struct, frozen=True, kw_only=True):
    """What is remembered of a source: its last synchronisation that worked, and the last that was tried.

    `error` is what the last attempt failed by, empty when it worked; `on_hold` has every removal wait.
    """

    last_attempt: datetime | None = None
    last_success: datetime | None = None
    error: str = ""
    on_hold: bool = False
    report: SyncReport | None = None


class SourceStatus(Struct, frozen=True, kw_only=True):
    """How a source stands, as `/status` shows it; `delay_s` is the age of what is shown of it."""

    source: str
    interval_s: float
    last_attempt: datetime | None
    last_success: datetime | None
    delay_s: float | None
    stale: bool
    error: str
    on_hold: bool
    counts: Counts


def tell_status(source: str, state: SourceState, *, interval_s: float, now: datetime) -> SourceStatus:
    """Tell how a source stands now; one that is only synchronised when asked never grows stale."""
    delay_s = (now - state.last_success).total_seconds() if state.last_success else None
    late = delay_s is None or delay_s > MISSED_INTERVALS * interval_s
    return SourceStatus(
        source=source,
        interval_s=interval_s,
        last_attempt=state.last_attempt,
        last_success=state.last_success,
        delay_s=delay_s,
        stale=late if interval_s else bool(state.error),
        error=state.error,
        on_hold=state.on_hold,
        counts=state.report.counts if state.report else Counts(),
    )
