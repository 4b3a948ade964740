"""Logging in to the staff pages with an API key, and out again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct

from geoworks.errors import Forbidden, Invalid, Problem, Unauthorized
from geoworks.pipeline.keys import Role
from geoworks.web.answers import answer
from geoworks.web.arrival import arriving
from geoworks.web.auth import caller, from_own_page
from geoworks.web.bodies import read_json
from geoworks.web.route import Door
from geoworks.web.services import services
from geoworks.web.sessions import COOKIE, LIFETIME, Session

TAG = "keys"


class LoginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The key to log in with."""

    key: str


class Me(Struct, frozen=True):
    """Who is asking, and what they may do."""

    name: str
    role: Role


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session for the holder of a key: a form leads on to the console, JSON is answered."""
    # As the page sends it; a form in parts could bring files, which nobody logs in with.
    is_form = request.content_type == "application/x-www-form-urlencoded"
    if is_form and not from_own_page(request):
        raise Forbidden("this came from another site; log in on the staff page of this one")
    house = services(request)
    key = house.keys.find(await _secret(request, is_form=is_form))
    if key is None:
        raise Unauthorized("this key is unknown or revoked; ask an admin for another")
    if is_form:
        location = f"{house.settings.server.base_path}/staff"
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": location})
    else:
        response = answer(Me(key.name, key.role))
    session = Session(key.id, house.clock.now() + LIFETIME)
    response.set_cookie(COOKIE, services(request).sessions.write(session), **_cookie(request))
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session in this browser."""
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    response.set_cookie(COOKIE, "", **(_cookie(request) | {"max_age": 0}))
    return response


async def who_am_i(request: web.Request) -> web.StreamResponse:
    """Answer who is asking."""
    asking = caller(request)
    return answer(Me(asking.name, asking.role))


async def _secret(request: web.Request, *, is_form: bool) -> str:
    if not is_form:
        return (await read_json(request, LoginBody)).key
    async with arriving(request):
        form = await request.post()
    secret = form.get("key")
    if not isinstance(secret, str):
        raise Invalid(Problem("key", "is missing", "send the key in the field 'key'"))
    return secret.strip()


def _cookie(request: web.Request) -> dict[str, Any]:
    return {
        "max_age": int(LIFETIME.total_seconds()),
        "path": services(request).settings.server.base_path or "/",
        "httponly": True,
        "secure": request.secure,
        "samesite": "Strict",
    }


DOORS = (
    Door(
        method="POST",
        path="/staff/login",
        handler=log_in,
        summary="Begin a session of the staff pages",
        tag=TAG,
        body=LoginBody,
        answer=Me,
        errors=(Invalid, Unauthorized, Forbidden),
    ),
    Door(
        method="POST",
        path="/staff/logout",
        handler=log_out,
        summary="End the session",
        tag=TAG,
        status=HTTPStatus.NO_CONTENT,
    ),
    Door(method="GET", path="/v1/me", handler=who_am_i, summary="Who is asking", tag=TAG, answer=Me),
)
