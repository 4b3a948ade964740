"""A traffic zone, and the level that what happens inside gives it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from shapely.geometry.base import BaseGeometry


class Level(StrEnum):
    """How disturbed traffic is in a zone, from nothing to closed."""

    FREE = "free"
    LIGHT = "light"
    DISTURBED = "disturbed"
    HEAVY = "heavy"
    BLOCKED = "blocked"


class Zone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="zone", tag_field="kind", gc=False):
    """The given fields of a zone; `geometry` a polygon or multipolygon in lon/lat degrees (EPSG:4326)."""

    name: str
    geometry: BaseGeometry


class ZoneDerived(Struct, frozen=True, tag="zone", gc=False):
    """The level of a zone and the ids of the works that cause it, the worst first."""

    level: Level = Level.FREE
    causes: tuple[str, ...] = ()
