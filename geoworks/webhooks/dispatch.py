"""Sends a courier for every webhook of the book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp.abc import AbstractResolver

from geoworks.clock import Clock
from geoworks.config.settings import WebhooksTable
from geoworks.hub.hub import Hub
from geoworks.hub.webhooks import Webhooks
from geoworks.tasks import Tasks
from geoworks.webhooks.courier import Courier, Round
from geoworks.webhooks.post import open_client


class Dispatch:
    """Keeps all couriers going."""

    def __init__(
        self,
        book: Webhooks,
        hub: Hub,
        *,
        settings: WebhooksTable,
        clock: Clock,
        is_revoked: Callable[[str], bool],
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Send what the hub tells, until a key is revoked; `clock` is the one receivers read."""
        self._book = book
        self._hub = hub
        self._settings = settings
        self._clock = clock
        self._is_revoked = is_revoked
        self._resolver = resolver

    async def run(self) -> None:
        """Carry for all webhooks, those that come and until they go, until cancelled."""
        async with open_client(self._settings, resolver=self._resolver) as client, Tasks() as tasks:
            round_ = Round(
                book=self._book,
                hub=self._hub,
                client=client,
                settings=self._settings,
                clock=self._clock,
                is_revoked=self._is_revoked,
            )
            going: dict[str, asyncio.Task[None]] = {}
            while True:
                self._book.changed.clear()
                known = {webhook.id: webhook for webhook in self._book.all()}
                for id_ in going.keys() - known.keys():
                    going.pop(id_).cancel()
                for id_ in known.keys() - going.keys():
                    going[id_] = tasks.create_task(Courier(known[id_], round_).run())
                await self._book.changed.wait()
