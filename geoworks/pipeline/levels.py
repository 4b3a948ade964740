"""Zone levels: kept up to date as works begin, change and end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from geoworks.config.settings import Levels
from geoworks.model.change import Kind, Reason
from geoworks.model.level import zone_level
from geoworks.model.severity import Severity
from geoworks.model.works import Status, WorksDerived
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, zone_key
from geoworks.state import Entry, Published, State

Weights = dict[str, dict[str, tuple[Severity, float]]]


class ZoneLevels:
    """Knows which active works weigh on which zone, and settles the level of the zones that are touched."""

    def __init__(self, state: State, levels: Levels) -> None:
        """Watch the works in `state`; `levels` are the thresholds."""
        self._state = state
        self._levels = levels
        self._weights: Weights = defaultdict(dict)
        self._zones_of: dict[str, tuple[str, ...]] = {}

    def load(self) -> Edit[None]:
        """Weigh every works of the state and return the edit that settles every zone; for the start of a duty."""
        self._weights.clear()
        self._zones_of.clear()
        for entry in self._state.of_kind(Kind.WORKS):
            self._weigh(entry.record.key.id, entry)
        return self._settle([entry.record.key.id for entry in self._state.of_kind(Kind.ZONE)])

    def follow(self, published: Sequence[Published]) -> Edit[None] | None:
        """Weigh what changed; return the edit that settles the zones it touches, or None (a desk follower)."""
        touched: set[str] = set()
        for change, entry in ((item.change, item.entry) for item in published):
            if change.key.kind is Kind.WORKS:
                touched |= self._weigh(change.key.id, entry)
            elif change.key.kind is Kind.ZONE and change.before is None:
                touched.add(change.key.id)
        return self._settle(sorted(touched)) if touched else None

    def _weigh(self, id_: str, entry: Entry | None) -> set[str]:
        """Note what a works weighs on its zones now; return the zones it weighs or weighed on."""
        before = self._zones_of.pop(id_, ())
        for zone in before:
            self._weights[zone].pop(id_, None)
        effects = _active_effects(entry)
        for zone, severity, share in effects:
            self._weights[zone][id_] = (severity, share)
        if effects:
            self._zones_of[id_] = tuple(zone for zone, _, _ in effects)
        return {*before, *self._zones_of.get(id_, ())}

    def _settle(self, zones: Iterable[str]) -> Edit[None]:
        def settle(draft: Draft) -> None:
            for zone in zones:
                weights = ((id_, *weight) for id_, weight in self._weights[zone].items())
                draft.settle(zone_key(zone), zone_level(weights, self._levels), reason=Reason.LEVEL)

        return settle


def _active_effects(entry: Entry | None) -> list[tuple[str, Severity, float]]:
    """Return (zone, severity, share) of a works that the public sees and that is on."""
    if entry is None or not entry.keys.visible:
        return []
    derived = entry.record.derived
    if not isinstance(derived, WorksDerived) or derived.status is not Status.ACTIVE:
        return []
    return [(effect.zone, derived.severity, effect.share) for effect in derived.effects]
