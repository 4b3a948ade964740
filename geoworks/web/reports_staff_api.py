"""Reports for moderators: the queue with texts and photos, release, status with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from aiohttp import web
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Conflict, Invalid, NotFound
from geoworks.model.change import Kind, Record
from geoworks.model.report import ReportDerived, ReportStatus, ReportStep
from geoworks.model.text import clean_text
from geoworks.pipeline import reports
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import report_key
from geoworks.web.answers import answer
from geoworks.web.auth import caller
from geoworks.web.bodies import read_body, read_json
from geoworks.web.citizens import photo_urls, told_about
from geoworks.web.reports_api import TAG
from geoworks.web.route import MODERATORS, Door
from geoworks.web.services import services
from geoworks.web.works_api import shown

_MOST = 500


class QueuedProperties(Struct, frozen=True, kw_only=True):
    """All that a moderator needs to judge a report."""

    category: str
    handler: str
    reason: str
    status: ReportStatus
    released: bool
    text: str
    place: str
    photos: list[str]
    steps: tuple[ReportStep, ...]
    zones: tuple[str, ...]
    works: tuple[str, ...]
    created: datetime
    version: int
    updated: datetime


class QueuedReport(Struct, frozen=True):
    """A report as moderators see it, as a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: BaseGeometry
    properties: QueuedProperties


class Queue(Struct, frozen=True):
    """The open reports: those not released first, the oldest first; `more` wait behind them."""

    type: Literal["FeatureCollection"]
    features: list[QueuedReport]
    more: int


class ReleaseBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether everybody may see the text, the place and the photos."""

    released: bool = True


class StatusBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the report is now, and what its author is told."""

    status: ReportStatus
    answer: str = ""


async def read_queue(request: web.Request) -> web.StreamResponse:
    """Answer the open reports with texts and photos."""
    entries = [entry.record for entry in services(request).state.of_kind(Kind.REPORT) if entry.keys.visible]
    entries.sort(key=lambda record: (reports.given_report(record).released, record.created, record.key.id))
    features = [_queued(request, record) for record in entries[:_MOST]]
    return answer(Queue("FeatureCollection", features, more=len(entries) - len(features)))


async def release_report(request: web.Request) -> web.StreamResponse:
    """Show a report's text, place and photos to everybody, or hide them again; without a body it is released."""
    body = await read_json(request, ReleaseBody) if await read_body(request) else ReleaseBody()
    edit = reports.release(request.match_info["id"], released=body.released, actor=caller(request).name)
    return await _submit(request, edit)


async def move_report(request: web.Request) -> web.StreamResponse:
    """Note where a report is now, and what its author is told."""
    body = await read_json(request, StatusBody)
    said = clean_text(body.answer, max_length=services(request).settings.limits.report_text, where="answer")
    edit = reports.move_on(request.match_info["id"], body.status, said, actor=caller(request).name)
    return await _submit(request, edit)


async def _submit(request: web.Request, edit: Edit[Record]) -> web.Response:
    key = (await services(request).desk.submit(edit)).key
    return answer(_queued(request, shown(request, report_key(key.id)).record))


def _queued(request: web.Request, record: Record) -> QueuedReport:
    report, derived = reports.given_report(record), record.derived
    handler, reason, _ = told_about(request, record)
    properties = QueuedProperties(
        category=report.category,
        handler=handler,
        reason=reason,
        status=report.status,
        released=report.released,
        text=report.text,
        place=report.place,
        photos=photo_urls(services(request).settings, record),
        steps=report.steps,
        zones=derived.zones if isinstance(derived, ReportDerived) else (),
        works=derived.works if isinstance(derived, ReportDerived) else (),
        created=record.created,
        version=record.version,
        updated=record.updated,
    )
    return QueuedReport("Feature", record.key.id, report.geometry, properties)


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/reports/queue",
        handler=read_queue,
        summary="The open reports with texts and photos, those to be released first",
        tag=TAG,
        allow=MODERATORS,
        answer=Queue,
    ),
    Door(
        method="POST",
        path="/v1/reports/{id}/release",
        handler=release_report,
        summary="Show a report's text, place and photos to everybody, or hide them again",
        tag=TAG,
        allow=MODERATORS,
        body=ReleaseBody,
        answer=QueuedReport,
        errors=(Invalid, NotFound, Conflict),
    ),
    Door(
        method="POST",
        path="/v1/reports/{id}/status",
        handler=move_report,
        summary="Note where a report is now, and what its author is told",
        tag=TAG,
        allow=MODERATORS,
        body=StatusBody,
        answer=QueuedReport,
        errors=(Invalid, NotFound, Conflict),
    ),
)
