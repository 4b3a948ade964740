"""Edits of reports: file, release or hide, move on with an answer, withdraw.

A report is written by a citizen, released and answered by a moderator, and taken back by whoever holds its link.
"""

from __future__ import annotations

import hmac

from msgspec import structs

from geoworks.errors import Conflict, Invalid, NotFound, Problem
from geoworks.ids import hash_secret, new_id
from geoworks.model.change import Reason, Record
from geoworks.model.report import Report, ReportStatus, ReportStep
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, report_key
from geoworks.state import State

CITIZENS = "citizens"
# What a moderator may set; only the citizen withdraws.
SETTABLE = tuple(status for status in ReportStatus if status is not ReportStatus.WITHDRAWN)
_REASONS = {
    ReportStatus.RESOLVED: Reason.ENDED,
    ReportStatus.REFUSED: Reason.CANCELLED,
    ReportStatus.WITHDRAWN: Reason.WITHDRAWN,
}
# The id and the secret of a link stand side by side, so that a report is found by its link without a search.
_MARK = "-"


def new_report_id() -> str:
    """Return the id of a new report."""
    return new_id()


def link_token(id_: str, secret: str) -> str:
    """Return the token of a report's follow-up link; only its SHA-256 is kept, as `Report.token_hash`.

    >>> link_token("0a1b2c", "s3cret")
    '0a1b2c-s3cret'
    """
    return f"{id_}{_MARK}{secret}"


def find_by_token(state: State, token: str) -> Record:
    """Return the report that a follow-up link stands for.

    Raises:
        NotFound: none has this token; the words are the same whatever is wrong with it.

    """
    entry = state.get(report_key(token.partition(_MARK)[0]))
    given = entry.record.given if entry else None
    known = given.token_hash if isinstance(given, Report) else ""
    if entry is None or not hmac.compare_digest(known, hash_secret(token)):
        raise NotFound("no report has this link, or it was closed long ago; check that the address is whole")
    return entry.record


def file_report(id_: str, report: Report) -> Edit[Record]:
    """Write a new report; its first step is that it was received.

    The edit raises:
        Conflict: there is one with this id already.

    """

    def edit(draft: Draft) -> Record:
        if draft.get(report_key(id_)) is not None:
            raise Conflict(f"the report {id_} exists; file a new one under an id of its own")
        received = structs.replace(report, steps=(ReportStep(draft.now, report.status),))
        return draft.put(report_key(id_), received, reason=Reason.CREATED, source=CITIZENS)

    return edit


def release(id_: str, *, released: bool, actor: str) -> Edit[Record]:
    """Show the text, the place and the photos of a report to the public, or hide them again.

    The edit raises:
        NotFound: there is no such report.
        Conflict: its author took it back.

    """

    def edit(draft: Draft) -> Record:
        record, report = _standing(draft, id_)
        shown = structs.replace(report, released=released)
        return draft.put(record.key, shown, reason=Reason.RELEASED if released else Reason.UPDATED, actor=actor)

    return edit


def move_on(id_: str, status: ReportStatus, answer: str = "", *, actor: str) -> Edit[Record]:
    """Note where a report is now, with what the town answers; the same status without an answer changes nothing.

    The edit raises:
        NotFound: there is no such report.
        Conflict: its author took it back.
        Invalid: the status is not the moderator's to set.

    """

    def edit(draft: Draft) -> Record:
        record, report = _standing(draft, id_)
        if status not in SETTABLE:
            mend = f"use one of {', '.join(SETTABLE)}"
            raise Invalid(Problem("status", f"only its author makes a report {status}", mend))
        if report.status is status and not answer:
            return record
        moved = structs.replace(report, status=status, steps=(*report.steps, ReportStep(draft.now, status, answer)))
        return draft.put(record.key, moved, reason=_REASONS.get(status, Reason.UPDATED), actor=actor)

    return edit


def withdraw(id_: str) -> Edit[Record]:
    """Close a report for its author and erase what they wrote and what was answered, in its history too.

    The photos are the caller's to erase. One withdrawn before stays as it is.

    The edit raises:
        NotFound: there is no such report.

    """

    def edit(draft: Draft) -> Record:
        record, report = _found(draft, id_)
        if report.status is ReportStatus.WITHDRAWN:
            return record
        gone = ReportStatus.WITHDRAWN
        steps = (*(structs.replace(step, answer="") for step in report.steps), ReportStep(draft.now, gone))
        erased = structs.replace(report, text="", place="", photos=0, released=False, status=gone, steps=steps)
        return draft.put(record.key, erased, reason=Reason.WITHDRAWN, forget=True)

    return edit


def given_report(record: Record) -> Report:
    """Return what was given of a report."""
    if not isinstance(record.given, Report):
        raise TypeError(record.key)
    return record.given


def _standing(draft: Draft, id_: str) -> tuple[Record, Report]:
    record, report = _found(draft, id_)
    if report.status is ReportStatus.WITHDRAWN:
        raise Conflict(f"the report {id_} was taken back by its author; there is nothing left to work on")
    return record, report


def _found(draft: Draft, id_: str) -> tuple[Record, Report]:
    record = draft.get(report_key(id_))
    if record is None:
        raise NotFound(f"there is no report {id_[:80]!r}; GET /v1/reports lists those there are")
    return record, given_report(record)
