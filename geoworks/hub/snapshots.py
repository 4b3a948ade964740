"""What a question matches now: frozen references, shared by everybody who asks the same at the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain

import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.hub.areas import Disc, DiscPlace, Shape, ShapePlace, place_of
from geoworks.hub.question import Question, Test
from geoworks.model.change import Key, Kind
from geoworks.state import Entry, State

_KEPT = 64


class Snapshots:
    """Answers of questions at the state's cursor; a few are kept until the state moves on."""

    def __init__(self, state: State) -> None:
        """Answer from a state."""
        self._state = state
        self._kept: OrderedDict[Question, Sequence[Entry]] = OrderedDict()
        self._at = state.cursor

    def take(self, question: Question, test: Test) -> Sequence[Entry]:
        """Return the entries that answer a question; the sequence never changes."""
        if self._at != self._state.cursor:
            self._kept.clear()
            self._at = self._state.cursor
        found = self._kept.get(question)
        if found is None:
            found = self._kept[question] = self._find(question, test)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _find(self, question: Question, test: Test) -> Sequence[Entry]:
        candidates = chain.from_iterable(self._candidates(question, kind) for kind in question.kinds)
        return tuple(entry for entry in candidates if test(entry.record.key, entry.keys))

    def _candidates(self, question: Question, kind: Kind) -> Iterable[Entry]:
        area = question.area
        if not isinstance(area, (Shape, Disc)):
            return self._state.of_kind(kind)
        ids = self._state.index(kind).intersecting(_outline(place_of(area)))
        entries = (self._state.get(Key(kind, id_)) for id_ in ids)
        return (entry for entry in entries if entry is not None)


def _outline(place: ShapePlace | DiscPlace) -> BaseGeometry:
    """Return a geometry in degrees that holds a place, to ask the index with."""
    return place.geometry if isinstance(place, ShapePlace) else shapely.box(*place.bounds)
