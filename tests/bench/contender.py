"""A server that tells many sockets the same, as the fan-out benchmarks see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct, structs

from tests.bench.cores import cpu_s
from tests.bench.fanout_changes import FIRST
from tests.bench.listeners import Client, Listeners

# After a rest of 200 ms and more Linux acknowledges the next sixteen segments as they come, at the server's expense.
_WARMING = 20


class Run(Struct, frozen=True):
    """So many changes, `together` of them at once, with a pause after each batch; `awake` tells how clients wait."""

    changes: int
    together: int
    pause_s: float
    awake: bool = False

    def batches(self, first: int = FIRST) -> Iterator[range]:
        """Yield the numbers of the changes of each batch, from a number on."""
        last = first + self.changes
        for begin in range(first, last, self.together):
            yield range(begin, min(begin + self.together, last))


class Contender(Protocol):
    """A running server."""

    @property
    def pid(self) -> int:
        """The process that does the work."""
        ...

    @property
    def port(self) -> int:
        """Where its clients connect."""
        ...

    @property
    def client(self) -> Client:
        """How they connect."""
        ...

    def play(self, run: Run) -> Iterator[int]:
        """Have the changes sent; yield how many bytes each socket is to take before it goes on.

        The first is 0: all is made that is to be sent, as it is when a change has been committed.
        """
        ...


class Fanout:
    """A contender with its clients."""

    def __init__(self, contender: Contender, sockets: int, *, client: Client | None = None) -> None:
        """Connect so many clients, of the contender's kind or another."""
        self._contender = contender
        self._sockets = sockets
        self._stack = ExitStack()
        self._listeners = self._stack.enter_context(Listeners(client or contender.client, contender.port, sockets))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def deliveries_per_s(self, run: Run) -> float:
        """Return how many deliveries one CPU second of the server makes, until every client has every byte.

        Batches that are not counted go before, so that the time everybody rested while others ran does not matter.
        """
        self._play(structs.replace(run, changes=_WARMING * run.together))
        return run.changes * self._sockets / self._play(run)

    def _play(self, run: Run) -> float:
        """Have the changes sent; return the server's CPU seconds until every client has every byte."""
        playing = self._contender.play(run)
        next(playing)
        begin = cpu_s(self._contender.pid)
        for size in playing:
            self._listeners.count(size, awake=run.awake)
        return cpu_s(self._contender.pid) - begin
