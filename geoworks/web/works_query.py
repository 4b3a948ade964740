"""Which works a reader asks for: place, zones, time, severity, status, kind of work."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from geoworks.errors import Invalid, Problem
from geoworks.model import overlay
from geoworks.model.change import Kind, Record
from geoworks.model.feature import render
from geoworks.model.severity import Severity
from geoworks.model.status import impact_in_force
from geoworks.model.windows import period
from geoworks.model.works import Status, TypeOfWork, Works, WorksDerived
from geoworks.pipeline.draft import works_key
from geoworks.state import Entry, State

Moment = Annotated[datetime, Meta(tz=True)]
Bbox = tuple[float, float, float, float]
_MOST = 10_000


class WorksQuery(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}
):
    """The filters of works; all that are given must hold."""

    bbox: Annotated[Bbox | None, Meta(description="west,south,east,north in degrees.")] = None
    zone: Annotated[tuple[str, ...], Meta(description="Ids of zones; works in any of them.")] = ()
    at: Annotated[Moment | None, Meta(description="In force at this moment, windows regarded.")] = None
    since: Annotated[Moment | None, Meta(description="Not over at this moment.")] = None
    until: Annotated[Moment | None, Meta(description="Begun before this moment.")] = None
    severity: Annotated[Severity | None, Meta(description="At least this severe.")] = None
    status: Annotated[tuple[Status, ...], Meta(description="In one of these states, ended ones too.")] = ()
    type: Annotated[tuple[TypeOfWork, ...], Meta(description="With one of these types of work.")] = ()
    source: Annotated[str, Meta(description="From this source.")] = ""
    drafts: Annotated[bool, Meta(description="Drafts too; staff only.")] = False
    limit: Annotated[int, Meta(ge=1, le=_MOST, description="At most so many; the Link header leads on.")] = _MOST
    after: Annotated[str, Meta(description="Only ids after this one, for paging.")] = ""


class Page(Struct, frozen=True):
    """Some works as ready bytes, in the order of their ids; `next` is the id after which to go on."""

    bodies: list[bytes]
    next: str = ""


def candidates(state: State, query: WorksQuery) -> list[Entry]:
    """Return the works that may match, cheaply; the loop's part, for the state is the loop's.

    Raises:
        Invalid: the box is none.

    """
    if query.bbox is None:
        return list(state.of_kind(Kind.WORKS))
    ids = state.index(Kind.WORKS).in_box(*check_bbox(query.bbox))
    return [entry for id_ in ids if (entry := state.get(works_key(id_)))]


def select(entries: Iterable[Entry], query: WorksQuery) -> Page:
    """Return those that match; may be slow with many, and touches nothing that changes."""
    found = sorted(
        (entry for entry in entries if entry.record.key.id > query.after and _matches(entry, query)),
        key=lambda entry: entry.record.key.id,
    )
    page = found[: query.limit]
    more = len(found) > len(page)
    return Page([entry.body or render(entry.record) for entry in page], page[-1].record.key.id if more else "")


def check_bbox(bbox: Bbox) -> Bbox:
    """Return a box in degrees, or refuse it.

    Raises:
        Invalid: it is not finite, out of bounds or turned inside out.

    """
    west, south, east, north = bbox
    if not (all(map(math.isfinite, bbox)) and -180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - the bounds of the globe
        mend = "give west,south,east,north in degrees, west and south first"
        raise Invalid(Problem("bbox", f"{','.join(f'{side:g}' for side in bbox)} is no box", mend))
    return bbox


def _matches(entry: Entry, query: WorksQuery) -> bool:
    record, keys = entry.record, entry.keys
    if query.severity is not None and keys.severity.rank < query.severity.rank:
        return False
    if query.zone and not set(query.zone) & set(keys.zones):
        return False
    if query.source and record.source != query.source:
        return False
    return _is_shown(entry, query) and _matches_works(record, query)


def _is_shown(entry: Entry, query: WorksQuery) -> bool:
    """Tell whether the reader may see it, and whether it is not over or asked for all the same."""
    if not entry.body:
        return query.drafts
    derived = entry.record.derived
    if query.status:
        return isinstance(derived, WorksDerived) and derived.status in query.status
    return entry.keys.visible or query.at is not None or query.since is not None


def _matches_works(record: Record, query: WorksQuery) -> bool:
    if not (query.type or query.at or query.since or query.until):
        return True
    works: Works = overlay.effective(record)
    if query.type and not set(query.type) & set(works.types_of_work):
        return False
    if query.at and impact_in_force(works, query.at) is None:
        return False
    return _overlaps(works, query.since, query.until)


def _overlaps(works: Works, since: datetime | None, until: datetime | None) -> bool:
    begin, end = period(works.schedule)
    end = min((moment for moment in (end, works.cancelled_at) if moment), default=None)
    return not (since and end and end <= since) and not (until and begin >= until)
