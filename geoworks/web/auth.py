"""Who is asking: an API key, a session of the staff pages, a program on this machine, or anyone."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from yarl import URL

from geoworks.errors import Forbidden, Unauthorized
from geoworks.pipeline.keys import ApiKey, Role
from geoworks.web.origin import is_local
from geoworks.web.services import services
from geoworks.web.sessions import COOKIE

_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Caller:
    """Who is asking; `name` stands in the history of what they write, `owner` tells their idempotency keys apart."""

    name: str = ""
    role: Role = Role.PUBLIC
    owner: str = ""


_ANYONE = Caller()
_LOCAL = Caller("local", Role.ADMIN, "local")
_CALLER = web.RequestKey("caller", Caller)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is asking; credentials that are no good are refused even where none are needed."""
    request[_CALLER] = _identify(request)
    return await handler(request)


def caller(request: web.Request) -> Caller:
    """Return who is asking."""
    found: Caller = request.get(_CALLER, _ANYONE)
    return found


def is_staff(request: web.Request) -> bool:
    """Tell whether the caller works for the town."""
    return caller(request).role is not Role.PUBLIC


def is_welcome(request: web.Request) -> bool:
    """Tell, before anybody is refused, whether the caller works for the town."""
    try:
        return _identify(request).role is not Role.PUBLIC
    except (Unauthorized, Forbidden):
        return False


def require(request: web.Request, allowed: frozenset[Role]) -> None:
    """Let the caller pass, or not.

    Raises:
        Unauthorized: nobody knows who is asking.
        Forbidden: it is known, and their role does not allow this.

    """
    asking = caller(request)
    if asking.role in allowed:
        return
    wanted = " or ".join(sorted(allowed))
    if asking == _ANYONE:
        raise Unauthorized(f"send a key of role {wanted} as 'Authorization: Bearer gw_...'; an admin makes one")
    raise Forbidden(f"your key has the role {asking.role}; this needs {wanted}")


def _identify(request: web.Request) -> Caller:
    header = request.headers.get("Authorization")
    if header is not None:
        return _by_key(request, header)
    if is_local(request):
        return _LOCAL
    # To read cookies makes a place to keep them, for as long as the request lasts: a stream's does for hours.
    cookie = request.cookies.get(COOKIE) if hdrs.COOKIE in request.headers else None
    return _by_session(request, cookie) if cookie else _ANYONE


def _by_key(request: web.Request, header: str) -> Caller:
    scheme, _, secret = header.partition(" ")
    key = services(request).keys.find(secret.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Unauthorized("this key is unknown or revoked; send a living one as 'Authorization: Bearer gw_...'")
    return _named(key)


def _by_session(request: web.Request, cookie: str) -> Caller:
    """Return who the session names; an old session is nobody, so that a page can offer to log in again."""
    house = services(request)
    session = house.sessions.read(cookie, now=house.clock.now())
    key = house.keys.get(session.key_id) if session else None
    if key is None:
        return _ANYONE
    if request.method not in _SAFE and not from_own_page(request):
        raise Forbidden("this came from another site; send it from a page of this one, or with an API key")
    return _named(key)


def from_own_page(request: web.Request) -> bool:
    """Tell whether a browser sent this from one of our own pages, by what scripts cannot forge."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    public = services(request).settings.server.public_url
    own = {str(request.url.origin())} | ({str(URL(public).origin())} if public else set())
    return request.headers.get("Origin") in own


def _named(key: ApiKey) -> Caller:
    return Caller(key.name, key.role, key.id)
