"""How much an impact hinders each way to travel, from one documented table."""

from __future__ import annotations

from enum import StrEnum


class TravelMode(StrEnum):
    """A way to travel."""

    CAR = "car"
    HGV = "hgv"
    BUS = "bus"
    BICYCLE = "bicycle"
    PEDESTRIAN = "pedestrian"
    WHEELCHAIR = "wheelchair"
    EMERGENCY = "emergency"


class Severity(StrEnum):
    """How much road users are hindered; `rank` orders it."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """Return 0 for none to 4 for blocked."""
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}
