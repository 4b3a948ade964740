"""What a subscription asks, in canonical form, and how a feature is tested against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
from msgspec import Struct

from geoworks.hub.areas import Area, Everywhere, InZones, is_inside, place_of, read_area
from geoworks.hub.messages import Wanted
from geoworks.model.change import Key, Kind, MatchKeys
from geoworks.model.severity import Severity

# Part of every hash of filters: raise it when the meaning of a question changes, and old cursors resync.
_MEANING = b"geoworks.v1:1:"

Test: TypeAlias = Callable[[Key, MatchKeys], bool]


class Question(Struct, frozen=True):
    """A standing question; equal ones are served as one."""

    area: Area
    kinds: tuple[Kind, ...]
    min_severity: Severity

    def wants(self, kind: Kind, keys: MatchKeys) -> bool:
        """Tell whether a version of a feature is of the right sort, wherever it is."""
        return keys.visible and kind in self.kinds and keys.severity.rank >= self.min_severity.rank


def read_question(wanted: Wanted) -> Question:
    """Check what a client wants and return its canonical form.

    Raises:
        Refused: the area is none.

    """
    kinds = tuple(kind for kind in Kind if kind in wanted.kinds)
    return Question(read_area(wanted.area, id=wanted.id), kinds, wanted.min_severity)


def filters_hash(questions: Mapping[str, Question]) -> str:
    """Return the hash of a set of subscriptions: the same for the same ids and questions in any order."""
    canonical = msgspec.msgpack.encode(sorted(questions.items(), key=lambda item: item[0]))
    return hashlib.sha256(_MEANING + canonical).hexdigest()[:32]


def compile_test(question: Question) -> Test:
    """Return the test whether a version of a feature answers a question (one prepared geometry, the loop's own)."""
    return _within(question, _ground(question.area))


def _within(question: Question, ground: Test) -> Test:
    return lambda key, keys: question.wants(key.kind, keys) and ground(key, keys)


def _ground(area: Area) -> Test:
    if isinstance(area, Everywhere):
        return lambda _key, _keys: True
    if isinstance(area, InZones):
        zones = frozenset(area.zones)
        return lambda key, keys: is_inside(zones, key, keys)
    place = place_of(area)
    return lambda _key, keys: place.touches(keys.geometry)
