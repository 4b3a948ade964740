"""What has to be joined again because something beside it changed: all when zones change, reports when works do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from geoworks.errors import StoreError
from geoworks.model.change import Key, Kind
from geoworks.pipeline.chunk import chunks
from geoworks.pipeline.derive import Deriver, zone_geometries
from geoworks.pipeline.desk import Desk, Edit
from geoworks.pipeline.draft import Draft
from geoworks.state import Published, State

_METRES_PER_DEGREE = 111_320.0
_RETRY_S = 1.0


class ZoneKeeper:
    """Has everything that is written joined with the zones as they are."""

    def __init__(self, state: State, deriver: Deriver, *, moved_at: int = 0) -> None:
        """Watch the zones of `state`, which last moved at an offset."""
        self.moved_at = moved_at
        self._state = state
        self._deriver = deriver
        self._stale = asyncio.Event()

    def follow(self, published: Sequence[Published]) -> Edit[None] | None:
        """Note that zones came, went or moved (a desk follower)."""
        for item in published:
            if zone_moved(item):
                self.moved_at = item.change.offset
                self._stale.set()
        return None

    async def run(self) -> None:
        """Take the zones anew whenever they changed, until cancelled."""
        while True:
            await self._stale.wait()
            await self.refresh()

    async def refresh(self) -> None:
        """Join with the zones as they are now from here on."""
        self._stale.clear()
        await self._deriver.replace_zones(zone_geometries(self._state), at=self.moved_at)


class Rejoiner:
    """Has everything joined again after the zones changed, in chunks, so that other writes go between."""

    def __init__(self, state: State, desk: Desk, zones: ZoneKeeper) -> None:
        """Watch the zones of `state`; call `run` in a task."""
        self._state = state
        self._desk = desk
        self._zones = zones
        self._stale = asyncio.Event()

    def follow(self, published: Sequence[Published]) -> Edit[None] | None:
        """Note that zones came, went or moved (a desk follower)."""
        if any(map(zone_moved, published)):
            self._stale.set()
        return None

    @property
    def stale(self) -> bool:
        """Tell whether zones changed since everything was last joined."""
        return self._stale.is_set()

    async def run(self) -> None:
        """Join all again whenever the zones changed, until cancelled."""
        while True:
            await self._stale.wait()
            try:
                await self.refresh()
            except StoreError:
                self._stale.set()
                await asyncio.sleep(_RETRY_S)

    async def refresh(self) -> None:
        """Join every works and report with the zones as they are now, and write what differs."""
        self._stale.clear()
        await self._zones.refresh()
        # A batch may have been joined with the old zones and not be in the state yet: let it get there first.
        await self._desk.submit(lambda _: None)
        for kind in (Kind.WORKS, Kind.REPORT):
            ids = [entry.record.key.id for entry in self._state.of_kind(kind)]
            for chunk in chunks(ids):
                await self._desk.submit(_touch(kind, chunk))


class ReportLinks:
    """Links reports anew when works near them come, move or go."""

    def __init__(self, state: State, *, near_works_m: float) -> None:
        """Watch the works of `state` within `near_works_m` metres of reports."""
        self._state = state
        self._near_works_m = near_works_m

    def follow(self, published: Sequence[Published]) -> Edit[None] | None:
        """Return the edit that links the reports around changed works anew, or None (a desk follower)."""
        reports: set[str] = set()
        for item in published if self._state.count(Kind.REPORT) else ():
            if item.change.key.kind is Kind.WORKS and _link_changed(item):
                reports.update(self._around(item))
        if not reports:
            return None

        def relink(draft: Draft) -> None:
            for id_ in sorted(reports):
                draft.touch(Key(Kind.REPORT, id_))

        return relink

    def _around(self, item: Published) -> set[str]:
        keys = [item.change.before, item.entry.keys if item.entry else None]
        found: set[str] = set()
        for geometry in (key.geometry for key in keys if key is not None):
            west, south, east, north = geometry.bounds
            lat_margin = self._near_works_m / _METRES_PER_DEGREE
            lon_margin = lat_margin / max(0.01, math.cos(math.radians(north)))
            box = (west - lon_margin, south - lat_margin, east + lon_margin, north + lat_margin)
            found.update(self._state.index(Kind.REPORT).in_box(*box))
        return found


def _touch(kind: Kind, ids: Sequence[str]) -> Edit[None]:
    def touch(draft: Draft) -> None:
        for id_ in ids:
            draft.touch(Key(kind, id_), rejoin=True)

    return touch


def zone_moved(item: Published) -> bool:
    """Tell whether a change is of a zone that came, went or moved."""
    before = item.change.before
    if item.change.key.kind is not Kind.ZONE:
        return False
    return item.entry is None or before is None or before.geometry != item.entry.keys.geometry


def _link_changed(item: Published) -> bool:
    """Tell whether a works moved, came or went for the public; a mere change of hours links nothing anew."""
    before, after = item.change.before, item.entry.keys if item.entry else None
    if before is None or after is None:
        return True
    return before.visible != after.visible or before.geometry != after.geometry
