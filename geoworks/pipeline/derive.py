"""The join: what zones, clock and neighbours make of a feature, before it is written.

One thread owns the zones' prepared geometries (two threads sharing one crash the process), and that thread also
takes the computing off the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np
from msgspec import Struct, structs
from shapely.geometry.base import BaseGeometry

from geoworks.model import overlay, status
from geoworks.model.change import Derived, Key, Kind, Reason, Record
from geoworks.model.report import Report, ReportDerived
from geoworks.model.works import Effect, Status, Works, WorksDerived
from geoworks.pipeline.draft import Wish
from geoworks.pipeline.join import ZoneJoin
from geoworks.state import State

_TRANSITIONS = {
    (Status.PLANNED, Status.ACTIVE): Reason.BEGUN,
    (Status.PLANNED, Status.PAUSED): Reason.BEGUN,
    (Status.ACTIVE, Status.PAUSED): Reason.PAUSED,
    (Status.PAUSED, Status.ACTIVE): Reason.RESUMED,
}


class Found(Struct, frozen=True):
    """What the join found for one feature: effects (None: the place did not move), works near a report, the moment."""

    effects: tuple[Effect, ...] | None
    works: tuple[str, ...]
    now: datetime


class Deriver:
    """Computes the derived fields of what a batch wants written."""

    def __init__(self, state: State, *, near_works_m: float) -> None:
        """Look at the town in `state`; reports are linked to works within `near_works_m` metres."""
        self._state = state
        self._near_works_m = near_works_m
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="geometry")
        self._join = ZoneJoin([])
        self.zones_at = 0

    async def replace_zones(self, zones: Sequence[tuple[str, BaseGeometry]], *, at: int = 0) -> None:
        """Join with these zones (id, polygon in lon/lat degrees) from now on; they last moved at an offset."""
        join = await asyncio.get_running_loop().run_in_executor(self._thread, ZoneJoin, zones)
        self._join, self.zones_at = join, at

    async def derive(self, wishes: Sequence[Wish], now: datetime) -> list[Wish]:
        """Return the wishes with their derived fields filled in, in the same order."""
        linked = {id(wish): self._near(wish.after) for wish in wishes if _is_report(wish.after)}
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._thread, self._compute, wishes, linked, now)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=True)

    def _compute(self, wishes: Sequence[Wish], linked: dict[int, tuple[str, ...]], now: datetime) -> list[Wish]:
        moved = [wish for wish in wishes if _needs_join(wish)]
        effects = dict(zip(map(id, moved), self._effects(moved), strict=True))
        last: dict[Key, Record | None] = {}
        done: list[Wish] = []
        for wish in wishes:
            # A feature written twice in one batch: the second write stands on what the first one became.
            chained = structs.replace(wish, before=last[wish.key]) if wish.key in last else wish
            found = Found(effects.get(id(wish)), linked.get(id(wish), ()), now)
            done.append(_derived(chained, found))
            last[wish.key] = done[-1].after
        return done

    def _effects(self, wishes: Sequence[Wish]) -> list[tuple[Effect, ...]]:
        if not wishes:
            return []
        geometries = np.array([_geometry(wish.after) for wish in wishes if wish.after], dtype=object)
        return self._join.effects(geometries)

    def _near(self, record: Record | None) -> tuple[str, ...]:
        """Return the ids of the public works near a report, the nearest first."""
        if record is None:
            return ()
        lon, lat = record.given.geometry.coords[0]
        works = self._state.index(Kind.WORKS).near(lon, lat, radius_m=self._near_works_m)
        return tuple(id_ for id_, _ in works if self._state.shows(Kind.WORKS, id_))[:5]


def _is_report(record: Record | None) -> bool:
    return record is not None and record.key.kind is Kind.REPORT


def _geometry(record: Record) -> BaseGeometry:
    geometry: BaseGeometry = overlay.effective(record).geometry
    return geometry


def _needs_join(wish: Wish) -> bool:
    if wish.settled or wish.after is None or wish.key.kind is Kind.ZONE:
        return False
    return wish.rejoin or wish.before is None or _geometry(wish.before) != _geometry(wish.after)


def _derived(wish: Wish, found: Found) -> Wish:
    record = wish.after
    if wish.settled or record is None:
        return wish
    given = overlay.effective(record)
    old = wish.before.derived if wish.before else record.derived
    if isinstance(given, Works) and isinstance(old, WorksDerived):
        return _derived_works(wish, given, old=old, found=found)
    if isinstance(given, Report) and isinstance(old, ReportDerived):
        zones = old.zones if found.effects is None else tuple(effect.zone for effect in found.effects)
        return _with_derived(wish, ReportDerived(zones, found.works))
    return wish


def _derived_works(wish: Wish, works: Works, *, old: WorksDerived, found: Found) -> Wish:
    state, severity, transition = status.derive(works, found.now)
    derived = WorksDerived(
        status=state,
        severity=severity,
        next_transition=transition,
        effects=old.effects if found.effects is None else found.effects,
    )
    reason = wish.reason if wish.before is None else told_as(wish.reason, old.status, state)
    return structs.replace(_with_derived(wish, derived), reason=reason)


def _with_derived(wish: Wish, derived: Derived) -> Wish:
    return structs.replace(wish, after=structs.replace(wish.after, derived=derived)) if wish.after else wish


def told_as(reason: Reason, old: Status, new: Status) -> Reason:
    """Return how a change of a works is told: what its status did matters more than which field was edited."""
    if new is old:
        return reason
    if new is Status.CANCELLED:
        return Reason.CANCELLED
    if new is Status.COMPLETED:
        return Reason.ENDED
    return _TRANSITIONS.get((old, new), Reason.UPDATED) if reason is Reason.REJOINED else reason


def zone_geometries(state: State) -> list[tuple[str, BaseGeometry]]:
    """Return the zones as the join takes them."""
    return [(entry.record.key.id, entry.record.given.geometry) for entry in state.of_kind(Kind.ZONE)]
