"""All webhooks, kept in memory and in the store, and the only way to make and drop them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from geoworks.clock import Clock
from geoworks.config.settings import Settings
from geoworks.errors import Conflict, NotFound, Problem, TooLarge
from geoworks.hub.messages import Wanted
from geoworks.hub.target import check_target
from geoworks.hub.webhook import NOWHERE, Progress, Webhook, filters_of, resume_text
from geoworks.ids import new_id
from geoworks.model.change import Cursor

_WEBHOOKS = "webhooks"
_PROGRESS = "webhook-progress"
# The Standard Webhooks specification asks for 24 to 64 bytes.
_SECRET_BYTES = 32

T = TypeVar("T")


class Documents(Protocol):
    """What the book asks of the store (`geoworks.ports.Store` has it)."""

    async def documents(self, collection: str) -> Mapping[str, bytes]:
        """Return all values of a collection by name."""
        ...

    async def put_document(self, collection: str, name: str, value: bytes | None) -> None:
        """Write a small named value durably; None drops it."""
        ...


class Webhooks:
    """The book of webhooks; belongs to the event loop's thread."""

    def __init__(self, store: Documents, *, settings: Settings, clock: Clock) -> None:
        """Keep the webhooks in the documents of `store`; call `load` before anything else."""
        self.changed = asyncio.Event()
        self._store = store
        self._settings = settings.webhooks
        self._frame_bytes = settings.stream.frame_bytes
        self._clock = clock
        self._webhooks: dict[str, Webhook] = {}
        self._progress: dict[str, Progress] = {}
        self._making = asyncio.Lock()

    async def load(self) -> None:
        """Read the webhooks of the store."""
        self._webhooks = await self._read(_WEBHOOKS, Webhook)
        self._progress = await self._read(_PROGRESS, Progress)
        self.changed.set()

    async def refresh(self) -> None:
        """Read the webhooks that other nodes registered or dropped; how far this one has come, it knows better."""
        self._webhooks = await self._read(_WEBHOOKS, Webhook)
        self._progress = {**await self._read(_PROGRESS, Progress), **self._progress}
        self.changed.set()

    async def create(self, url: str, wanted: Wanted, *, since: str | None, owner: str) -> Webhook:
        """Register a webhook whose receiver has everything up to `since`, or nothing yet.

        Raises:
            Invalid: the address, the area or the cursor cannot be taken.
            Conflict: the owner, or all together, have as many as there may be.

        """
        check_target(url, self._settings)
        if since is not None:
            Cursor.parse(since)
        progress = Progress(cursor=NOWHERE if since is None else since, filters=filters_of(wanted))
        self._check_size(wanted, progress)
        secret, now = secrets.token_bytes(_SECRET_BYTES), self._clock.now()
        webhook = Webhook(id=new_id(), owner=owner, url=url, wanted=wanted, secret=secret, created=now)
        async with self._making:
            self._check_room(owner)
            # In this order: there is never a webhook that nobody knows the place of.
            await self._store.put_document(_PROGRESS, webhook.id, msgspec.json.encode(progress))
            await self._store.put_document(_WEBHOOKS, webhook.id, msgspec.json.encode(webhook))
            self._webhooks[webhook.id], self._progress[webhook.id] = webhook, progress
        self.changed.set()
        return webhook

    def all(self) -> Sequence[Webhook]:
        """Return every webhook, the oldest first."""
        return sorted(self._webhooks.values(), key=lambda webhook: (webhook.created, webhook.id))

    def get(self, id_: str) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: none has this id.

        """
        webhook = self._webhooks.get(id_)
        if webhook is None:
            raise unknown(id_)
        return webhook

    def progress(self, id_: str) -> Progress:
        """Return how far the sending of a webhook has come."""
        return self._progress[id_]

    async def note(self, id_: str, progress: Progress) -> None:
        """Note durably how far the sending has come; of a webhook that is dropped nothing is kept."""
        if id_ in self._webhooks:
            self._progress[id_] = progress
            await self._store.put_document(_PROGRESS, id_, msgspec.json.encode(progress))

    async def drop(self, id_: str) -> None:
        """End a webhook and forget it.

        Raises:
            NotFound: none has this id.

        """
        self.get(id_)
        await self._store.put_document(_WEBHOOKS, id_, None)
        self._webhooks.pop(id_, None)
        self._progress.pop(id_, None)
        self.changed.set()
        # Last: what a delivery that is under way had still to note is written before.
        await self._store.put_document(_PROGRESS, id_, None)

    async def _read(self, collection: str, kind: type[T]) -> dict[str, T]:
        found = await self._store.documents(collection)
        return {name: msgspec.json.decode(value, type=kind) for name, value in found.items()}

    def _check_size(self, wanted: Wanted, progress: Progress) -> None:
        size = len(resume_text(wanted, progress).encode())
        if size > self._frame_bytes:
            what = f"it takes {size} bytes, and {self._frame_bytes} are taken (stream.frame_bytes)"
            raise TooLarge(Problem("area", what, "simplify the area or register several webhooks"))

    def _check_room(self, owner: str) -> None:
        own = sum(webhook.owner == owner for webhook in self._webhooks.values())
        if own >= self._settings.per_key:
            raise Conflict(f"this key has {own} webhooks, as many as it may; delete one (setting webhooks.per_key)")
        if len(self._webhooks) >= self._settings.total:
            raise Conflict("there are as many webhooks as there may be; an admin may raise the setting webhooks.total")


def unknown(id_: str) -> NotFound:
    """Return the error about a webhook that does not exist, or not for who asks."""
    return NotFound(f"no webhook of yours has the id {id_[:40]!r}; GET /v1/webhooks lists them")
