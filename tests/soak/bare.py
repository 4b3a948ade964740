"""A client written from `docs/stream.md` alone: it checks the Python client, and tells more than that does.

Removals of what it does not hold and heartbeats are told too.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from types import TracebackType
from typing import Any, Self

from msgspec import Struct, to_builtins
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol
from yarl import URL

from geoworks.client import Live, Lost, Put, Remove, Resync, Snapshot, Subscription
from geoworks.client.changes import FeatureKey

_PROTOCOL = Subprotocol("geoworks.v1")
_OPEN_S = 5.0
_CLOSE_S = 1.0
_LONGEST_WAIT_S = 1.0


class Beat(Struct, frozen=True):
    """Everything up to a cursor was told."""

    cursor: str


Told = Put | Remove | Snapshot | Live | Resync | Lost | Beat


class BareStream:
    """A stream of what the server says."""

    def __init__(self, base: URL, subscription: Subscription, *, luck: random.Random) -> None:
        """Ask one question of a town."""
        self.features: dict[tuple[str, str], Any] = {}
        self._uri = str(base.join(URL("/v1/stream")).with_scheme("ws"))
        self._question = to_builtins(subscription)
        self._luck = luck
        self._told: deque[Told] = deque()
        self._socket: ClientConnection | None = None
        self._cursor: str | None = None
        self._filters: str | None = None
        self._silence_s = 30.0
        self._wait_s = 0.0

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._come()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Told:
        """Return what is told next."""
        while not self._told:
            try:
                await self._listen()
            except (OSError, WebSocketException, TimeoutError) as error:
                self._leave()
                self._told.append(Lost(str(error), self._wait_s))
        return self._told.popleft()

    async def _listen(self) -> None:
        if self._socket is None:
            await asyncio.sleep(self._wait_s)
            self._wait_s = self._luck.random() * _LONGEST_WAIT_S
            await self._come()
            return
        async with asyncio.timeout(self._silence_s):
            self._hear(json.loads(await self._socket.recv()))

    async def _come(self) -> None:
        self._socket = await connect(
            self._uri,
            subprotocols=[_PROTOCOL],
            proxy=None,
            compression=None,
            open_timeout=_OPEN_S,
            close_timeout=_CLOSE_S,
            ping_interval=None,
        )
        if self._cursor and self._filters:
            asked = {"since": self._cursor, "filters": self._filters, "subscriptions": [self._question]}
            await self._send("resume", asked)
        else:
            self.features.clear()
            self._cursor = None
            await self._send("subscribe", self._question)

    async def _send(self, type_: str, fields: dict[str, Any]) -> None:
        assert self._socket
        await self._socket.send(json.dumps({"type": type_, **fields}))

    def _leave(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.transport.abort()

    def _hear(self, message: dict[str, Any]) -> None:
        # A cursor of null would be the clock's or the driver's, which the question does not follow.
        told = getattr(self, f"_hear_{message['type']}")(message)
        if told is not None:
            self._told.append(told)

    def _hear_hello(self, message: dict[str, Any]) -> None:
        self._silence_s = 2 * message["heartbeat_s"]

    def _hear_snapshot(self, message: dict[str, Any]) -> Snapshot:
        for feature in message["features"]:
            self.features[_key(feature)] = feature
        return Snapshot(message["id"], tuple(message["features"]), message["last"])

    def _hear_put(self, message: dict[str, Any]) -> Put:
        self._cursor, feature = message["cursor"], message["feature"]
        key = _key(feature)
        before, self.features[key] = self.features.get(key), feature
        return Put(key, feature, before, message["cursor"])

    def _hear_remove(self, message: dict[str, Any]) -> Remove:
        self._cursor = message["cursor"]
        key = FeatureKey(message["kind"], message["id"])
        return Remove(key, self.features.pop(key, {}), message["reason"], message["cursor"])

    def _hear_caught_up(self, message: dict[str, Any]) -> Live:
        self._cursor, self._filters = message["cursor"], message["filters"]
        return Live(message["id"], message["cursor"])

    def _hear_heartbeat(self, message: dict[str, Any]) -> Beat:
        self._cursor = message["cursor"]
        return Beat(message["cursor"])

    def _hear_resync(self, message: dict[str, Any]) -> Resync:
        self.features.clear()
        self._cursor = self._filters = None
        return Resync(message["id"], message["reason"])

    def _hear_notice(self, message: dict[str, Any]) -> None:
        self._wait_s += message.get("retry_after_s") or 0.0


def _key(feature: dict[str, Any]) -> FeatureKey:
    return FeatureKey(feature["properties"]["kind"], feature["id"])
