"""A feature as every public door gives it: GeoJSON, rendered once a version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import shapely
from msgspec import Raw, Struct
from shapely.geometry.base import BaseGeometry

from geoworks.model import overlay
from geoworks.model.change import Kind, MatchKeys, Record
from geoworks.model.impact import Impact
from geoworks.model.report import Report, ReportDerived, ReportStatus
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.status import terms_of
from geoworks.model.works import Direction, Effect, Status, TypeOfWork, Visibility, Works, WorksDerived
from geoworks.model.zone import Level, Zone, ZoneDerived


class WorksProperties(Struct, frozen=True, kw_only=True, tag="works", tag_field="kind", gc=False):
    """The properties of a works on the public doors."""

    title: str
    description: str
    reference: str
    types_of_work: tuple[TypeOfWork, ...]
    promoter: str
    road_authority: str
    road_names: tuple[str, ...]
    direction: Direction
    project: str
    schedule: Schedule
    impact: Impact
    status: Status
    severity: Severity
    next_transition: datetime | None
    cancelled_at: datetime | None
    effects: tuple[Effect, ...]
    corrected: tuple[str, ...]
    source: str
    version: int
    updated: datetime


class ZoneProperties(Struct, frozen=True, kw_only=True, tag="zone", tag_field="kind", gc=False):
    """The properties of a zone on the public doors."""

    name: str
    level: Level
    causes: tuple[str, ...]
    version: int
    updated: datetime


class ReportProperties(Struct, frozen=True, kw_only=True, tag="report", tag_field="kind", gc=False):
    """The properties of a report on the public doors; `text` and `photos` are empty until released."""

    category: str
    place: str
    status: ReportStatus
    text: str
    photos: int
    released: bool
    zones: tuple[str, ...]
    works: tuple[str, ...]
    created: datetime
    version: int
    updated: datetime


class Feature(Struct, frozen=True, tag="Feature", gc=False):
    """A GeoJSON feature (RFC 7946, section 3.2)."""

    id: str
    geometry: Raw
    properties: WorksProperties | ZoneProperties | ReportProperties


def encode_geometry(value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes anything
    """Give msgspec a shapely geometry as ready GeoJSON (its `enc_hook`)."""
    if not isinstance(value, BaseGeometry):
        msg = f"cannot encode {type(value).__name__}"
        raise NotImplementedError(msg)
    return Raw(shapely.to_geojson(value).encode())


_ENCODER = msgspec.json.Encoder(enc_hook=encode_geometry)


def render(record: Record) -> bytes:
    """Return the GeoJSON feature of a record, as the public may see it (drafts are the caller's concern)."""
    given = overlay.effective(record)
    properties = _PROPERTIES[record.key.kind](record, given, record.derived)
    buffer = bytearray()
    _ENCODER.encode_into(Feature(record.key.id, encode_geometry(given.geometry), properties), buffer)
    # A copy of the exact size: what `encode` returns keeps the room it was written in.
    return bytes(buffer)


def match_keys(record: Record) -> MatchKeys:
    """Return what the matcher needs of this version of a feature."""
    given = overlay.effective(record)
    return _KEYS[record.key.kind](given, record.derived)


def _works_properties(record: Record, works: Works, derived: WorksDerived) -> WorksProperties:
    return WorksProperties(
        title=works.title,
        description=works.description,
        reference=works.reference,
        types_of_work=works.types_of_work,
        promoter=works.promoter,
        road_authority=works.road_authority,
        road_names=works.road_names,
        direction=works.direction,
        project=works.project,
        schedule=works.schedule,
        impact=works.impact,
        status=derived.status,
        severity=derived.severity,
        next_transition=derived.next_transition,
        cancelled_at=works.cancelled_at,
        effects=derived.effects,
        corrected=tuple(overlay.fields(record.overlay)),
        source=record.source,
        version=record.version,
        updated=record.updated,
    )


def _zone_properties(record: Record, zone: Zone, derived: ZoneDerived) -> ZoneProperties:
    return ZoneProperties(
        name=zone.name,
        level=derived.level,
        causes=derived.causes,
        version=record.version,
        updated=record.updated,
    )


def _report_properties(record: Record, report: Report, derived: ReportDerived) -> ReportProperties:
    return ReportProperties(
        category=report.category,
        place=report.place if report.released else "",
        status=report.status,
        text=report.text if report.released else "",
        photos=report.photos if report.released else 0,
        released=report.released,
        zones=derived.zones,
        works=derived.works,
        created=record.created,
        version=record.version,
        updated=record.updated,
    )


def _works_keys(works: Works, derived: WorksDerived) -> MatchKeys:
    visible = works.visibility is Visibility.PUBLIC and not derived.status.over
    zones = tuple(effect.zone for effect in derived.effects)
    # What is over has no terms left: nothing but its place and its end is told of it.
    terms = terms_of(works, derived.status, derived.next_transition) if visible else None
    return MatchKeys(works.geometry, visible, derived.severity, zones, terms)


_LEVEL_SEVERITY = dict(zip(Level, Severity, strict=True))


def _zone_keys(zone: Zone, derived: ZoneDerived) -> MatchKeys:
    return MatchKeys(zone.geometry, visible=True, severity=_LEVEL_SEVERITY[derived.level])


def _report_keys(report: Report, derived: ReportDerived) -> MatchKeys:
    # A report is filtered by kind and place, not by a severity nobody measured.
    return MatchKeys(report.geometry, not report.status.over, Severity.BLOCKED, derived.zones)


_PROPERTIES: dict[Kind, Callable[[Record, Any, Any], WorksProperties | ZoneProperties | ReportProperties]] = {
    Kind.WORKS: _works_properties,
    Kind.ZONE: _zone_properties,
    Kind.REPORT: _report_properties,
}
_KEYS: dict[Kind, Callable[[Any, Any], MatchKeys]] = {
    Kind.WORKS: _works_keys,
    Kind.ZONE: _zone_keys,
    Kind.REPORT: _report_keys,
}
