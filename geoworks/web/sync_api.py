"""Synchronisation of sources: how they stand, the last report, sync now or an upload, hold and release removals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from geoworks.errors import Invalid, NotFound, Problem, SourceError, TooLarge, TooSlow
from geoworks.pipeline.sync_report import SourceStatus
from geoworks.web.answers import answer
from geoworks.web.auth import caller
from geoworks.web.queries import read_query
from geoworks.web.route import STAFF, Door
from geoworks.web.services import services
from geoworks.web.sync_shown import ReportShown, show_report
from geoworks.web.uploads import uploaded

TAG = "sync"


class SyncQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How to synchronise; `name` tells the format of a file sent as the bare body."""

    dry_run: Annotated[bool, Meta(description="Tell what would change and write nothing.")] = False
    name: Annotated[str, Meta(description="Name of the file in the body, for its ending.")] = ""


async def list_sources(request: web.Request) -> web.StreamResponse:
    """Answer how every source stands."""
    return answer(services(request).syncs.status())


async def read_sync_report(request: web.Request) -> web.StreamResponse:
    """Answer the report of the last synchronisation: counts, and every rejected record with its mend."""
    return answer(show_report(services(request).syncs.report(request.match_info["source"])))


async def sync_source(request: web.Request) -> web.StreamResponse:
    """Synchronise a source now, or read the uploaded file in its place."""
    query = read_query(request, SyncQuery)
    name, syncs = request.match_info["source"], services(request).syncs
    async with uploaded(request) as path:
        try:
            report = await syncs.sync(name, actor=caller(request).name, dry_run=query.dry_run, upload=path)
        except SourceError as error:
            if path is None:
                raise
            raise Invalid(Problem("body", str(error), "see 'geoworks inspect' for what is in the file")) from error
    return answer(show_report(report))


async def hold_removals(request: web.Request) -> web.StreamResponse:
    """Have every removal of a source wait for a person from now on."""
    return answer(await services(request).syncs.hold(request.match_info["source"]))


async def release_removals(request: web.Request) -> web.StreamResponse:
    """Take off the works whose removal waited, and let the source remove again."""
    report = await services(request).syncs.release(request.match_info["source"], actor=caller(request).name)
    return answer(show_report(report))


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/sync",
        handler=list_sources,
        summary="How every source stands",
        tag=TAG,
        allow=STAFF,
        answer=list[SourceStatus],
    ),
    Door(
        method="GET",
        path="/v1/sync/{source}",
        handler=read_sync_report,
        summary="The last report of a source",
        tag=TAG,
        allow=STAFF,
        answer=ReportShown,
        errors=(NotFound,),
    ),
    Door(
        method="POST",
        path="/v1/sync/{source}",
        handler=sync_source,
        summary="Synchronise now; a file in the body or a form is read in place of the source",
        tag=TAG,
        allow=STAFF,
        query=SyncQuery,
        answer=ReportShown,
        errors=(Invalid, NotFound, SourceError, TooLarge, TooSlow),
    ),
    Door(
        method="POST",
        path="/v1/sync/{source}/hold",
        handler=hold_removals,
        summary="Hold all removals of a source",
        tag=TAG,
        allow=STAFF,
        answer=SourceStatus,
        errors=(NotFound,),
    ),
    Door(
        method="POST",
        path="/v1/sync/{source}/release",
        handler=release_removals,
        summary="Release the removals that waited",
        tag=TAG,
        allow=STAFF,
        answer=ReportShown,
        errors=(NotFound,),
    ),
)
