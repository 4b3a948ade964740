"""A small town in the bytes of the public collections, as the maps are given them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shapely.geometry import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from geoworks.config.categories import Category
from geoworks.config.settings import Reports, Settings, Tiles
from geoworks.config.settings import Town as TownTable
from geoworks.model.change import Key, Kind, Record
from geoworks.model.feature import render
from geoworks.model.report import Report, ReportDerived
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Effect, Status, Works, WorksDerived
from geoworks.model.zone import Level, Zone, ZoneDerived
from geoworks.state import collect

MADE = datetime(2026, 11, 24, 16, 5, tzinfo=UTC)
START, END = datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 12, 4, 23, tzinfo=UTC)
LINE = LineString([(2.3051, 48.6342), (2.3079, 48.6351)])
# Nobody listens there: the maps must do without a background.
TILES = Tiles(url="http://127.0.0.1:9/{z}/{x}/{y}.png", attribution="© IGN")
SETTINGS = Settings(
    town=TownTable(name="Saint-Michel-sur-Orge"),
    tiles=TILES,
    reports=Reports(categories=(Category(id="trou", fr="Chaussée abîmée", en="Damaged road", handler="Voirie"),)),
)


def works(id_: str = "voirie:1", *, zones: tuple[str, ...] = ("gare",), **given: Any) -> bytes:  # noqa: ANN401 - fields
    """Render a works under way in `zones`; `given` are other fields of it, its status or severity."""
    derived = WorksDerived(
        status=given.pop("status", Status.ACTIVE),
        severity=given.pop("severity", Severity.HIGH),
        effects=tuple(Effect(zone, 1.0) for zone in zones),
    )
    told: dict[str, Any] = {"title": "Réseau d'eau", "geometry": LINE, "schedule": Schedule(start=START, end=END)}
    return _render(Kind.WORKS, id_, Works(**{**told, **given}), derived)


def zone(
    id_: str = "gare", *, name: str = "Gare", level: Level = Level.FREE, place: BaseGeometry | None = None
) -> bytes:
    """Render a zone."""
    return _render(
        Kind.ZONE, id_, Zone(name=name, geometry=place or box(2.3, 48.63, 2.312, 48.638)), ZoneDerived(level)
    )


def report(id_: str = "r1", *, zones: tuple[str, ...] = ("gare",), **given: Any) -> bytes:  # noqa: ANN401 - fields
    """Render a report that was released."""
    told: dict[str, Any] = {"category": "trou", "geometry": Point(2.309, 48.632), "released": True}
    return _render(Kind.REPORT, id_, Report(**{**told, **given}), ReportDerived(zones=zones))


def town(**features: list[bytes]) -> dict[str, bytes]:
    """Join features into the collections `works`, `zones`, `reports`."""
    return {name: collect(bodies) for name, bodies in features.items()}


def _render(kind: Kind, id_: str, given: Works | Zone | Report, derived: Any) -> bytes:  # noqa: ANN401 - of that kind
    record = Record(
        key=Key(kind, id_),
        version=1,
        created=START,
        updated=START,
        given=given,
        derived=derived,
        source="voirie",
        raw_hash=b"",
    )
    return render(record)
