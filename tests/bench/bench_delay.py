"""The time from a change's commit to its bytes in the hands of 1000 clients, on the slow days and the bad ones.

Twenty changes a second: joining must not delay what comes alone. One client among the thousand that never reads: the
others must not feel it, it must be cut, and what waits for it must be bounded.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from statistics import quantiles

from tests.bench.contender import Run
from tests.bench.cores import CLIENT_CORE, on_core
from tests.bench.fanout_changes import FRAME_BYTES
from tests.bench.fanout_servers import Manner, Spawned, ours
from tests.bench.listeners import EVERYWHERE, Listeners, WebSocketClient
from tests.bench.row import Row, paired_row

SOCKETS = 1000
ROUNDS = 5
TWENTY_A_SECOND = Run(changes=50, together=1, pause_s=0.05)
# More than its kernel buffers and the high-water mark take together, with time for the others to read.
FLOOD = Run(changes=1600, together=16, pause_s=0.03)
_HIGH_WATER_BYTES = 262_144
_STUCK_S = 30
# Connections are looked at once a second.
_LOOK_S = 1.0
_NARROW = WebSocketClient(path="/v1/stream", areas=(EVERYWHERE,), receive_buffer=4096)


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
    """Measure both."""
    with on_core(CLIENT_CORE):
        yield _joining()
        yield from _stuck()


def percentile_s(delays_s: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(delays_s, n=100)[percent - 1]


def _joining() -> Row:
    with ExitStack() as stack:
        joining, apart = Town(stack, Manner()), Town(stack, Manner(joining=False))
        pairs = _interleaved(joining, apart, 50)
    name = "20 changes/s to 1000 sockets: delay (p50), beside the same without joining"
    return paired_row(name, pairs, target=1 / 1.3, unit="s", cost=True)


def _stuck() -> Iterator[Row]:
    with ExitStack() as stack:
        troubled, calm = Town(stack, Manner(watched=True)), Town(stack, Manner(watched=True))
        stuck = stack.enter_context(closing(_NARROW.connect(troubled.server.port, 0)))
        for town in (calm, troubled):
            town.delays_s(FLOOD)
        since = time.monotonic()
        pairs = _interleaved(troubled, calm, 99)
        assert troubled.server.figures().connected == SOCKETS + 1, "cut before it was measured beside"
        name = "one stuck client among 1000: delay of the others (p99), beside none stuck"
        yield paired_row(name, pairs, target=1 / 1.25, unit="s", cost=True)
        yield from _end_of(stuck, troubled.server, since)


def _end_of(stuck: socket.socket, server: Spawned, since: float) -> Iterator[Row]:
    """Wait until the stuck client is cut; tell when, and how much waited for it."""
    limit_s = _STUCK_S + _LOOK_S
    while not (figures := server.figures()).aborted and time.monotonic() < since + 2 * limit_s:
        time.sleep(0.05)
    lasted_s = time.monotonic() - since
    assert figures.aborted == 1, "the stuck client was not cut"
    name = "one stuck client among 1000: time until it is cut, beside 30 s and a look each second"
    yield Row(name, lasted_s, limit_s, limit_s / lasted_s, target=1)
    allowed = _HIGH_WATER_BYTES + FLOOD.together * FRAME_BYTES
    name = "one stuck client among 1000: bytes kept for it, beside the high-water mark and a write"
    yield Row(name, figures.most_unsent, allowed, allowed / max(figures.most_unsent, 1), target=1, unit="B")
    assert stuck.fileno() >= 0


def _interleaved(first: Town, second: Town, percent: int) -> list[tuple[float, float]]:
    """Return pairs of a percentile of the delays; who goes first changes each round."""
    pairs = []
    for number in range(ROUNDS):
        order = (first, second) if number % 2 == 0 else (second, first)
        figures = {town: percentile_s(town.delays_s(TWENTY_A_SECOND), percent) for town in order}
        pairs.append((figures[first], figures[second]))
    return pairs
