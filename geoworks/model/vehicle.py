"""One vehicle: what a driver tells of it, and how much an impact hinders it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from geoworks.model.impact import Impact, RestrictionType
from geoworks.model.severity import USUAL_SIZE, Severity, Sizes, TravelMode, severity_for

_MODES = tuple(TravelMode)


class Vehicle(Struct, frozen=True, gc=False):
    """A way to travel, and the sizes that are known: metres and tonnes; the others are the usual ones of the mode."""

    mode: TravelMode
    height_m: float | None = None
    width_m: float | None = None
    length_m: float | None = None
    weight_t: float | None = None

    @property
    def sizes(self) -> Sizes:
        """Return what limits are compared with."""
        told = {
            RestrictionType.REDUCED_HEIGHT: self.height_m,
            RestrictionType.REDUCED_WIDTH: self.width_m,
            RestrictionType.REDUCED_LENGTH: self.length_m,
            RestrictionType.REDUCED_WEIGHT: self.weight_t,
            RestrictionType.GROSS_WEIGHT_LIMIT: self.weight_t,
            RestrictionType.AXLE_LOAD_LIMIT: self._axle_load_t(),
        }
        return {limit: size for limit, size in told.items() if size is not None}

    def _axle_load_t(self) -> float | None:
        """Return the most that one axle can carry: the usual load, or all of a lighter vehicle."""
        if self.weight_t is None:
            return None
        return min(self.weight_t, USUAL_SIZE[RestrictionType.AXLE_LOAD_LIMIT][_MODES.index(self.mode)])


def hindrance(impacts: Iterable[Impact], vehicle: Vehicle) -> Severity:
    """Return how much the worst of some impacts hinders a vehicle; `none` when there are none."""
    sizes = vehicle.sizes
    found = (severity_for(impact, vehicle.mode, sizes) for impact in impacts)
    return max(found, key=lambda severity: severity.rank, default=Severity.NONE)
