"""A report of a synchronisation as readers get it: faults by name, and rows for the page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from geoworks.errors import Problem
from geoworks.pipeline.sync_report import Counts, SourceStatus, SyncReport
from geoworks.ports import Rejected


class Fault(Struct, frozen=True):
    """One fault of one record: where, what is wrong, how to mend it."""

    where: str
    what: str
    mend: str


class RejectedShown(Struct, frozen=True, kw_only=True):
    """A record that was not taken; `position` counts from 1, `place` is lon, lat where one is known."""

    position: int
    source_id: str
    problems: list[Fault]
    place: tuple[float, float] | None
    sample: dict[str, str]


class ReportShown(Struct, frozen=True, kw_only=True):
    """What a synchronisation did; a dry run tells what it would do."""

    source: str
    actor: str
    started: datetime
    finished: datetime
    dry_run: bool
    counts: Counts
    rejected: list[RejectedShown]
    held: tuple[str, ...]


def show_report(report: SyncReport) -> ReportShown:
    """Return a report as the API tells it."""
    fields = structs.asdict(report) | {"rejected": [_show_rejected(rejected) for rejected in report.rejected]}
    return ReportShown(**fields)


def report_rows(report: SyncReport, status: SourceStatus) -> dict[str, Any]:
    """Return a report as the page shows it: one row for each fault."""
    return {
        "at": report.finished,
        "dry_run": report.dry_run,
        "counts": structs.asdict(report.counts),
        "held": report.counts.held,
        "error": status.error,
        "rejected": [_row(rejected, problem) for rejected in report.rejected for problem in rejected.problems],
    }


def source_row(status: SourceStatus) -> dict[str, Any]:
    """Return how a source stands as the status page shows it."""
    return {
        "name": status.source,
        "state": _state_word(status),
        "updated": status.last_success,
        "count": status.counts.added + status.counts.changed + status.counts.unchanged,
        "rejected": status.counts.rejected,
        "held": status.counts.held,
        "error": status.error,
    }


def _state_word(status: SourceStatus) -> str:
    if status.error:
        return "failed"
    if status.last_success is None:
        return "waiting"
    return "stale" if status.stale else "fresh"


def _show_rejected(rejected: Rejected) -> RejectedShown:
    return RejectedShown(
        position=rejected.position,
        source_id=rejected.source_id,
        problems=[Fault(*problem) for problem in rejected.problems],
        place=rejected.place,
        sample=dict(rejected.sample),
    )


def _row(rejected: Rejected, problem: Problem) -> dict[str, Any]:
    return {
        "which": rejected.source_id or str(rejected.position),
        "where": problem.where,
        "why": problem.what,
        "mend": problem.mend,
        "at": rejected.place,
    }
