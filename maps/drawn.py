"""What generated maps draw: the public features, cut down to what a map shows, in words, by zone and by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from geoworks.config.settings import Settings
from geoworks.model.report import ReportStatus
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from geoworks.model.zone import Level
from maps.days import Days
from maps.texts import text


class _Effect(Struct, frozen=True):
    zone: str


class _Schedule(Struct, frozen=True):
    start: datetime
    end: datetime | None = None
    actual_start: datetime | None = None
    actual_end: datetime | None = None


class _Works(Struct, frozen=True):
    title: str
    status: Status
    severity: Severity
    schedule: _Schedule
    road_names: tuple[str, ...] = ()
    promoter: str = ""
    effects: tuple[_Effect, ...] = ()


class _Zone(Struct, frozen=True):
    name: str
    level: Level


class _Report(Struct, frozen=True):
    category: str
    status: ReportStatus
    place: str = ""
    text: str = ""
    zones: tuple[str, ...] = ()


class _WorksFeature(Struct, frozen=True):
    geometry: Raw
    properties: _Works


class _ZoneFeature(Struct, frozen=True):
    id: str
    geometry: Raw
    properties: _Zone


class _ReportFeature(Struct, frozen=True):
    geometry: Raw
    properties: _Report


class _Collection(Struct, frozen=True):
    features: tuple[Raw, ...] = ()


class PublicTown(Struct, frozen=True):
    """The public features of a town, read."""

    works: Sequence[_WorksFeature]
    zones: Sequence[_ZoneFeature]
    reports: Sequence[_ReportFeature]


class Drawn(Struct, frozen=True, array_like=True):
    """One feature on a map; `state` is a status, of a zone its level, and `when` is in words.

    Written as an array, for names of fields would be a good part of a large page.
    """

    title: str
    state: str
    severity: str = ""
    place: str = ""
    note: str = ""
    when: str = ""
    href: str = ""


class DrawnFeature(Struct, frozen=True, array_like=True):
    """A GeoJSON geometry and what a map says of it."""

    geometry: Raw
    properties: Drawn


class ZoneDrawn(Struct, frozen=True):
    """One zone with what lies in it."""

    id: str
    feature: DrawnFeature
    works: tuple[DrawnFeature, ...]
    reports: tuple[DrawnFeature, ...]


class TownDrawn(Struct, frozen=True):
    """All that the maps of a town draw in one language; works as lists show them, zones by name."""

    works: tuple[DrawnFeature, ...]
    zones: tuple[ZoneDrawn, ...]
    reports: tuple[DrawnFeature, ...]


_Read = TypeVar("_Read", _WorksFeature, _ZoneFeature, _ReportFeature)
_EMPTY = b'{"features":[]}'


def read_town(collections: Mapping[str, bytes]) -> PublicTown:
    """Read the public collections (GeoJSON by `works`, `zones`, `reports`)."""
    return PublicTown(
        _read(collections.get("works", _EMPTY), _WorksFeature),
        _read(collections.get("zones", _EMPTY), _ZoneFeature),
        _read(collections.get("reports", _EMPTY), _ReportFeature),
    )


def _read(collection: bytes, kind: type[_Read]) -> Sequence[_Read]:
    # One by one, so that other threads, the event loop's first, get their turn between two features.
    decoder = msgspec.json.Decoder(kind)
    return [decoder.decode(feature) for feature in msgspec.json.decode(collection, type=_Collection).features]


def draw_town(town: PublicTown, settings: Settings, *, language: str) -> TownDrawn:
    """Put a town into the words of a language."""
    days = Days(language, settings.town.time_zone)
    works = _worst_first((_draw_works(one.geometry, one.properties, days), _zones_of(one)) for one in town.works)
    categories = {one.id: one.fr if language == "fr" else one.en for one in settings.reports.categories}
    unknown = text(language, "reports.uncategorised")
    reports = [
        (_draw_report(one, categories.get(one.properties.category, unknown)), one.properties.zones)
        for one in town.reports
    ]
    works_in, reports_in = _by_zone(works), _by_zone(reports)
    zones = sorted(town.zones, key=lambda one: one.properties.name)
    return TownDrawn(
        works=tuple(feature for feature, _ in works),
        zones=tuple(
            ZoneDrawn(one.id, _draw_zone(one), tuple(works_in[one.id]), tuple(reports_in[one.id])) for one in zones
        ),
        reports=tuple(feature for feature, _ in reports),
    )


def _draw_works(geometry: Raw, works: _Works, days: Days) -> DrawnFeature:
    schedule, planned = works.schedule, works.status is Status.PLANNED
    start, end = schedule.actual_start or schedule.start, schedule.actual_end or schedule.end
    drawn = Drawn(
        title=works.title,
        state=works.status,
        severity=works.severity,
        place=", ".join(works.road_names),
        note=works.promoter,
        when=days.span(start, end, planned=planned),
    )
    return DrawnFeature(_dense(geometry), drawn)


def _dense(geometry: Raw) -> Raw:
    """Leave the blanks of a geometry out; none of its words holds one."""
    return Raw(bytes(geometry).replace(b" ", b""))


def _draw_zone(one: _ZoneFeature) -> DrawnFeature:
    return DrawnFeature(_dense(one.geometry), Drawn(title=one.properties.name, state=one.properties.level))


def _draw_report(one: _ReportFeature, category: str) -> DrawnFeature:
    report = one.properties
    return DrawnFeature(
        _dense(one.geometry), Drawn(title=category, state=report.status, place=report.place, note=report.text)
    )


_Placed = tuple[DrawnFeature, Sequence[str]]


def _zones_of(one: _WorksFeature) -> Sequence[str]:
    return [effect.zone for effect in one.properties.effects]


def _by_zone(features: Iterable[_Placed]) -> defaultdict[str, list[DrawnFeature]]:
    found: defaultdict[str, list[DrawnFeature]] = defaultdict(list)
    for feature, zones in features:
        for zone in zones:
            found[zone].append(feature)
    return found


_RANK = {severity.value: severity.rank for severity in Severity}
_ORDER = {
    status.value: place
    for place, status in enumerate((Status.ACTIVE, Status.PAUSED, Status.PLANNED, Status.COMPLETED, Status.CANCELLED))
}


def _worst_first(works: Iterable[_Placed]) -> list[_Placed]:
    """Return works in the order of a list: under way before planned, the worst first, then by title."""

    def place(one: _Placed) -> tuple[int, int, str]:
        drawn = one[0].properties
        return _ORDER[drawn.state], -_RANK[drawn.severity], drawn.title

    return sorted(works, key=place)
