"""What a question matches now: frozen references, shared by everybody who asks the same at the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

import numpy as np
import shapely

from geoworks.geo.types import Flags, Numbers
from geoworks.hub.ground import Ground
from geoworks.hub.places import AroundPlace
from geoworks.hub.question import Question, Sieve
from geoworks.model.change import Key, Kind
from geoworks.state import Entry, State

_KEPT = 64
# The box around so many boxes is not much larger than they are.
_FEW_BOXES = 4


class Snapshots:
    """Answers of questions at the state's cursor; a few are kept until the state or the clock moves on."""

    def __init__(self, state: State) -> None:
        """Answer from a state."""
        self._state = state
        self._kept: OrderedDict[Question, Sequence[Entry]] = OrderedDict()
        self._at: object = None

    def take(self, sieve: Sieve, moment: datetime) -> Sequence[Entry]:
        """Return the entries that answer a question at a moment; the sequence never changes."""
        if self._at != (self._state.cursor, moment):
            self._kept.clear()
            self._at = (self._state.cursor, moment)
        found = self._kept.get(sieve.question)
        if found is None:
            found = self._kept[sieve.question] = tuple(sieve.among(self.candidates(sieve), moment))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def moved(self, before: Sieve, after: Sieve, moment: datetime) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """Return what only the later of two questions of the same kinds matches, and what only the earlier one does."""
        if isinstance(before.place, AroundPlace) and isinstance(after.place, AroundPlace):
            came, went = self._driven(before.place, after.place, before.question.kinds)
            return after.heeded(came, moment), before.heeded(went, moment)
        entries = list(self.candidates(before, after))
        was = {entry.record.key: entry for entry in before.among(entries, moment)}
        now = {entry.record.key: entry for entry in after.among(entries, moment)}
        gained = [entry for key, entry in now.items() if key not in was]
        return gained, [entry for key, entry in was.items() if key not in now]

    def _driven(
        self, before: AroundPlace, after: AroundPlace, kinds: Sequence[Kind]
    ) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """Return what a driver has come near to, and what is far now; most of what is around is neither."""
        came: list[Entry] = []
        went: list[Entry] = []
        bounds = after.box_with(before)
        for kind in kinds:
            ids, geometries = self._state.index(kind).in_bounds(bounds)
            if ids:
                nearer, further = after.passed(before, geometries)
                came += self._entries(kind, ids, nearer)
                went += self._entries(kind, ids, further)
        return came, went

    def _entries(self, kind: Kind, ids: Sequence[str], which: Flags) -> Iterator[Entry]:
        for place in np.flatnonzero(which).tolist():
            if (entry := self._state.get(Key(kind, ids[place]))) is not None:
                yield entry

    def candidates(self, *sieves: Sieve) -> Iterable[Entry]:
        """Return the entries among which are all that could ever answer one of some questions of the same kinds."""
        kinds = sieves[0].question.kinds
        grounds = [sieve.place for sieve in sieves if isinstance(sieve.place, Ground)]
        if len(grounds) < len(sieves):
            return chain.from_iterable(map(self._state.of_kind, kinds))
        return chain.from_iterable(self._inside(kind, grounds) for kind in kinds)

    def _inside(self, kind: Kind, grounds: Sequence[Ground]) -> Iterable[Entry]:
        index = self._state.index(kind)
        boxes = np.concatenate([ground.boxes for ground in grounds])
        if not len(boxes):
            return ()
        if len(boxes) <= _FEW_BOXES:
            ids, _ = index.in_bounds(_bounds(boxes))
        else:
            ids = index.intersecting(shapely.MultiPolygon([shapely.box(*box) for box in boxes.tolist()]))
        return [entry for id_ in ids if (entry := self._state.get(Key(kind, id_))) is not None]


def _bounds(boxes: Numbers) -> tuple[float, float, float, float]:
    """Return the bounds of some boxes together."""
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north
