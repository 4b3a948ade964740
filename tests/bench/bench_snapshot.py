"""The whole map as one snapshot, made anew after a change, beside json.dumps of its features."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import count
from time import process_time

from geoworks.model.change import Change, Kind, Op, Reason
from geoworks.state import Published, State, make_entry
from tests.bench.row import Growth, Row, compare, measure, timed_row
from tests.bench.town import NOW, large_town, make_record

_SIZES = (1_000, 10_000, 100_000)
_COMPARED = 10_000
_REPEATED = 10


def rows() -> Iterator[Row | Growth]:
    """Measure the snapshot after a change at three sizes, one of them beside its peer."""
    for size in _SIZES:
        town = ChangingTown(size)
        if size == _COMPARED:
            document = json.loads(town.snapshot())
            ours_s, peer_s = compare(town.repeat, partial(json.dumps, document), rounds=9, clock=process_time)
            yield timed_row("whole-map snapshot of 10 k works", (ours_s / _REPEATED, peer_s), target=50)
        yield Growth("whole-map snapshot after a change", size, measure(town.change_and_snapshot))


class ChangingTown:
    """A state in which one works changes again and again, so that no snapshot is one kept from before."""

    def __init__(self, size: int) -> None:
        """Load so many works."""
        works, _ = large_town(size, 0)
        self._offsets = count(1)
        self._state = State("bench", 0)
        self._state.load(make_record(id_, one) for id_, one in works.items())
        changed = next(self._state.of_kind(Kind.WORKS)).record
        self._entries = [make_entry(changed), make_entry(changed)]

    def snapshot(self) -> bytes:
        """Return the whole map."""
        return self._state.collection(Kind.WORKS)

    def repeat(self) -> None:
        """Change and take the whole map some times, for once is too short to be measured alone."""
        for _ in range(_REPEATED):
            self.change_and_snapshot()

    def change_and_snapshot(self) -> bytes:
        """Apply one change, ready as the desk gives it, and return the whole map after it."""
        offset = next(self._offsets)
        entry = self._entries[offset % 2]
        change = Change(offset, NOW, entry.record.key, Op.PUT, Reason.UPDATED, offset)
        self._state.apply(Published(change, entry))
        return self.snapshot()
