"""Reading works: all of them, some, one, its history, its conflicts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec import Raw, Struct, structs

from geoworks.errors import Forbidden, NotFound
from geoworks.model import overlay, status
from geoworks.model.change import Key, Kind, Reason, Record, Version
from geoworks.model.feature import render
from geoworks.model.works import Visibility, Works, WorksDerived
from geoworks.pipeline.conflicts import Found, find_conflicts
from geoworks.pipeline.draft import works_key
from geoworks.state import Entry, collect
from geoworks.web.answers import CURSOR_HEADER, FRESH, PRIVATE, answer, feature
from geoworks.web.auth import is_staff
from geoworks.web.collections import COLLECTIONS
from geoworks.web.queries import read_query
from geoworks.web.route import GEOJSON, STAFF, Door
from geoworks.web.services import services
from geoworks.web.works_query import WorksQuery, candidates, select

TAG = "works"


class HistoryVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a works: what it was when written, why; who wrote it is told to staff only."""

    version: int
    at: datetime
    reason: Reason
    feature: Raw
    actor: str = ""


class History(Struct, frozen=True):
    """The versions of a works, the newest first."""

    id: str
    versions: list[HistoryVersion]


class Conflicts(Struct, frozen=True):
    """What stands in the way of a works."""

    id: str
    conflicts: list[Found]


async def list_works(request: web.Request) -> web.StreamResponse:
    """Answer all public works that are not over, or those that filters ask for."""
    if not request.query:
        return await request.app[COLLECTIONS].answer(request, Kind.WORKS)
    query = read_query(request, WorksQuery)
    if query.drafts and not is_staff(request):
        raise Forbidden("drafts are shown to staff only; leave out 'drafts' or send a key")
    state = services(request).state
    cursor, entries = state.cursor, candidates(state, query)
    page = await asyncio.to_thread(select, entries, query)
    headers = {CURSOR_HEADER: str(cursor), **(PRIVATE if query.drafts else FRESH)}
    if page.next:
        following = request.rel_url.update_query(after=page.next)
        headers["Link"] = f'<{following}>; rel="next"'
    return web.Response(body=collect(page.bodies), content_type=GEOJSON, headers=headers)


async def read_works(request: web.Request) -> web.StreamResponse:
    """Answer one works; drafts to staff only."""
    entry = shown(request, works_key(request.match_info["id"]))
    return feature(request, entry.record, body_of(entry))


async def read_history(request: web.Request) -> web.StreamResponse:
    """Answer every version of a works, the newest first; what was a draft only to staff."""
    key = works_key(request.match_info["id"])
    versions = await services(request).store.versions(key)
    staff = is_staff(request)
    # What is a draft now shows nothing of its past either.
    hidden = _is_hidden(services(request).state.get(key))
    told = [] if hidden and not staff else [_tell(key, version, staff=staff) for version in versions]
    shown_ones = [version for version in reversed(told) if version is not None]
    if not shown_ones:
        raise NotFound(f"there is no works {key.id[:80]!r}; GET /v1/works lists those there are")
    return answer(History(key.id, shown_ones))


async def read_conflicts(request: web.Request) -> web.StreamResponse:
    """Answer the works that overlap this one in space and time, or stand on its detour."""
    house = services(request)
    entry = shown(request, works_key(request.match_info["id"]))
    return answer(Conflicts(entry.record.key.id, find_conflicts(house.state, entry.record, now=house.clock.now())))


def shown(request: web.Request, key: Key) -> Entry:
    """Return a feature that this reader may see.

    Raises:
        NotFound: there is none, or it is a draft and the reader is not staff.

    """
    entry = services(request).state.get(key)
    if entry is None or (not entry.body and not is_staff(request)):
        raise NotFound(f"there is no {key.kind} {key.id[:80]!r}; the list one level up shows those there are")
    return entry


def body_of(entry: Entry) -> bytes:
    """Return a feature as its reader gets it; a draft is rendered on demand."""
    return entry.body or render(entry.record)


def _is_hidden(entry: Entry | None) -> bool:
    return entry is not None and not entry.body


def _tell(key: Key, version: Version, *, staff: bool) -> HistoryVersion | None:
    record = _as_record(key, version)
    works: Any = overlay.effective(record)
    if not isinstance(works, Works) or (works.visibility is Visibility.DRAFT and not staff):
        return None
    state, severity, transition = status.derive(works, version.at)
    derived = WorksDerived(status=state, severity=severity, next_transition=transition)
    return HistoryVersion(
        version=version.version,
        at=version.at,
        reason=version.reason,
        feature=Raw(render(structs.replace(record, derived=derived))),
        actor=version.actor if staff else "",
    )


def _as_record(key: Key, version: Version) -> Record:
    return Record(
        key=key,
        version=version.version,
        created=version.at,
        updated=version.at,
        given=version.given,
        derived=WorksDerived(),
        source=key.id.partition(":")[0],
        overlay=version.overlay,
    )


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/works",
        handler=list_works,
        summary="All works that are public and not over, or those the filters ask for",
        tag=TAG,
        query=WorksQuery,
        answer=(Works,),
        answer_media=GEOJSON,
    ),
    Door(
        method="GET",
        path="/v1/works/{id}",
        handler=read_works,
        summary="One works",
        tag=TAG,
        answer=Works,
        answer_media=GEOJSON,
        errors=(NotFound,),
    ),
    Door(
        method="GET",
        path="/v1/works/{id}/history",
        handler=read_history,
        summary="Every version of a works, the newest first",
        tag=TAG,
        answer=History,
        errors=(NotFound,),
    ),
    Door(
        method="GET",
        path="/v1/works/{id}/conflicts",
        handler=read_conflicts,
        summary="What overlaps a works in space and time, or stands on its detour; drafts too",
        tag=TAG,
        allow=STAFF,
        answer=Conflicts,
        errors=(NotFound,),
    ),
)
