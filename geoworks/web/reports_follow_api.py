"""A report for the one who sent it, by the secret link, and its photos."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from aiohttp import web
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import NotFound
from geoworks.model.change import Record
from geoworks.model.report import ReportStatus, ReportStep
from geoworks.pipeline import reports
from geoworks.pipeline.draft import report_key
from geoworks.pipeline.photos import MEDIA_TYPE
from geoworks.pipeline.suggest import NearWorks
from geoworks.web.answers import FRESH, PRIVATE, answer, is_known
from geoworks.web.auth import caller
from geoworks.web.citizens import citizens, photo_urls, told_about
from geoworks.web.queries import read_query
from geoworks.web.reports_api import TAG
from geoworks.web.route import MODERATORS, Door
from geoworks.web.services import services

_NO_PHOTO = "there is no such photo, or it is not released yet"


class ReportFollowed(Struct, frozen=True, kw_only=True):
    """All there is to a report, for its author."""

    id: str
    category: str
    handler: str
    reason: str
    status: ReportStatus
    steps: tuple[ReportStep, ...]
    text: str
    place: str
    geometry: BaseGeometry
    photos: list[str]
    works: list[NearWorks]
    created: datetime
    released: bool


class PhotoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How the author of a report proves to be one before its release."""

    token: str = ""


async def follow_report(request: web.Request) -> web.StreamResponse:
    """Answer what became of a report to whoever has its link."""
    return _followed(request, _by_link(request))


async def withdraw_report(request: web.Request) -> web.StreamResponse:
    """Close a report for its author and erase what they wrote and showed."""
    id_ = _by_link(request).key.id
    record = await services(request).desk.submit(reports.withdraw(id_))
    await citizens(request).album.clear(id_)
    return _followed(request, record)


async def read_photo(request: web.Request) -> web.StreamResponse:
    """Answer one photo of a report: to everybody once released, before that to moderators and to its author."""
    record, number = _photographed(request)
    released = reports.given_report(record).released
    if not released and not _may_see(request, record):
        raise NotFound(_NO_PHOTO)
    tag = f'"{record.key.id}-{number}"'
    headers = {"ETag": tag, **FRESH} if released else dict(PRIVATE)
    if released and is_known(request, tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    photo = await citizens(request).album.read(record.key.id, number)
    if photo is None:
        raise NotFound(_NO_PHOTO)
    return web.Response(body=photo, content_type=MEDIA_TYPE, headers=headers)


def _by_link(request: web.Request) -> Record:
    return reports.find_by_token(services(request).state, request.match_info["token"])


def _followed(request: web.Request, record: Record) -> web.Response:
    token, report = request.match_info["token"], reports.given_report(record)
    handler, reason, works = told_about(request, record)
    return answer(
        ReportFollowed(
            id=record.key.id,
            category=report.category,
            handler=handler,
            reason=reason,
            status=report.status,
            steps=report.steps,
            text=report.text,
            place=report.place,
            geometry=report.geometry,
            photos=photo_urls(services(request).settings, record, token=token),
            works=works,
            created=record.created,
            released=report.released,
        )
    )


def _photographed(request: web.Request) -> tuple[Record, int]:
    """Return the report and the number of the photo that are asked for, if there can be such a photo."""
    entry = services(request).state.get(report_key(request.match_info["id"]))
    number = request.match_info["number"]
    if entry is None or number not in map(str, range(1, reports.given_report(entry.record).photos + 1)):
        raise NotFound(_NO_PHOTO)
    return entry.record, int(number)


def _may_see(request: web.Request, record: Record) -> bool:
    if caller(request).role in MODERATORS:
        return True
    token = read_query(request, PhotoQuery).token
    try:
        return reports.find_by_token(services(request).state, token).key == record.key
    except NotFound:
        return False


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/reports/follow/{token}",
        handler=follow_report,
        summary="What became of a report, for whoever has its link",
        tag=TAG,
        answer=ReportFollowed,
        errors=(NotFound,),
    ),
    Door(
        method="DELETE",
        path="/v1/reports/follow/{token}",
        handler=withdraw_report,
        summary="Take a report back: it is closed, its text and photos are erased",
        tag=TAG,
        answer=ReportFollowed,
        errors=(NotFound,),
    ),
    Door(
        method="GET",
        path="/v1/reports/{id}/photos/{number}",
        handler=read_photo,
        summary="A photo of a report: for everybody once released, before that for moderators and its author",
        tag=TAG,
        query=PhotoQuery,
        answer=bytes,
        answer_media=MEDIA_TYPE,
        errors=(NotFound,),
    ),
)
