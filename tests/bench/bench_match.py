"""A change matched against many subscriptions, beside a tree of shapely's over outlines and beside PostGIS.

Ours gives the members whom a version of a works concerns: the hub's own call, before anything is written. It answers a
harder question than the peers, who know outlines only: of a route ours takes what lies on it, not what crosses it.
Everybody is asked of one change after the other; what counts is CPU time, of PostGIS that of the server alone.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from statistics import median
from time import process_time
from typing import TypeVar

from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Geometries
from geoworks.hub.matcher import Matcher
from geoworks.state import Entry, make_entry
from tests.bench.askers import Area, ask, make_areas, outlines
from tests.bench.matching_peers import Answers, Finder, Tree, postgis
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, paired_row
from tests.bench.town import NOW, large_town, make_record

SIZE = 100_000
CHANGES = 200
ROUNDS = 5
# So many areas and variants of each: a million subscriptions share places, or they would need 10 GB.
_GROWTH = {1_000: (1_000, 1), 10_000: (10_000, 1), SIZE: (SIZE, 1), 1_000_000: (250_000, 4)}
# Routes drawn by hand, far simpler than streets are: outlines of few vertices, which is what helps the peers.
_COARSE_M = 250.0
# Of circles a peer may miss this share: its outline lies inside.
_ROUND = 0.02
T = TypeVar("T")
_PEERS: tuple[tuple[str, Callable[[Geometries], AbstractContextManager[Finder[BaseGeometry]]], float], ...] = (
    ("an STRtree over outlines", lambda drawn: nullcontext(Tree(drawn)), 4),
    ("PostGIS with GiST", postgis, 15),
)


def rows() -> Iterator[Row | Growth]:
    """Measure beside the peers, then how ours grows."""
    yield from _beside_peers("100 k subscriptions", make_areas(SIZE))
    coarse = make_areas(SIZE, step_m=_COARSE_M)
    yield from _beside_peers(f"100 k, whose routes have a vertex every {_COARSE_M:.0f} m only", coarse)
    for size, (areas, variants) in _GROWTH.items():
        yield growth_row(size, Mine(ask(make_areas(areas), variants=variants)))


def _beside_peers(against: str, areas: Sequence[Area]) -> Iterator[Row]:
    drawn, mine = outlines(areas), Mine(ask(areas))
    with ExitStack() as stack:
        for name, start, target in _PEERS:
            try:
                peer = stack.enter_context(start(drawn))
            except Missing as missing:
                print(missing, file=sys.stderr)
                continue
            check(areas, mine.find(make_changes()), peer.find(shapes(make_changes())))
            what = f"a change matched against {against}, beside {name}"
            yield paired_row(what, compare_cpu(mine, peer), target=target, unit="s", cost=True)


def growth_row(size: int, mine: Mine) -> Growth:
    """Measure ours at a size."""
    seconds = median(cost_s(mine, make_changes()) for _ in range(ROUNDS))
    return Growth("one change matched, by subscriptions", size, seconds)


class Mine:
    """The hub's matcher."""

    def __init__(self, matcher: Matcher[int]) -> None:
        """Ask of this one."""
        self._matcher = matcher

    def find(self, changes: Sequence[Entry]) -> Answers:
        """Return the members whom each change concerns."""
        return [self._matcher.matching(entry.record.key, entry.keys, NOW) for entry in changes]

    def cpu_s(self) -> float:
        """Return the CPU seconds of this process."""
        return process_time()


def make_changes(count: int = CHANGES) -> list[Entry]:
    """Return the same versions of works anew, so that nobody knows them from before."""
    works, _ = large_town(count, 0)
    return [make_entry(make_record(id_, one)) for id_, one in works.items()]


def shapes(changes: Sequence[Entry]) -> Sequence[BaseGeometry]:
    """Return where the changes are."""
    return [entry.keys.geometry for entry in changes]


def compare_cpu(mine: Mine, peer: Finder[BaseGeometry]) -> list[tuple[float, float]]:
    """Return pairs `(ours, peer)` of the CPU seconds of one change; who goes first changes each round."""
    pairs = []
    for number in range(ROUNDS):
        calls = [lambda: cost_s(mine, make_changes()), lambda: cost_s(peer, shapes(make_changes()))]
        first = number % 2
        figures = {which: calls[which]() for which in (first, 1 - first)}
        pairs.append((figures[0], figures[1]))
    return pairs


def cost_s(finder: Finder[T], changes: Sequence[T]) -> float:
    """Return the CPU seconds of one change."""
    gc.collect()
    begin = finder.cpu_s()
    finder.find(changes)
    return (finder.cpu_s() - begin) / len(changes)


def check(areas: Sequence[Area], mine: Answers, others: Answers) -> None:
    """See that a peer finds the same, but for what it misses of circles, and takes for lying on a route."""
    sort_of = [next(iter(area)) for area in areas]
    pairs = list(zip(mine, others, strict=True))
    found = Counter(sort_of[place] for ours in mine for place in ours)
    missed = Counter(sort_of[place] for ours, theirs in pairs for place in ours - theirs)
    more = Counter(sort_of[place] for ours, theirs in pairs for place in theirs - ours)
    assert all(found[sort] for sort in set(sort_of)), found
    assert missed.keys() <= {"circle"}, missed
    assert missed["circle"] <= _ROUND * found["circle"], missed
    assert more.keys() <= {"route"}, more
