"""All clients together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from geoworks.client import Stream, connect
from tests.soak.bare import BareStream
from tests.soak.chronicle import Chronicle
from tests.soak.member import Member
from tests.soak.relay import Upstream, relaying
from tests.soak.town import Town
from tests.soak.view import View

# One client in four looks at a half of the town; one in five is written from the documents alone.
_WEST_EVERY, _BARE_EVERY = 4, 5
_AT_ONCE = 20
_LOOK_S = 0.2


class Crowd:
    """Clients that are connected, or are about to be again."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Begin with some, who listen already."""
        self.members = members

    @property
    def live(self) -> int:
        """Return how many are current, as far as they know."""
        return sum(member.live for member in self.members)

    async def all_live(self) -> None:
        """Wait until all are."""
        while self.live < len(self.members):  # noqa: ASYNC110 - what is waited for are many, each with its own news
            await asyncio.sleep(_LOOK_S)

    async def become_current(self, town: Town, within_s: float) -> Sequence[Member]:
        """Wait until all hold exactly what the town has; return those who do not in time."""
        wrong: Sequence[Member] = self.members
        try:
            async with asyncio.timeout(within_s):
                while wrong:
                    await asyncio.sleep(_LOOK_S)
                    _, works = await town.works()
                    wrong = self.wrong(works)
        except TimeoutError:
            pass
        return wrong

    def wrong(self, works: dict[str, Any]) -> Sequence[Member]:
        """Return those who do not hold exactly what is right when these are the town's works."""
        expected = {view: view.expected(works) for view in View}
        return [one for one in self.members if not one.live or dict(one.listener.features) != expected[one.view]]


@asynccontextmanager
async def gathered(
    count: int, upstreams: Sequence[Upstream], *, chronicle: Chronicle, luck: random.Random
) -> AsyncIterator[Crowd]:
    """Connect so many clients, by any of these ways, while the block lasts."""
    async with AsyncExitStack() as stack:
        members = [await _join(stack, number, luck.choice(upstreams), chronicle, luck=luck) for number in range(count)]
        async with asyncio.TaskGroup() as listening:
            tasks = [listening.create_task(member.listen()) for member in members]
            crowd = Crowd(members)
            await crowd.all_live()
            yield crowd
            for task in tasks:
                task.cancel()


async def _join(
    stack: AsyncExitStack, number: int, upstream: Upstream, chronicle: Chronicle, *, luck: random.Random
) -> Member:
    relay = await stack.enter_async_context(relaying(upstream))
    view = View.WEST if number % _WEST_EVERY == 1 else View.ALL
    listener: BareStream | Stream
    if number % _BARE_EVERY == 0:
        listener = await stack.enter_async_context(BareStream(relay.base, view.value, luck=luck))
    else:
        listener = await stack.enter_async_context(connect(str(relay.base), [view.value]))
    return Member(view, relay, listener=listener, chronicle=chronicle)
