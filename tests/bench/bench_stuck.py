"""One client among a thousand that never reads, while changes flow.

The others must not feel it, it must be cut, and what waits for it must be bounded.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

from tests.bench.bench_delay import SOCKETS, Town, interleaved
from tests.bench.contender import Run
from tests.bench.cores import CLIENT_CORE, on_core
from tests.bench.fanout_changes import FRAME_BYTES
from tests.bench.fanout_servers import Manner, Spawned
from tests.bench.listeners import EVERYWHERE, WebSocketClient
from tests.bench.row import Row, paired_row

# More than its kernel buffers and the high-water mark take together, with time for the others to read.
FLOOD = Run(changes=1600, together=16, pause_s=0.03)
# So short that all pairs are measured well before it is cut.
_SHORT = Run(changes=30, together=1, pause_s=0.05)
_HIGH_WATER_BYTES = 262_144
_STUCK_S = 30
# Connections are looked at once a second.
_LOOK_S = 1.0
_NARROW = WebSocketClient(path="/v1/stream", areas=(EVERYWHERE,), receive_buffer=4096)


def rows() -> Iterator[Row]:
    """Measure the delay, the time until the stuck client is cut, and the bytes kept for it."""
    with on_core(CLIENT_CORE), ExitStack() as stack:
        troubled, calm = Town(stack, Manner(watched=True)), Town(stack, Manner(watched=True))
        stuck = stack.enter_context(closing(_NARROW.connect(troubled.server.port, 0)))
        for town in (calm, troubled):
            town.delays_s(FLOOD)
        since = time.monotonic()
        pairs = interleaved(troubled, calm, 99, run=_SHORT)
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
