"""Which reports a reader asks for: place, zones, category, status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from geoworks.model.change import Kind
from geoworks.model.report import Report, ReportStatus
from geoworks.pipeline.draft import report_key
from geoworks.state import Entry, State
from geoworks.web.works_query import Bbox, Page, check_bbox

_MOST = 10_000


class ReportsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The filters of reports; all that are given must hold."""

    bbox: Annotated[Bbox | None, Meta(description="west,south,east,north in degrees.")] = None
    zone: Annotated[tuple[str, ...], Meta(description="Ids of zones; reports in any of them.")] = ()
    category: Annotated[tuple[str, ...], Meta(description="Of one of these categories.")] = ()
    status: Annotated[tuple[ReportStatus, ...], Meta(description="In one of these states, closed ones too.")] = ()
    limit: Annotated[int, Meta(ge=1, le=_MOST, description="At most so many; the Link header leads on.")] = _MOST
    after: Annotated[str, Meta(description="Only ids after this one, for paging.")] = ""


def reports_in(state: State, bbox: Bbox | None) -> list[Entry]:
    """Return the reports in a box, or all.

    Raises:
        Invalid: the box is none.

    """
    if bbox is None:
        return list(state.of_kind(Kind.REPORT))
    ids = state.index(Kind.REPORT).in_box(*check_bbox(bbox))
    return [entry for id_ in ids if (entry := state.get(report_key(id_)))]


def select_reports(entries: Iterable[Entry], query: ReportsQuery) -> Page:
    """Return those that match, as everybody may see them, in the order of their ids."""
    found = sorted(
        (entry for entry in entries if entry.record.key.id > query.after and _matches(entry, query)),
        key=lambda entry: entry.record.key.id,
    )
    page = found[: query.limit]
    more = len(found) > len(page)
    return Page([entry.body for entry in page], page[-1].record.key.id if more else "")


def _matches(entry: Entry, query: ReportsQuery) -> bool:
    report = entry.record.given
    if not isinstance(report, Report) or (query.zone and not set(query.zone) & set(entry.keys.zones)):
        return False
    if query.category and report.category not in query.category:
        return False
    return report.status in query.status if query.status else entry.keys.visible
