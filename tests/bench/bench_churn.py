"""Changes matched while 1 000 subscriptions a second come, go or move, beside the same with none that does.

Changes and subscriptions arrive by a timetable, and whatever arrives waits until the one before is done, as on the
event loop. The timetable is followed on paper: what each takes is its measured CPU time, so that no other process of
the machine counts. The delay of a change is from its arrival until it is known whom it concerns.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import process_time

import numpy as np

from geoworks.hub.matcher import Matcher
from geoworks.hub.question import Question, sieve_of
from geoworks.state import Entry
from tests.bench.askers import Area, make_areas, make_question
from tests.bench.bench_match import make_changes
from tests.bench.row import Growth, Row, measure, paired_row
from tests.bench.town import NOW

SIZE = 100_000
ROUNDS = 5
CHANGES = 500
CHANGES_PER_S, CHURN_PER_S = 20, 1_000
STIRS = 999


def rows() -> Iterator[Row | Growth]:
    """Measure the delay that 99 of 100 changes do not exceed, with and without the churn."""
    crowd = Crowd(SIZE)
    pairs, middles = [], []
    for number in range(ROUNDS):
        # Who goes first changes each round.
        delays = {churn: follow(crowd, churn=churn) for churn in ((False, True) if number % 2 else (True, False))}
        pairs.append((percentile(delays[True], 99), percentile(delays[False], 99)))
        middles.append(percentile(delays[True], 50))
    what = "p99 of a change matched against 100 k subscriptions, 1000 of them a second coming, going or moving"
    yield paired_row(f"{what}, beside none that does", pairs, target=0.5, unit="s", cost=True)
    yield Growth("a change matched while 1000 subscriptions/s come, go or move", SIZE, median(middles))
    yield Growth("a subscription comes, goes or moves", SIZE, measure(crowd.stir_many, clock=process_time) / STIRS)


class Crowd:
    """So many subscriptions, of which some come, go or move elsewhere; what goes may come again."""

    def __init__(self, size: int) -> None:
        """Begin with this many; half as many again may come."""
        self.matcher: Matcher[int] = Matcher()
        self._rng = np.random.default_rng(20261127)
        self._there: list[tuple[Question, Area]] = []
        self._away = deque(make_areas(size + size // 2))
        self._turn = 0
        while len(self._there) < size:
            self._come()

    def stir(self) -> None:
        """Have one subscription come, go or move, in turn."""
        self._turn = (self._turn + 1) % 3
        if self._turn != 1:
            self._go()
        if self._turn != 2:
            self._come()

    def stir_many(self) -> None:
        """Stir some times, for once is too short to be measured alone."""
        for _ in range(STIRS):
            self.stir()

    def _come(self) -> None:
        area = self._away.popleft()
        question = make_question(area)
        self.matcher.add(sieve_of(question), 0)
        self._there.append((question, area))

    def _go(self) -> None:
        place = int(self._rng.integers(len(self._there)))
        self._there[place], self._there[-1] = self._there[-1], self._there[place]
        question, area = self._there.pop()
        self.matcher.discard(question, 0)
        self._away.append(area)


def follow(crowd: Crowd, *, churn: bool) -> list[float]:
    """Follow a timetable; return the delays of its changes in seconds."""
    gc.collect()
    free_at, delays = 0.0, []
    stirred = 0
    for due, entry in timetable():
        while churn and stirred / CHURN_PER_S < due:
            free_at = max(free_at, stirred / CHURN_PER_S) + measured(crowd.stir)
            stirred += 1
        match = partial(crowd.matcher.matching, entry.record.key, entry.keys, NOW)
        free_at = max(free_at, due) + measured(match)
        delays.append(free_at - due)
    return delays


def timetable() -> Iterator[tuple[float, Entry]]:
    """Yield changes with the second at which each arrives, by chance; always the same."""
    changes = make_changes(CHANGES)
    gaps = np.random.default_rng(20261128).exponential(1 / CHANGES_PER_S, len(changes))
    return zip(np.cumsum(gaps).tolist(), changes, strict=True)


def measured(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    begin = process_time()
    call()
    return process_time() - begin


def percentile(delays: list[float], percent: float) -> float:
    """Return what so many of a hundred delays do not exceed."""
    return float(np.percentile(delays, percent))
