"""One client of the crowd, and what it is told, looked at message by message."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from geoworks.client import Live, Lost, Put, Remove, Resync, Snapshot
from tests.soak.archive import mark
from tests.soak.bare import Beat
from tests.soak.chronicle import Chronicle, Claim
from tests.soak.cut import NO_CUT, Cut
from tests.soak.relay import Relay
from tests.soak.view import View

_MOST_UNTOLD = 1_000


class Listener(Protocol):
    """A stream of changes that keeps what they lead to."""

    @property
    def features(self) -> Mapping[Any, Any]:
        """Return what is held, by kind and id."""
        ...

    async def __anext__(self) -> object:
        """Return the next change."""
        ...


class Member:
    """A client with a relay of its own, so that it can be cut alone.

    It follows the numbers it is told: that they grow, which change each works it holds was last put by, and, while
    it is live, that it was told every one (the chronicle and the log judge that in the end).
    """

    def __init__(self, view: View, relay: Relay, *, listener: Listener, chronicle: Chronicle) -> None:
        """Listen through a relay."""
        self.view = view
        self.relay = relay
        self.listener = listener
        self.live = False
        self.reached = 0
        self.last_cut = NO_CUT
        self.doubled: Counter[str] = Counter()
        self.resynced: Counter[str] = Counter()
        self._chronicle = chronicle
        self._put_by: dict[str, int] = {}
        self._fingerprint = 0
        self._untold: list[Claim] = []
        self._cuts: list[Cut] = []
        self._felt: list[Cut] = []
        self._is_placed = True

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            self.hear(await anext(self.listener))

    def hit(self, cut: Cut) -> None:
        """Take note of a cut that hit this client."""
        self.last_cut = cut.kind
        self._cuts.append(cut)

    def hear(self, told: object) -> None:
        """Look at what was told."""
        match told:
            case Put(cursor=str(cursor)):
                self._move(_offset(cursor), told.key.id, shown=True)
            case Remove(cursor=str(cursor)):
                self._move(_offset(cursor), told.key.id, shown=False)
            case Live():
                self._arrive(_offset(told.cursor))
            case Beat():
                self._beat(_offset(told.cursor))
            case Lost():
                self._lose()
            case Snapshot() | Resync():
                self._begin_anew(told)

    def settle(self) -> None:
        """Hand on what was not told the chronicle yet."""
        for claim in self._untold:
            self._chronicle.note(claim)
        self._untold.clear()

    def _move(self, offset: int, id_: str, *, shown: bool) -> None:
        if offset <= self.reached:
            self.doubled[self.last_cut] += 1
        before = self._put_by.pop(id_, None)
        if before is not None:
            self._fingerprint ^= mark(id_, before)
        if shown:
            self._put_by[id_] = offset
            self._fingerprint ^= mark(id_, offset)
        since, self.reached = self.reached, offset
        if self.live:
            self._claim(offset, quiet=(since, offset - 1))
        if len(self._untold) > _MOST_UNTOLD:
            self.settle()

    def _arrive(self, offset: int) -> None:
        if self.live:
            # It had stalled: what it was told since was a catch-up, where a feature comes once, in its last place.
            self._untold.clear()
        self.settle()
        if offset < self.reached:
            # It would resume from there, and be told again, or not at all, what it heard of already.
            self.doubled[self.last_cut] += 1
        self.reached, self.live = offset, True
        self._claim(offset)
        for cut in self._felt:
            cut.heal(self, asyncio.get_running_loop().time())
        self._felt.clear()

    def _beat(self, offset: int) -> None:
        if self.live:
            self._claim(offset, quiet=(self.reached, offset))
            self.reached = offset

    def _lose(self) -> None:
        self.live = False
        self.settle()
        self._felt += self._cuts
        self._cuts.clear()

    def _begin_anew(self, told: Snapshot | Resync) -> None:
        """Take note that the state, instead of what changed, is told; at the start there is nothing yet."""
        if isinstance(told, Resync):
            self.resynced[self.last_cut] += 1
        # Of what a snapshot has nobody knows by which change it was put.
        self._is_placed = self._is_placed and not (isinstance(told, Snapshot) and told.features)

    def _claim(self, offset: int, *, quiet: tuple[int, int] | None = None) -> None:
        if self._is_placed:
            self._untold.append(Claim(self.view, quiet, offset, self._fingerprint, self.last_cut))


def _offset(cursor: str) -> int:
    return int(cursor.partition(".")[2])
