"""Makes the cuts, one after the other, over a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from tests.soak.crowd import Crowd
from tests.soak.cut import PROCESS, SINGLE, Cut, Kind
from tests.soak.member import Member
from tests.soak.relay import How, Relay
from tests.soak.town import Town

# After a restart cuts are late; so many a second at most make up for that.
_LEAST_PAUSE_S = 0.05
_LOOK_S = 0.02
_MANY = 0.25


class Cutter:
    """Cuts clients, writers and the service."""

    def __init__(self, town: Town, crowd: Crowd, *, writers: Relay, luck: random.Random) -> None:
        """Begin with nothing cut."""
        self.cuts: list[Cut] = []
        self._town = town
        self._crowd = crowd
        self._writers = writers
        self._luck = luck

    async def run(self, plan: Sequence[Kind], seconds: float) -> None:
        """Make the cuts of a plan, spread over so many seconds."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number, kind in enumerate(plan):
            due = begin + seconds * (number + self._luck.random()) / len(plan)
            await asyncio.sleep(max(due - loop.time(), _LEAST_PAUSE_S))
            await self._make(kind)
        await asyncio.sleep(begin + seconds - loop.time())

    async def _make(self, kind: Kind) -> None:
        if kind in PROCESS:
            await self._end_process(kind)
        elif kind is Kind.WRITERS:
            self._note(kind, ())
            self._writers.cut(How.RESET)
        elif kind is Kind.MANY:
            there = await self._connected()
            most = max(2, round(len(self._crowd.members) * _MANY))
            self._cut(kind, self._luck.sample(there, min(len(there), self._luck.randint(2, most))), How.RESET)
        else:
            self._cut(kind, [self._luck.choice(await self._connected())], SINGLE[kind])

    def _cut(self, kind: Kind, members: Sequence[Member], how: How) -> None:
        self._note(kind, members)
        for member in members:
            member.relay.cut(how)

    async def _end_process(self, kind: Kind) -> None:
        """End the process, while there are writes under way, and start it again."""
        self._note(kind, [member for member in self._crowd.members if member.relay.is_open])
        if kind is Kind.KILL:
            await self._town.kill()
        else:
            await self._town.terminate()
        await self._town.start()

    def _note(self, kind: Kind, hit: Sequence[Member]) -> None:
        cut = Cut(kind, hit, live=self._crowd.live, at=asyncio.get_running_loop().time())
        self.cuts.append(cut)
        for member in hit:
            member.hit(cut)

    async def _connected(self) -> Sequence[Member]:
        """Return whom a cut would hit, once there is anybody."""
        while not (there := [one for one in self._crowd.members if one.relay.is_open]):  # noqa: ASYNC110 - they come back one by one
            await asyncio.sleep(_LOOK_S)
        return there
