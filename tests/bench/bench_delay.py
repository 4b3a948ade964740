"""The time from a change's commit to its bytes in the hands of 1000 clients, at twenty changes a second.

Joining must not delay what comes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import quantiles

from tests.bench.contender import Run
from tests.bench.cores import CLIENT_CORE, on_core
from tests.bench.fanout_changes import FRAME_BYTES
from tests.bench.fanout_servers import Manner, Spawned, ours
from tests.bench.listeners import Listeners
from tests.bench.row import Row, paired_row

SOCKETS = 1000
ROUNDS = 5
TWENTY_A_SECOND = Run(changes=50, together=1, pause_s=0.05)


class Town:
    """A server with a thousand clients that read."""

    def __init__(self, stack: ExitStack, manner: Manner) -> None:
        """Start both, until the stack is closed."""
        self.server: Spawned = stack.enter_context(ours(manner=manner))
        self._listeners = stack.enter_context(Listeners(self.server.client, self.server.port, SOCKETS))

    def delays_s(self, run: Run) -> Sequence[float]:
        """Return how long each change took to each client."""
        self._listeners.watch(FRAME_BYTES, run.changes)
        sent = self.server.timed(run)
        moments = self._listeners.moments()
        return [here - sent[place // run.together] for place, came in enumerate(moments) for here in came]


def rows() -> Iterator[Row]:
    """Measure it beside the same without joining."""
    with on_core(CLIENT_CORE):
        yield _joining()


def percentile_s(delays_s: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(delays_s, n=100)[percent - 1]


def _joining() -> Row:
    with ExitStack() as stack:
        joining, apart = Town(stack, Manner()), Town(stack, Manner(joining=False))
        pairs = interleaved(joining, apart, 50)
    name = "20 changes/s to 1000 sockets: delay (p50), beside the same without joining"
    return paired_row(name, pairs, target=1 / 1.3, unit="s", cost=True)


def interleaved(first: Town, second: Town, percent: int, *, run: Run = TWENTY_A_SECOND) -> list[tuple[float, float]]:
    """Return pairs of a percentile of the delays; who goes first changes each round."""
    pairs = []
    for number in range(ROUNDS):
        order = (first, second) if number % 2 == 0 else (second, first)
        figures = {town: percentile_s(town.delays_s(run), percent) for town in order}
        pairs.append((figures[first], figures[second]))
    return pairs
