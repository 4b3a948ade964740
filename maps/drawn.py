"""What generated maps draw: the public features, cut down to what a map shows, by zone and by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from geoworks.model.report import ReportStatus
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from geoworks.model.zone import Level


class _Effect(Struct, frozen=True):
    zone: str


class _Schedule(Struct, frozen=True):
    start: datetime
    end: datetime | None = None


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
    text: str = ""
    zones: tuple[str, ...] = ()


class _WorksFeature(Struct, frozen=True):
    id: str
    geometry: Raw
    properties: _Works


class _ZoneFeature(Struct, frozen=True):
    id: str
    geometry: Raw
    properties: _Zone


class _ReportFeature(Struct, frozen=True):
    id: str
    geometry: Raw
    properties: _Report


class _WorksCollection(Struct, frozen=True):
    features: tuple[_WorksFeature, ...] = ()


class _ZoneCollection(Struct, frozen=True):
    features: tuple[_ZoneFeature, ...] = ()


class _ReportCollection(Struct, frozen=True):
    features: tuple[_ReportFeature, ...] = ()


class Drawn(Struct, frozen=True, omit_defaults=True):
    """One feature on a map: a title, a state (status and severity, level, or report status) and when."""

    title: str
    state: str
    severity: str = ""
    place: str = ""
    promoter: str = ""
    start: datetime | None = None
    end: datetime | None = None


class DrawnFeature(Struct, frozen=True, tag="Feature"):
    """A GeoJSON feature of a generated map."""

    geometry: Raw
    properties: Drawn


class ZoneDrawn(Struct, frozen=True):
    """One zone with what lies in it."""

    id: str
    feature: DrawnFeature
    works: tuple[DrawnFeature, ...]
    reports: tuple[DrawnFeature, ...]


class TownDrawn(Struct, frozen=True):
    """All that the maps of a town draw."""

    works: tuple[DrawnFeature, ...]
    zones: tuple[ZoneDrawn, ...]
    reports: tuple[DrawnFeature, ...]


_EMPTY = b'{"features":[]}'


def read_town(collections: Mapping[str, bytes], *, categories: Mapping[str, str]) -> TownDrawn:
    """Read the public collections (GeoJSON by `works`, `zones`, `reports`); `categories` names reports' categories."""
    works = msgspec.json.decode(collections.get("works", _EMPTY), type=_WorksCollection).features
    zones = msgspec.json.decode(collections.get("zones", _EMPTY), type=_ZoneCollection).features
    reports = msgspec.json.decode(collections.get("reports", _EMPTY), type=_ReportCollection).features
    drawn_works = [(_draw_works(one), [effect.zone for effect in one.properties.effects]) for one in works]
    drawn_reports = [(_draw_report(one, categories), one.properties.zones) for one in reports]
    works_in, reports_in = _by_zone(drawn_works), _by_zone(drawn_reports)
    return TownDrawn(
        works=tuple(feature for feature, _ in drawn_works),
        zones=tuple(
            ZoneDrawn(one.id, _draw_zone(one), tuple(works_in[one.id]), tuple(reports_in[one.id])) for one in zones
        ),
        reports=tuple(feature for feature, _ in drawn_reports),
    )


def _draw_works(one: _WorksFeature) -> DrawnFeature:
    works = one.properties
    drawn = Drawn(
        title=works.title,
        state=works.status,
        severity=works.severity,
        place=", ".join(works.road_names),
        promoter=works.promoter,
        start=works.schedule.start,
        end=works.schedule.end,
    )
    return DrawnFeature(one.geometry, drawn)


def _draw_zone(one: _ZoneFeature) -> DrawnFeature:
    return DrawnFeature(one.geometry, Drawn(title=one.properties.name, state=one.properties.level))


def _draw_report(one: _ReportFeature, categories: Mapping[str, str]) -> DrawnFeature:
    title = categories.get(one.properties.category, one.properties.category)
    return DrawnFeature(one.geometry, Drawn(title=title, state=one.properties.status, place=one.properties.text))


def _by_zone(
    features: Iterable[tuple[DrawnFeature, Sequence[str]]],
) -> defaultdict[str, list[DrawnFeature]]:
    found: defaultdict[str, list[DrawnFeature]] = defaultdict(list)
    for feature, zones in features:
        for zone in zones:
            found[zone].append(feature)
    return found


_RANK = {severity.value: severity.rank for severity in Severity}


def worst_first(works: Iterable[DrawnFeature]) -> list[DrawnFeature]:
    """Return works in the order of a list: under way before planned, the worst first, then by title."""
    return sorted(
        works, key=lambda one: (_WHEN[one.properties.state], -_RANK[one.properties.severity], one.properties.title)
    )


_WHEN = {
    status.value: place
    for place, status in enumerate((Status.ACTIVE, Status.PAUSED, Status.PLANNED, Status.COMPLETED, Status.CANCELLED))
}
