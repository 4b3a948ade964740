"""What a client asks: subscriptions and the areas they are about, as the protocol writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, UnsetType

Area: TypeAlias = Mapping[str, Any]
Line: TypeAlias = Sequence[tuple[float, float]]


class Subscription(Struct, frozen=True, kw_only=True):
    """A standing question; what is left out takes the server's default.

    >>> Subscription(id="home", area=circle(2.306, 48.635, radius_m=500), min_severity="high").area
    {'circle': {'center': (2.306, 48.635), 'radius_m': 500}}
    """

    id: str
    area: Area
    kinds: tuple[str, ...] | UnsetType = UNSET
    min_severity: str | UnsetType = UNSET
    vehicle: Mapping[str, Any] | UnsetType = UNSET
    horizon: Any = UNSET


def everywhere() -> Area:
    """Ask about the whole town."""
    return {"everywhere": True}


def zones(*ids: str) -> Area:
    """Ask about zones: what has an effect in one of them, and the zones themselves."""
    return {"zones": list(ids)}


def bbox(west: float, south: float, *, east: float, north: float) -> Area:
    """Ask about a box in degrees."""
    return {"bbox": [west, south, east, north]}


def polygon(geometry: Mapping[str, Any]) -> Area:
    """Ask about a GeoJSON Polygon or MultiPolygon in lon/lat degrees."""
    return {"polygon": geometry}


def circle(lon: float, lat: float, *, radius_m: float) -> Area:
    """Ask about everything within a radius of a place."""
    return {"circle": {"center": (lon, lat), "radius_m": radius_m}}


def around_me(*, radius_m: float) -> Area:
    """Ask about everything within a radius of where the driver is; tell that by `Stream.position`."""
    return {"around_me": {"radius_m": radius_m}}


def stored(area_id: str) -> Area:
    """Ask about an area that was posted to `/v1/areas`, because it is too long for a frame."""
    return {"area_id": area_id}


def route(
    line: Line, *, corridor_m: float | None = None, depart: datetime | None = None, speed_kmh: float | None = None
) -> Area:
    """Ask about what is on a route of lon, lat in degrees; with a departure, when the driver gets there."""
    timing = {"depart": depart and depart.isoformat(), "speed_kmh": speed_kmh, "corridor_m": corridor_m}
    given = {name: value for name, value in timing.items() if value is not None}
    return {"route": {"line": {"type": "LineString", "coordinates": [list(place) for place in line]}, **given}}
