"""Writing works: post, put, patch, cancel, release a correction, restore a version."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from geoworks.errors import Conflict, Invalid, KeyReused, NotFound, StaleVersion
from geoworks.model.change import Record
from geoworks.model.works import Works
from geoworks.pipeline import works
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import works_key
from geoworks.pipeline.intake import patch_from_body, works_from_feature
from geoworks.state import make_entry
from geoworks.web.answers import feature, seen_version
from geoworks.web.auth import caller
from geoworks.web.bodies import explain, read_body, read_json
from geoworks.web.idempotency import Outcome, submit_once
from geoworks.web.queries import read_query
from geoworks.web.route import GEOJSON, MERGE_PATCH, STAFF, Door
from geoworks.web.services import services
from geoworks.web.works_api import TAG, body_of


class _Named(Struct, frozen=True):
    """The id alone: of a body, and of what is stored of an answer, whose works is read anew when it is told again."""

    id: str | int = ""


class RestoreBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which version shall be the newest again."""

    version: int


class ReleaseQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which corrected fields to release, as `corrected` names them; all when none is named."""

    field: Annotated[tuple[str, ...], Meta(description="Dotted names of fields, such as impact.parking.")] = ()


async def create_works(request: web.Request) -> web.StreamResponse:
    """Write a new works."""
    body = await read_body(request)
    given = _works(request, body)
    edit = works.create(works.api_id(_id_in(body)), given, actor=caller(request).name)
    written: list[Record] = []

    def tell(record: Record) -> Outcome:
        written[:] = [record]
        return Outcome(HTTPStatus.CREATED, msgspec.json.encode(_Named(record.key.id)))

    outcome = await submit_once(request, edit, owner=caller(request).owner, body=body, tell=tell)
    id_ = _id_in(outcome.body)
    response = _feature(request, written[0], status=outcome.status) if written else await _again(request, id_)
    response.headers["Location"] = f"{services(request).settings.server.base_path}/v1/works/{quote(id_, safe=':')}"
    if outcome.repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response


async def replace_works(request: web.Request) -> web.StreamResponse:
    """Write a works in place of the one with this id, or as a new one."""
    given = _works(request, await read_body(request))
    id_ = request.match_info["id"]
    standing = services(request).state.get(works_key(id_))
    named = id_ if standing else works.api_id(id_)
    edit = works.replace(named, given, actor=caller(request).name, seen=seen_version(request))
    record = await _submit(request, edit)
    is_new = standing is None and record.version == 1
    return _feature(request, record, status=HTTPStatus.CREATED if is_new else HTTPStatus.OK)


async def change_works(request: web.Request) -> web.StreamResponse:
    """Change parts of a works; what comes from a source is corrected, and the correction survives its updates."""
    patch = patch_from_body(await read_body(request), limits=services(request).settings.limits)
    edit = works.change(request.match_info["id"], patch, actor=caller(request).name, seen=seen_version(request))
    return _feature(request, await _submit(request, edit))


async def cancel_works(request: web.Request) -> web.StreamResponse:
    """Cancel a works from now on; it stays readable."""
    edit = works.cancel(request.match_info["id"], actor=caller(request).name, seen=seen_version(request))
    return _feature(request, await _submit(request, edit))


async def release_correction(request: web.Request) -> web.StreamResponse:
    """Take a correction off, so that the source shows again."""
    fields = read_query(request, ReleaseQuery).field
    edit = works.release(request.match_info["id"], fields, actor=caller(request).name, seen=seen_version(request))
    return _feature(request, await _submit(request, edit))


async def restore_works(request: web.Request) -> web.StreamResponse:
    """Write an old version as the newest one."""
    number = (await read_json(request, RestoreBody)).version
    id_ = request.match_info["id"]
    version = works.find_version(await services(request).store.versions(works_key(id_)), number)
    edit = works.restore(id_, version, actor=caller(request).name, seen=seen_version(request))
    return _feature(request, await _submit(request, edit))


async def _submit(request: web.Request, edit: Edit[Record]) -> Record:
    return await services(request).desk.submit(edit)


def _feature(request: web.Request, record: Record, *, status: int = HTTPStatus.OK) -> web.Response:
    """Return a works as it stands after the write, derived fields and all.

    Where no node numbers the log just now it is returned as it was written, with 202: it is durable, and is told and
    joined as soon as there is one.
    """
    entry = services(request).state.get(record.key)
    if entry is None or entry.record.version < record.version:
        if services(request).node is None:
            raise _gone(record.key.id)
        entry, status = make_entry(record), HTTPStatus.ACCEPTED
    return feature(request, entry.record, body_of(entry), status=status)


async def _again(request: web.Request, id_: str) -> web.Response:
    """Return a works that an earlier request with the same key wrote, also where it is not told yet."""
    house, key = services(request), works_key(id_)
    entry = house.state.get(key)
    if entry is not None:
        return feature(request, entry.record, body_of(entry), status=HTTPStatus.CREATED)
    versions = await house.store.versions(key) if house.node else ()
    if not versions:
        raise _gone(id_)
    return _feature(request, works.record_of(key, versions[-1]))


def _gone(id_: str) -> NotFound:
    return NotFound(f"the works {id_[:80]!r} was written and has gone since")


def _works(request: web.Request, body: bytes) -> Works:
    settings = services(request).settings
    return works_from_feature(body, limits=settings.limits, zone=settings.town.time_zone)


def _id_in(body: bytes) -> str:
    """Return the id of a body that was well formed, empty when it has none."""
    try:
        return str(msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=_Named).id)
    except msgspec.ValidationError as error:
        raise Invalid(explain(error)) from error


DOORS: Sequence[Door] = (
    Door(
        method="POST",
        path="/v1/works",
        handler=create_works,
        summary="Write a new works; only title, geometry and schedule.start are required",
        tag=TAG,
        allow=STAFF,
        body=Works,
        body_media=GEOJSON,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        status=HTTPStatus.CREATED,
        errors=(Invalid, Conflict, KeyReused),
    ),
    Door(
        method="PUT",
        path="/v1/works/{id}",
        handler=replace_works,
        summary="Replace a works, or write it new",
        tag=TAG,
        allow=STAFF,
        body=Works,
        body_media=GEOJSON,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        errors=(Invalid, Conflict, StaleVersion),
    ),
    Door(
        method="PATCH",
        path="/v1/works/{id}",
        handler=change_works,
        summary="Change parts of a works; correct what comes from a source",
        tag=TAG,
        allow=STAFF,
        body=dict[str, Any],
        body_media=MERGE_PATCH,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        errors=(Invalid, NotFound, StaleVersion),
    ),
    Door(
        method="DELETE",
        path="/v1/works/{id}",
        handler=cancel_works,
        summary="Cancel a works",
        tag=TAG,
        allow=STAFF,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        errors=(NotFound, Conflict, StaleVersion),
    ),
    Door(
        method="DELETE",
        path="/v1/works/{id}/correction",
        handler=release_correction,
        summary="Release a correction, wholly or some fields",
        tag=TAG,
        allow=STAFF,
        query=ReleaseQuery,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        errors=(NotFound, StaleVersion),
    ),
    Door(
        method="POST",
        path="/v1/works/{id}/restore",
        handler=restore_works,
        summary="Write an old version as the newest one",
        tag=TAG,
        allow=STAFF,
        body=RestoreBody,
        answer=Works,
        answer_media=GEOJSON,
        may_wait=True,
        errors=(Invalid, NotFound, StaleVersion),
    ),
)
