"""What a watcher asks, read from the options of `geoworks watch`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import UNSET, Struct, UnsetType

from geoworks.client import Area, Subscription, Vehicle, bbox, everywhere, vehicle, within, zones
from geoworks.clock import Clock
from geoworks.errors import Invalid, Problem
from geoworks.model.severity import TravelMode

ID = "watch"
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}
_SHORT = re.compile(r"(\d{1,4}) ?(min|h|d)")
_SIZES = ("height_m", "width_m", "length_m", "weight_t")
_MODES = ", ".join(TravelMode)


class Wanted(Struct, frozen=True, kw_only=True):
    """The options of a watcher, as they were given; what was not given is empty."""

    zones: tuple[str, ...]
    bbox: str
    route: Path | None
    corridor: float | None
    depart: str
    speed: float | None
    vehicle: str
    min_severity: str | None
    horizon: str

    def check(self) -> None:
        """Refuse options that do not go together.

        Raises:
            UsageError: they do not.

        """
        if sum(map(bool, (self.zones, self.bbox, self.route))) > 1:
            raise click.UsageError("--zone, --bbox and --route do not go together")
        if self.route is None and (self.corridor or self.depart or self.speed):
            raise click.UsageError("--corridor, --depart and --speed belong to --route")
        if self.speed and not self.depart:
            raise click.UsageError("--speed belongs to --depart")

    def subscription(self, area: Area) -> Subscription:
        """Return what is asked about an area.

        Raises:
            Invalid: an option cannot be read.

        """
        return Subscription(
            id=ID,
            area=area,
            min_severity=self.min_severity or UNSET,
            vehicle=_read_vehicle(self.vehicle),
            horizon=_read_horizon(self.horizon),
        )

    def area(self) -> Area:
        """Return the area of a watcher without a route.

        Raises:
            Invalid: the box is none.

        """
        if self.bbox:
            return _read_box(self.bbox)
        return zones(*self.zones) if self.zones else everywhere()

    def timing(self, clock: Clock) -> Mapping[str, Any]:
        """Return what belongs to a route that is posted.

        Raises:
            Invalid: the departure cannot be read.

        """
        return {"corridor_m": self.corridor, "depart": _read_departure(self.depart, clock), "speed_kmh": self.speed}


def _read_box(text: str) -> Area:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError as error:
        raise Invalid(Problem("--bbox", f"{text!r} is no box", "give west,south,east,north")) from error
    return bbox(west, south, east=east, north=north)


def _read_departure(text: str, clock: Clock) -> datetime | None:
    """Read a moment; one without an offset is in the time of this machine, and a time alone is today's."""
    if not text:
        return None
    now = clock.now().astimezone()
    if text == "now":
        return now
    try:
        return datetime.fromisoformat(text if "-" in text else f"{now.date()}T{text}").astimezone()
    except ValueError as error:
        mend = "give now, 07:30 or 2026-11-27T07:30"
        raise Invalid(Problem("--depart", f"{text!r} is no time", mend)) from error


def _read_vehicle(text: str) -> Vehicle | UnsetType:
    if not text:
        return UNSET
    mode, *sizes = (part.strip() for part in text.split(","))
    if mode not in list(TravelMode):
        raise Invalid(Problem("--vehicle", f"{mode!r} is no class of vehicle", f"give one of {_MODES}"))
    return vehicle(mode, **dict(map(_read_size, sizes)))


def _read_size(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        if name in _SIZES:
            return name, float(number)
    except ValueError:
        pass
    mend = f"give sizes as height_m=3.9; there are {', '.join(_SIZES)}"
    raise Invalid(Problem("--vehicle", f"{text!r} is no size", mend))


def _read_horizon(text: str) -> str | UnsetType:
    if not text:
        return UNSET
    if short := _SHORT.fullmatch(text):
        return within(timedelta(**{_UNITS[short[2]]: int(short[1])}))
    try:
        return within(msgspec.convert(text, timedelta))
    except msgspec.ValidationError as error:
        mend = "give 90min, 12h, 2d or an ISO 8601 duration such as PT12H"
        raise Invalid(Problem("--horizon", f"{text!r} is no length of time", mend)) from error
