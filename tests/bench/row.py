"""What a benchmark gives: rows beside a peer, rows of growth, and the fair way to time two things."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple


class Row(NamedTuple):
    """Ours beside its peer, measured in the same run.

    `ours` and `peer` are as measured, in `unit`; `ratio` is turned so that bigger is better and 1 is the peer.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    target: float
    unit: str = "s"

    @property
    def met(self) -> bool:
        """Tell whether the target is reached."""
        return self.ratio >= self.target


class Growth(NamedTuple):
    """Ours at one size: how the cost grows."""

    name: str
    size: int
    ours: float
    unit: str = "s"


def timed_row(name: str, times: tuple[float, float], *, target: float) -> Row:
    """Make a row of `(ours, peer)` seconds: what took half the time has the ratio 2."""
    ours, peer = times
    return Row(name, ours, peer, peer / ours, target)


def paired_row(name: str, pairs: Sequence[tuple[float, float]], *, target: float, unit: str, cost: bool = False) -> Row:
    """Make a row of interleaved pairs `(ours, peer)`: its ratio is the median of theirs.

    `cost` tells that less is better.
    """
    ratio = median(peer / ours if cost else ours / peer for ours, peer in pairs)
    return Row(name, median(pair[0] for pair in pairs), median(pair[1] for pair in pairs), ratio, target, unit)


def compare(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Return the median seconds of ours and of the peer, run in turn so that both meet the same machine.

    `clock` is `time.process_time` where the CPU is what counts, not the wall. Who goes first changes each round.
    """
    ours_s: list[float] = []
    peer_s: list[float] = []
    for number in range(rounds):
        pair = [(ours, ours_s), (peer, peer_s)]
        for call, seconds in reversed(pair) if number % 2 else pair:
            seconds.append(measure(call, clock=clock))
    return median(ours_s), median(peer_s)


def measure(call: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds of one call, started on a clean heap so that nobody pays for another's garbage."""
    gc.collect()
    begin = clock()
    call()
    return clock() - begin
