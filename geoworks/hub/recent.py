"""What clients a little behind are due, from the newest changes, which are in memory.

After a restart thousands come back at once. Most ask about a place that few of the changes touch: those are found by
their bounds, all compared at once, before any geometry is looked at. Many ask the same: that is worked out once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import shapely

from geoworks.geo.types import Numbers
from geoworks.hub.ground import Ground
from geoworks.hub.question import Question, Sieve
from geoworks.hub.replay import PAGE, CatchUp, Due, Replay
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Change, Key, MatchKeys
from geoworks.state import State

# Fewer changes are looked at one by one as fast.
_FEW = 16
_KEPT = 64


class Recent:
    """The newest changes and what they led to; what is worked out is kept until the state or the clock moves on."""

    def __init__(self, state: State, replay: Replay) -> None:
        """Look at a state and the changes that led to it."""
        self._state = state
        self._replay = replay
        self._window: _Window | None = None
        self._kept: OrderedDict[tuple[frozenset[Question], int], Sequence[Due]] = OrderedDict()
        self._at: object = None

    def due(self, after: int, subscriptions: Subscriptions, moment: datetime) -> Sequence[Due] | None:
        """Return what those who ask this are due after an offset that is near, else None."""
        if after == self._state.cursor.offset:
            return ()
        if self._at != (self._state.cursor, moment):
            self._forget(moment)
        asked = subscriptions.questions(), after
        found = self._kept.get(asked)
        if found is None:
            if (found := self._work_out(after, subscriptions, moment)) is None:
                return None
            self._kept[asked] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return found

    def _forget(self, moment: datetime) -> None:
        self._kept.clear()
        self._window = None
        self._at = (self._state.cursor, moment)

    def _work_out(self, after: int, subscriptions: Subscriptions, moment: datetime) -> Sequence[Due] | None:
        def test(key: Key, keys: MatchKeys) -> bool:
            return subscriptions.test(key, keys, moment)

        changes = self._concerning(after, list(subscriptions.sieves()))
        if changes is None:
            return None
        read = CatchUp(test)
        read.add(changes)
        return list(read.due(self._state))

    def _concerning(self, after: int, sieves: Sequence[Sieve]) -> Iterable[Change] | None:
        """Return the changes after an offset among which are all that may concern those who ask."""
        changes = self._replay.near(after)
        grounds = [sieve.place for sieve in sieves if isinstance(sieve.place, Ground)]
        if changes is None or len(changes) < _FEW or len(grounds) < len(sieves):
            return changes
        if self._window is None:
            first = max(self._replay.tail.start, self._replay.tail.end - PAGE)
            self._window = _Window(self._replay.tail.after(first) or (), self._state)
        return self._window.touching(after, np.concatenate([ground.boxes for ground in grounds]))


class _Window:
    """Changes without a gap, each with the bounds of its feature before it and now."""

    def __init__(self, changes: Sequence[Change], state: State) -> None:
        self.begin = changes[0].offset - 1
        self._changes = changes
        entries = [state.get(change.key) for change in changes]
        before = _bounds([change.before for change in changes])
        now = _bounds([entry.keys if entry else None for entry in entries])
        # What is missing is NaN, which meets nothing.
        self._bounds = np.hstack([np.fmin(before[:, :2], now[:, :2]), np.fmax(before[:, 2:], now[:, 2:])])
        numbers: dict[Key, int] = {}
        self._feature = np.array([numbers.setdefault(change.key, len(numbers)) for change in changes])

    def touching(self, after: int, boxes: Numbers) -> Sequence[Change]:
        """Return the changes after an offset of all features that were, or are, where one of the boxes is."""
        begin = after - self.begin
        bounds, feature = self._bounds[begin:, :, None], self._feature[begin:]
        west, south, east, north = boxes.T
        meets = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        # All changes of such a feature: the last of them tells why it is gone.
        touched = np.zeros(len(self._changes), dtype=np.bool_)
        touched[feature[meets.any(axis=1)]] = True
        return [self._changes[begin + place] for place in np.flatnonzero(touched[feature]).tolist()]


def _bounds(versions: Sequence[MatchKeys | None]) -> Numbers:
    geometries = np.array([keys.geometry if keys else None for keys in versions], dtype=np.object_)
    bounds: Numbers = shapely.bounds(geometries)
    return bounds
