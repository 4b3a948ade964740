"""API keys: make, list, revoke; admins only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from aiohttp import web
from msgspec import Struct

from geoworks.errors import Conflict, Invalid, NotFound
from geoworks.pipeline.keys import ApiKey, Role
from geoworks.web.answers import answer
from geoworks.web.bodies import read_json
from geoworks.web.route import ADMINS, Door
from geoworks.web.services import services

TAG = "keys"


class KeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose key it is, and what it may do."""

    name: str
    role: Role = Role.STAFF


class KeyShown(Struct, frozen=True, kw_only=True):
    """A key without its secret."""

    id: str
    name: str
    role: Role
    created: datetime
    revoked: datetime | None


class KeyMade(Struct, frozen=True, kw_only=True):
    """A new key; `key` is the secret and is told this once."""

    id: str
    name: str
    role: Role
    key: str


async def create_key(request: web.Request) -> web.StreamResponse:
    """Make a key; the answer is the only place its secret is ever told."""
    body = await read_json(request, KeyBody)
    key, secret = await services(request).keys.create(body.name, body.role)
    return answer(KeyMade(id=key.id, name=key.name, role=key.role, key=secret), status=HTTPStatus.CREATED)


async def list_keys(request: web.Request) -> web.StreamResponse:
    """Answer every key ever made, without the secrets."""
    return answer([_show(key) for key in services(request).keys.all()])


async def revoke_key(request: web.Request) -> web.StreamResponse:
    """Make a key worthless."""
    return answer(_show(await services(request).keys.revoke(request.match_info["id"])))


def _show(key: ApiKey) -> KeyShown:
    return KeyShown(id=key.id, name=key.name, role=key.role, created=key.created, revoked=key.revoked)


DOORS: Sequence[Door] = (
    Door(
        method="POST",
        path="/v1/keys",
        handler=create_key,
        summary="Make an API key",
        tag=TAG,
        allow=ADMINS,
        body=KeyBody,
        answer=KeyMade,
        status=HTTPStatus.CREATED,
        errors=(Invalid, Conflict),
    ),
    Door(
        method="GET",
        path="/v1/keys",
        handler=list_keys,
        summary="All API keys",
        tag=TAG,
        allow=ADMINS,
        answer=list[KeyShown],
    ),
    Door(
        method="DELETE",
        path="/v1/keys/{id}",
        handler=revoke_key,
        summary="Revoke an API key",
        tag=TAG,
        allow=ADMINS,
        answer=KeyShown,
        errors=(NotFound,),
    ),
)
