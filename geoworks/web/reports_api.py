"""Reports for everybody: send one, ask what is known first, read those there are."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web
from msgspec import Struct

from geoworks.errors import Forbidden, Invalid, KeyReused, NotFound, TooLarge
from geoworks.ids import hash_secret
from geoworks.model.change import Kind, Record
from geoworks.model.report import Report
from geoworks.pipeline import reports
from geoworks.pipeline.draft import report_key
from geoworks.pipeline.report_intake import (
    QuestionBody,
    ReportBody,
    check_reach,
    question_from_body,
    report_from_body,
)
from geoworks.pipeline.suggest import Duplicate, NearWorks, duplicates, handling, near_works, suggest_category
from geoworks.state import collect
from geoworks.web.answers import CURSOR_HEADER, FRESH, answer, feature
from geoworks.web.bodies import read_body
from geoworks.web.citizens import citizens, limit_reports, link_url, told_about
from geoworks.web.collections import COLLECTIONS
from geoworks.web.idempotency import Outcome, idempotency_key, submit_once
from geoworks.web.language import language_of
from geoworks.web.queries import read_query
from geoworks.web.report_form import Sent, read_sent
from geoworks.web.reports_query import ReportsQuery, reports_in, select_reports
from geoworks.web.route import GEOJSON, Door
from geoworks.web.services import services
from geoworks.web.works_api import body_of, shown

TAG = "reports"
# All citizens share one owner: a phone that changes its network between two tries is still the same sender.
_OWNER = "citizens"


class ReportFiled(Struct, frozen=True):
    """What became of a report that was sent; `url` is the only way to follow it, and told to its sender alone."""

    id: str
    url: str
    category: str
    handler: str
    reason: str
    works: list[NearWorks]


class ReportSuggestion(Struct, frozen=True):
    """What the town can say before a report is sent."""

    category: str
    handler: str
    reason: str
    works: list[NearWorks]
    duplicates: list[Duplicate]


class _Named(Struct, frozen=True):
    """What is stored of an answer: nothing of the link."""

    id: str


async def file_report(request: web.Request) -> web.StreamResponse:
    """Take in a report, JSON or a form with photos; once for each `Idempotency-Key`."""
    limit_reports(request)
    sent = await read_sent(request, citizens(request).lab)
    secret = citizens(request).links.secret_for(idempotency_key(request))
    id_ = reports.new_report_id()
    report = _report(request, sent, token=reports.link_token(id_, secret))
    async with citizens(request).album.filing(id_, sent.photos):
        edit = reports.file_report(id_, report)
        outcome = await submit_once(request, edit, owner=_OWNER, body=sent.identity, tell=_tell)
    # Sent again, it is the report of the first time, whose link was drawn from the same key.
    named = msgspec.json.decode(outcome.body, type=_Named).id
    return _filed(request, named, token=reports.link_token(named, secret), outcome=outcome)


async def suggest_report(request: web.Request) -> web.StreamResponse:
    """Say which category a text speaks of, who handles it, and what is known at the place."""
    house = services(request)
    settings = house.settings.reports
    asked = question_from_body(await read_body(request), limits=house.settings.limits)
    point = asked.geometry
    works = near_works(house.state, point, radius_m=settings.near_works_m) if point else []
    category = suggest_category(asked.text, settings.categories, beside_works=bool(works))
    who = handling(category, works, language=language_of(request, first=house.settings.town.language))
    same = duplicates(house.state, point, category.id, now=house.clock.now()) if point else []
    return answer(ReportSuggestion(category.id, who.handler, who.reason, works, same))


async def list_reports(request: web.Request) -> web.StreamResponse:
    """Answer all open reports, or those that filters ask for; texts and photos only where they were released."""
    if not request.query:
        return await request.app[COLLECTIONS].answer(request, Kind.REPORT)
    query = read_query(request, ReportsQuery)
    state = services(request).state
    page = select_reports(reports_in(state, query.bbox), query)
    headers = {CURSOR_HEADER: str(state.cursor), **FRESH}
    if page.next:
        headers["Link"] = f'<{request.rel_url.update_query(after=page.next)}>; rel="next"'
    return web.Response(body=collect(page.bodies), content_type=GEOJSON, headers=headers)


async def read_report(request: web.Request) -> web.StreamResponse:
    """Answer one report as everybody may see it."""
    entry = shown(request, report_key(request.match_info["id"]))
    return feature(request, entry.record, body_of(entry))


def _report(request: web.Request, sent: Sent, *, token: str) -> Report:
    """Return the report that was sent, in a category that its text speaks of when it names none."""
    house = services(request)
    settings = house.settings.reports
    given = report_from_body(sent.report, limits=house.settings.limits, categories=settings.categories)
    check_reach(house.state, given.geometry)
    works = near_works(house.state, given.geometry, radius_m=settings.near_works_m)
    category = given.category or suggest_category(given.text, settings.categories, beside_works=bool(works)).id
    return Report(
        category=category,
        geometry=given.geometry,
        text=given.text,
        place=given.place,
        photos=len(sent.photos),
        released=not settings.moderated,
        token_hash=hash_secret(token),
    )


def _tell(record: Record) -> Outcome:
    return Outcome(HTTPStatus.CREATED, msgspec.json.encode(_Named(record.key.id)))


def _filed(request: web.Request, id_: str, *, token: str, outcome: Outcome) -> web.Response:
    settings = services(request).settings
    record = shown(request, report_key(id_)).record
    handler, reason, works = told_about(request, record)
    category = reports.given_report(record).category
    filed = ReportFiled(id_, link_url(settings, token), category, handler, reason, works)
    response = answer(filed, status=outcome.status)
    response.headers["Location"] = f"{settings.server.base_path}/v1/reports/{id_}"
    if outcome.repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response


DOORS: Sequence[Door] = (
    Door(
        method="POST",
        path="/v1/reports",
        handler=file_report,
        summary="Report a problem of a road or a parking place; a form with 'report' and 'photo' fields adds photos",
        tag=TAG,
        body=ReportBody,
        answer=ReportFiled,
        status=HTTPStatus.CREATED,
        errors=(Invalid, TooLarge, Forbidden, KeyReused),
    ),
    Door(
        method="POST",
        path="/v1/reports/suggest",
        handler=suggest_report,
        summary="What the town can say of a report before it is sent",
        tag=TAG,
        body=QuestionBody,
        answer=ReportSuggestion,
        errors=(Invalid, TooLarge),
    ),
    Door(
        method="GET",
        path="/v1/reports",
        handler=list_reports,
        summary="All open reports, or those the filters ask for; texts and photos once released",
        tag=TAG,
        query=ReportsQuery,
        answer=(Report,),
        answer_media=GEOJSON,
        errors=(Invalid,),
    ),
    Door(
        method="GET",
        path="/v1/reports/{id}",
        handler=read_report,
        summary="One report; its text and photos once released",
        tag=TAG,
        answer=Report,
        answer_media=GEOJSON,
        errors=(NotFound,),
    ),
)
