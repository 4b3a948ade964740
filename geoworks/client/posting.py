"""Leave an area or a route at the town that is too long for a question."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct

from geoworks.client.address import areas_address
from geoworks.client.asking import departure
from geoworks.client.faults import AreaRefused, Unintelligible, Unreachable, why_not

GEOJSON = "application/geo+json"
GPX = "application/gpx+xml"
_WITHIN_S = 20.0
# The town takes 1 MiB and answers with the line, at most as long, in other words.
_MOST_BYTES = 8 * 1024 * 1024


class PostedArea(Struct, frozen=True, kw_only=True):
    """An area that the town keeps until it expires or the town restarts: ask with `stored(area_id)`."""

    area_id: str
    expires: datetime
    length_m: float | None = None
    line: dict[str, Any] | None = None


class _Problem(Struct, frozen=True):
    detail: str = ""


async def post_area(
    url: str,
    body: bytes | str | Mapping[str, Any],
    content_type: str = GEOJSON,
    *,
    corridor_m: float | None = None,
    depart: datetime | None = None,
    speed_kmh: float | None = None,
) -> PostedArea:
    """Leave GeoJSON, or a GPX file, at the town whose pages are at a URL.

    When the town restarts, or the area expires, a question with it is refused with the number 110: post it again.

    Raises:
        AreaRefused: the town does not take it.
        Unreachable: nobody is there, or not in time.
        Unintelligible: what is there is no town.
        ValueError: the departure has no time zone.

    """
    timing = {"corridor_m": corridor_m, "depart": departure(depart), "speed_kmh": speed_kmh}
    query = urlencode({name: value for name, value in timing.items() if value is not None})
    sent = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else msgspec.json.encode(body)
    address = areas_address(url)
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    request = Request(f"{address}?{query}" if query else address, data=sent, headers=headers, method="POST")  # noqa: S310 - http or https
    answer = await asyncio.to_thread(_send, request, address)
    try:
        return msgspec.json.decode(answer, type=PostedArea)
    except msgspec.DecodeError as error:
        raise Unintelligible(f"{address} answered with something else than an area; is it geoworks?") from error


def _send(request: Request, address: str) -> bytes:
    """Send a request; return the answer's body."""
    try:
        with urlopen(request, timeout=_WITHIN_S) as response:  # noqa: S310 - http or https, see `areas_address`
            found: bytes = response.read(_MOST_BYTES)
            return found
    except HTTPError as error:
        with error:
            raise _refusal(error) from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        told = why_not(why) if isinstance(why, Exception) else why
        raise Unreachable(f"{address}: {told}; see that the service runs there") from error


def _refusal(error: HTTPError) -> AreaRefused:
    """Tell why an area was not taken, in the town's words where it has any."""
    asked = error.headers.get("Retry-After", "")
    retry_after_s = float(asked) if asked.isdecimal() else 0.0
    if error.code == HTTPStatus.TOO_MANY_REQUESTS:
        why = f"too many areas were posted from here; try again in {retry_after_s:.0f} s"
    else:
        why = _said(error) or f"the server answered with HTTP status {error.code}"
    return AreaRefused(why, status=error.code, retry_after_s=retry_after_s)


def _said(error: HTTPError) -> str:
    try:
        problem = msgspec.json.decode(error.read(_MOST_BYTES), type=_Problem)
    except (msgspec.DecodeError, OSError, HTTPException):
        return ""
    return problem.detail
