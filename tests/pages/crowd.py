"""Very many works side by side."""

from __future__ import annotations

from collections.abc import Callable

import shapely

from geoworks.clock import SystemClock
from geoworks.model.impact import Impact, VehicleImpact
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works as edits
from geoworks.pipeline.draft import Draft


def many_works(count: int, *, lat: float = 48.62) -> Callable[[Draft], None]:
    """Return the edit that writes so many works at once."""
    schedule = Schedule(start=SystemClock().now())
    impact = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)

    def write(draft: Draft) -> None:
        for number in range(count):
            line = shapely.LineString([(2.3 + number / 5e4, lat), (2.3 + number / 5e4, lat + 0.005)])
            given = Works(title=f"Chantier {number}", geometry=line, schedule=schedule, impact=impact)
            edits.replace(f"api:many-{number}", given, actor="tests")(draft)

    return write
