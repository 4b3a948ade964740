"""Errors as RFC 9457 problem documents: the only place that makes HTTP statuses of them."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from geoworks.errors import (
    BusError,
    Conflict,
    Forbidden,
    GeoworksError,
    Invalid,
    KeyReused,
    NotFound,
    Problem,
    ServiceStopping,
    SourceError,
    StaleVersion,
    StoreError,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthorized,
)
from geoworks.web.origin import request_id

MEDIA_TYPE = "application/problem+json"
# When the service stops each client is told another whole second up to this, so that not all come back at once.
_RETRY_S = 5

STATUS: Mapping[type[GeoworksError], HTTPStatus] = {
    GeoworksError: HTTPStatus.INTERNAL_SERVER_ERROR,
    Invalid: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    SourceError: HTTPStatus.BAD_GATEWAY,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    BusError: HTTPStatus.SERVICE_UNAVAILABLE,
    ServiceStopping: HTTPStatus.SERVICE_UNAVAILABLE,
}
# What aiohttp itself refuses, in the words of our codes.
_HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_log = logging.getLogger(__name__)


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """What every error answers (RFC 9457); `code` is stable, `problems` tells each fault and its mend."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    temporary: bool
    problems: tuple[dict[str, str], ...] = ()
    request: str = ""


def status_of(kind: type[GeoworksError]) -> HTTPStatus:
    """Return the HTTP status of a class of errors: its own or that of its nearest ancestor."""
    return next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors of the inner layers as problem documents; what nobody foresaw is logged and told as 500."""
    try:
        return await handler(request)
    except GeoworksError as error:
        return _answer(request, status_of(type(error)), error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _answer_http(request, error)
    except Exception as error:  # noqa: BLE001 - the web boundary: whatever failed is logged, and the reader gets an answer
        if not (isinstance(error, ConnectionError) and _has_gone(request)):
            resource = request.match_info.route.resource
            # Not the address itself: it may hold the secret of a link.
            door = resource.canonical if resource else "no door"
            _log.exception("request %s failed: %s %s", request_id(request), request.method, door)
        return _document(
            request,
            ProblemDocument(
                type=_type("internal"),
                title=HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
                status=HTTPStatus.INTERNAL_SERVER_ERROR,
                code="internal",
                detail="something failed on our side; it is logged under the number of this request",
                temporary=True,
            ),
        )


def _has_gone(request: web.Request) -> bool:
    """Tell whether the reader left before the answer; that is their right and nobody's fault."""
    return request.transport is None or request.transport.is_closing()


def _answer(request: web.Request, status: HTTPStatus, error: GeoworksError) -> web.Response:
    faults = error.problems if isinstance(error, Invalid) else ()
    document = ProblemDocument(
        type=_type(error.code),
        title=status.phrase,
        status=status,
        code=error.code,
        detail=str(error),
        temporary=error.temporary,
        problems=tuple(map(Problem._asdict, faults)),
    )
    response = _document(request, document)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif isinstance(error, ServiceStopping):
        response.headers["Retry-After"] = str(1 + secrets.randbelow(_RETRY_S))
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(_RETRY_S)
    elif isinstance(error, TooSlow):
        # What still comes of the body is no next request.
        response.force_close()
    elif status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="geoworks"'
    return response


def _answer_http(request: web.Request, error: web.HTTPException) -> web.Response:
    code = _HTTP_CODES.get(error.status, "invalid")
    details = {
        "not-found": "nothing has this address; /v1/openapi.json lists what has one",
        "method-not-allowed": f"{request.method} is not for this address; the Allow header lists what is",
        "too-large": "the body is larger than this server takes; the limits table of its settings says how much",
    }
    document = ProblemDocument(
        type=_type(code),
        title=error.reason,
        status=error.status,
        code=code,
        detail=details.get(code, error.text or error.reason),
        temporary=False,
    )
    response = _document(request, document)
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _type(code: str) -> str:
    return f"urn:geoworks:problem:{code}"


def _document(request: web.Request, document: ProblemDocument) -> web.Response:
    told = msgspec.structs.replace(document, request=request_id(request))
    return web.Response(status=document.status, body=msgspec.json.encode(told), content_type=MEDIA_TYPE)
