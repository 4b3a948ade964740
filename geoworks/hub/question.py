"""What a subscription asks, in canonical form, and how a feature is tested against it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from geoworks.hub import messages
from geoworks.hub.areas import Area, Kept, Way, is_moving, nothing_kept, read_area, unmoved
from geoworks.hub.codes import Code
from geoworks.hub.ground import ANYTIME, Meeting, Place
from geoworks.hub.messages import Refused, Wanted
from geoworks.hub.places import place_of
from geoworks.model.change import Key, Kind, MatchKeys, Terms
from geoworks.model.impact import Impact
from geoworks.model.severity import Severity, headline
from geoworks.model.status import impacts_between
from geoworks.model.vehicle import Vehicle, hindrance
from geoworks.state import Entry

# Part of every hash of filters: raise it when the meaning of a question changes, and old cursors resync.
_MEANING = b"geoworks.v1:2:"
_LONGEST_HORIZON = timedelta(days=366)

T = TypeVar("T")


class Question(Struct, frozen=True, cache_hash=True):
    """A standing question; equal ones are served as one."""

    area: Area
    kinds: tuple[Kind, ...]
    min_severity: Severity
    vehicle: Vehicle | None = None
    horizon: timedelta | None = None

    @property
    def is_moving(self) -> bool:
        """Tell whether what matches depends on more than the log: on the clock, or on where the driver is."""
        return self.horizon is not None or is_moving(self.area)

    @property
    def heeds_clock(self) -> bool:
        """Tell whether the clock alone gives reason to tell something: works that come into sight or begin soon."""
        return self.horizon is not None or isinstance(self.area, Way)

    def wants(self, kind: Kind, keys: MatchKeys, moment: datetime) -> bool:
        """Tell whether a version of a feature may be of the right sort, wherever it is; cheap."""
        if not (keys.visible and kind in self.kinds):
            return False
        if keys.terms is not None and not self.is_in_sight(keys.terms, moment):
            return False
        return (kind is Kind.WORKS and self._weighs_itself) or self._is_severe(keys.severity)

    def heeds(self, keys: MatchKeys, meeting: Meeting) -> bool:
        """Tell whether a version of a feature that is wanted, and is met so, concerns who asks."""
        terms = keys.terms
        if terms is None:
            return True
        if self.vehicle is None and meeting.times is None:
            return self._is_severe(keys.severity)
        return self._concerns(impacts_between(terms.works, *meeting.times) if meeting.times else terms.impacts)

    def is_in_sight(self, terms: Terms, moment: datetime) -> bool:
        """Tell whether a works is in force, or will be within the horizon."""
        if self.horizon is None or terms.in_force:
            return True
        return terms.begins is not None and terms.begins <= moment + self.horizon

    @property
    def _weighs_itself(self) -> bool:
        """Tell whether severity is that for a vehicle, or at a time."""
        return self.vehicle is not None or isinstance(self.area, Way)

    def _concerns(self, impacts: Iterable[Impact]) -> bool:
        if self.vehicle is None:
            return any(self._is_severe(headline(impact)) for impact in impacts)
        severity = hindrance(impacts, self.vehicle)
        return severity is not Severity.NONE and self._is_severe(severity)

    def _is_severe(self, severity: Severity) -> bool:
        return severity.rank >= self.min_severity.rank


class Sieve:
    """What lets through the features that answer a question; it holds one prepared geometry, the event loop's own."""

    __slots__ = ("place", "question")

    def __init__(self, question: Question, place: Place) -> None:
        """Let through by the ground that the question's area covers."""
        self.question = question
        self.place = place

    def __call__(self, key: Key, keys: MatchKeys, moment: datetime) -> bool:
        """Tell whether a version of a feature answers the question at a moment."""
        if not self.question.wants(key.kind, keys, moment):
            return False
        meeting = self.place.meet(key, keys)
        return meeting is not None and self.question.heeds(keys, meeting)

    def among(self, entries: Iterable[Entry], moment: datetime) -> Iterator[Entry]:
        """Yield which of many entries answer the question at a moment."""
        wanted = [one for one in entries if self.question.wants(one.record.key.kind, one.keys, moment)]
        for entry, meeting in self.place.meetings(wanted):
            if self.question.heeds(entry.keys, meeting):
                yield entry

    def heeded(self, entries: Iterable[Entry], moment: datetime) -> list[Entry]:
        """Return which of many entries, known to be at the place, answer the question at a moment."""
        question = self.question
        return [
            one
            for one in entries
            if question.wants(one.record.key.kind, one.keys, moment) and question.heeds(one.keys, ANYTIME)
        ]


def read_question(wanted: Wanted, kept: Kept = nothing_kept) -> Question:
    """Check what a client wants and return its canonical form; `kept` finds areas that were posted.

    Raises:
        Refused: the area is none, or the horizon.

    """
    kinds = tuple(kind for kind in Kind if kind in wanted.kinds)
    area = read_area(wanted.area, id=wanted.id, kept=kept)
    horizon = None if wanted.horizon is UNSET else wanted.horizon
    if horizon is not None and not timedelta(0) <= horizon <= _LONGEST_HORIZON:
        fault = f"horizon: give an ISO 8601 duration from PT0S to P{_LONGEST_HORIZON.days}D"
        raise Refused(Code.INVALID, fault, id=wanted.id)
    return Question(area, kinds, wanted.min_severity, _read_vehicle(wanted.vehicle), horizon)


def filters_hash(questions: Mapping[str, Question]) -> str:
    """Return the hash of a set of subscriptions: the same for the same ids and questions in any order."""
    asked = [(id_, structs.replace(one, area=unmoved(one.area))) for id_, one in questions.items()]
    canonical = msgspec.msgpack.encode(sorted(asked, key=lambda item: item[0]))
    return hashlib.sha256(_MEANING + canonical).hexdigest()[:32]


def sieve_of(question: Question) -> Sieve:
    """Return what tells whether a version of a feature answers a question."""
    return Sieve(question, place_of(question.area))


def _read_vehicle(given: messages.Vehicle | UnsetType) -> Vehicle | None:
    if isinstance(given, UnsetType):
        return None
    sizes = (given.height_m, given.width_m, given.length_m, given.weight_t)
    return Vehicle(given.mode, *map(_told, sizes))


def _told(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
