"""Compression of what is not compressed already."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from geoworks.web.collections import takes_gzip

_LEAST_BYTES = 1024
_TYPES = ("text/", "application/json", "application/geo+json", "application/problem+json", "application/javascript")


@web.middleware
async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send texts of some size as gzip to those who can unpack it."""
    response = await handler(request)
    if _is_worth_it(response):
        varies = response.headers.get(hdrs.VARY)
        response.headers[hdrs.VARY] = f"{varies}, {hdrs.ACCEPT_ENCODING}" if varies else str(hdrs.ACCEPT_ENCODING)
        if takes_gzip(request):
            response.enable_compression(web.ContentCoding.gzip)
    return response


def _is_worth_it(response: web.StreamResponse) -> bool:
    if response.prepared or hdrs.CONTENT_ENCODING in response.headers:
        return False
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return False
    return len(response.body) >= _LEAST_BYTES and response.content_type.startswith((*_TYPES, "image/svg"))
