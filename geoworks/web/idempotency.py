"""Posts that may be repeated: an `Idempotency-Key` is carried out once and answered alike for a day."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

from aiohttp import web
from msgspec import Struct

from geoworks.errors import Invalid, KeyReused, Problem
from geoworks.ids import hash_secret
from geoworks.pipeline.desk import Edit
from geoworks.ports import Reply
from geoworks.web.services import services

T = TypeVar("T")
KEPT = timedelta(hours=24)
_HEADER = "Idempotency-Key"
_MOST = 200


class Outcome(Struct, frozen=True):
    """What a post came to; the body is stored beside the write, so that a repeated post can be told the same."""

    status: int
    body: bytes
    repeated: bool = False


class Once:
    """Has posts with the same key wait for one another, so that two at a time are carried out once."""

    def __init__(self) -> None:
        """Begin with no post under way."""
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def turn(self, owner: str, key: str) -> asyncio.Lock:
        """Return the lock of a key; it lives while a post holds it."""
        return self._locks.setdefault((owner, key), asyncio.Lock())


ONCE = web.AppKey("once", Once)


async def submit_once(
    request: web.Request, edit: Edit[T], *, owner: str, body: bytes, tell: Callable[[T], Outcome]
) -> Outcome:
    """Submit an edit, unless the same post was carried out before; `tell` makes of its result what is stored.

    Raises:
        Invalid: the key is not printable or too long.
        KeyReused: the key came with another body.
        GeoworksError: what the edit raises.

    """
    desk, store, clock = services(request).desk, services(request).store, services(request).clock
    sent = idempotency_key(request)
    if sent is None:
        return tell(await desk.submit(edit))
    # Citizens' links are drawn from their keys, so the store must not know them.
    key = hash_secret(sent)
    digest = hashlib.sha256(b"\0".join((request.method.encode(), request.path.encode(), body))).digest()
    async with request.app[ONCE].turn(owner, key):
        kept = await store.reply(owner, key)
        if kept is not None:
            return _again(kept, digest)

        def reply(result: T) -> Reply:
            told = tell(result)
            return Reply(owner, key, digest, told.status, told.body, clock.now() + KEPT)

        return tell(await desk.submit(edit, reply=reply))


def _again(kept: Reply, digest: bytes) -> Outcome:
    if kept.body_hash != digest:
        raise KeyReused(f"this {_HEADER} came with another request before; take a new key for a new request")
    return Outcome(kept.status, kept.body, repeated=True)


def idempotency_key(request: web.Request) -> str | None:
    """Return the key a post came with, if it did.

    Raises:
        Invalid: it is not printable or too long.

    """
    key = request.headers.get(_HEADER)
    if key is not None and not (0 < len(key) <= _MOST and key.isascii() and key.isprintable()):
        raise Invalid(Problem(_HEADER, "is no key", f"send 1 to {_MOST} printable ASCII characters"))
    return key
