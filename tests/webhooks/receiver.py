"""A receiver of webhooks: a real server on a free port that verifies signatures and does what it is told to answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import unused_port

from tests.hub.client import Held, Message

WAIT_S = 20


@dataclass
class Post:
    """One attempt, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Return the id of the delivery."""
        return self.headers["webhook-id"]

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the decoded body."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether the signature is that of a secret, by the words of the Standard Webhooks specification."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.{self.body.decode()}".encode()
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{expected}"


@dataclass
class Receiver:
    """What came, what is held of it, and what is answered: `answers` first, then 204 for good.

    With every failure it says `retry_after`, unless that is empty.
    """

    port: int
    posts: list[Post] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    retry_after: str = ""
    held: Held = field(default_factory=Held)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _seen: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def offsets(self) -> list[int]:
        """Return the places in the log of the changes taken, in their order."""
        cursors = [change["cursor"] for change in self.taken if change["type"] in {"put", "remove"}]
        return [int(cursor.partition(".")[2]) for cursor in cursors]

    def titles(self) -> dict[str, str]:
        """Return the title of each works held, by id."""
        return {id_: one["properties"]["title"] for (_, id_), one in self.held.features.items()}

    async def answer(self, request: web.Request) -> web.Response:
        """Take a post, and what is in it when it is answered with success."""
        post = Post({name.lower(): value for name, value in request.headers.items()}, await request.read())
        self.posts.append(post)
        await self.open.wait()
        status = self.answers.popleft() if self.answers else 204
        if status == 204 and post.id not in self._seen:
            self._seen.add(post.id)
            self._take(post.json())
        async with self.came:
            self.came.notify_all()
        headers = {"Location": self.url} if status // 100 == 3 else {}
        if self.retry_after and status != 204:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=status, headers=headers)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, looked at after every post."""
        async with asyncio.timeout(WAIT_S), self.came:
            await self.came.wait_for(condition)

    def _take(self, delivery: Message) -> None:
        for change in delivery["changes"]:
            self.taken.append(change)
            self.held.hear(change)
        self.held.cursor = delivery["cursor"]


@asynccontextmanager
async def receiving(port: int | None = None) -> AsyncIterator[Receiver]:
    """Receive on a port until the block ends."""
    receiver = Receiver(port or unused_port())
    receiver.open.set()
    app = web.Application(client_max_size=10**7)
    app.router.add_post("/hook", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
        yield receiver
    finally:
        receiver.open.set()
        await runner.cleanup()
