"""In which language a reader wants the pages."""

from __future__ import annotations

from aiohttp import web

LANGUAGES = ("fr", "en")
COOKIE = "geoworks_language"
_YEAR_S = 31_536_000


def language_of(request: web.Request, *, first: str) -> str:
    """Return `fr` or `en`: what the address says, else the cookie, else the browser, else the town's `first`."""
    chosen = request.query.get("lang", request.cookies.get(COOKIE, ""))
    return chosen if chosen in LANGUAGES else _preferred(request.headers.get("Accept-Language", ""), first)


def remember(request: web.Request, response: web.Response) -> None:
    """Keep a choice made by the address for the next pages."""
    chosen = request.query.get("lang", "")
    if chosen in LANGUAGES:
        response.set_cookie(COOKIE, chosen, max_age=_YEAR_S, samesite="Lax", httponly=True, secure=request.secure)


def _preferred(header: str, first: str) -> str:
    """Return the language a browser ranks highest among ours; the town's own among equals."""
    ranks = dict.fromkeys(LANGUAGES, 0.0)
    for wish in header.split(","):
        tag, _, weight = wish.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in ranks:
            ranks[language] = max(ranks[language], _weight(weight))
    best = max(ranks.values())
    return first if not best or ranks.get(first) == best else max(ranks, key=lambda language: ranks[language])


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0
