"""What a client asks: subscriptions and the areas they are about, as the protocol writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

Area: TypeAlias = Mapping[str, Any]
Vehicle: TypeAlias = Mapping[str, Any]
Line: TypeAlias = Sequence[tuple[float, float]]


class Subscription(Struct, frozen=True, kw_only=True):
    """A standing question; what is left out takes the server's default.

    `vehicle` is made by `vehicle()`, `horizon` by `within()`.

    >>> Subscription(id="home", area=circle(2.306, 48.635, radius_m=500), min_severity="high").area
    {'circle': {'center': (2.306, 48.635), 'radius_m': 500}}
    """

    id: str
    area: Area
    kinds: tuple[str, ...] | UnsetType = UNSET
    min_severity: str | UnsetType = UNSET
    vehicle: Vehicle | UnsetType = UNSET
    horizon: str | UnsetType = UNSET


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
    """Ask about what is on a route of lon, lat in degrees; with a departure, when the driver gets there.

    Raises:
        ValueError: the departure has no time zone.

    """
    timing = {"corridor_m": corridor_m, "depart": departure(depart), "speed_kmh": speed_kmh}
    coordinates = [list(place) for place in line]
    return {"route": {"line": {"type": "LineString", "coordinates": coordinates}, **_given(timing)}}


def departure(depart: datetime | None) -> str | None:
    """Write a time of departure.

    Raises:
        ValueError: it has no time zone.

    """
    if depart is not None and depart.utcoffset() is None:
        raise ValueError(f"{depart.isoformat()} has no time zone; give one, as by `datetime.now().astimezone()`")
    return None if depart is None else depart.isoformat()


def vehicle(
    mode: str = "car",
    *,
    height_m: float | None = None,
    width_m: float | None = None,
    length_m: float | None = None,
    weight_t: float | None = None,
) -> Vehicle:
    """Say who travels, by a class of docs/stream.md and the sizes that are known: only what hinders it is told.

    >>> vehicle("hgv", height_m=3.9)
    {'class': 'hgv', 'height_m': 3.9}
    """
    sizes = {"height_m": height_m, "width_m": width_m, "length_m": length_m, "weight_t": weight_t}
    return {"class": mode, **_given(sizes)}


def within(time: timedelta) -> str:
    """Ask about what is in force now, or will be within a time from now; that moves with the clock.

    >>> within(timedelta(hours=12))
    'PT43200S'
    """
    written: str = msgspec.to_builtins(time)
    return written


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
