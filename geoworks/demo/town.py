"""The sample town: its streets and zones, and its works and reports dated around today.

The works come in by two doors, as in a real town: most by the export of the town's GIS (`gis_export`), those that
need night hours, lanes or detours by the API (`staff_works`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import shapely
from msgspec import Struct
from shapely import LineString, Point
from shapely.ops import substring

TIME_ZONE = ZoneInfo("Europe/Paris")
_WORKDAY_BEGINS = time(7, 30)
_WORKDAY_ENDS = time(17, 30)


class GisRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One works of the GIS export; `part` is the stretch of the street, `debut` and `fin` are days from today."""

    numero: str
    rue: str
    part: tuple[float, float]
    objet: str
    description: str
    debut: int
    fin: int
    circulation: str
    maitre_ouvrage: str
    stationnement: str
    trottoir: str


class StaffWorks(Struct, frozen=True, forbid_unknown_fields=True):
    """One works of the API; its schedule's `debut` and `fin` are days from today."""

    id: str
    rue: str
    part: tuple[float, float]
    properties: dict[str, Any]


class SampleReport(Struct, frozen=True, forbid_unknown_fields=True):
    """One report; `part` is where on the street it lies, 0 to 1."""

    id: str
    category: str
    rue: str
    part: float
    text: str
    place: str
    released: bool


class _Plan(Struct, frozen=True, forbid_unknown_fields=True):
    gis: tuple[GisRow, ...]
    staff: tuple[StaffWorks, ...]
    reports: tuple[SampleReport, ...]


def zones_geojson() -> bytes:
    """Return the zones as a GeoJSON file."""
    return (files(__package__) / "town" / "zones.geojson").read_bytes()


def gis_export(today: date) -> bytes:
    """Return what the town's GIS would export today: GeoJSON with French columns, in EPSG:4326."""
    features = [_gis_feature(row, today) for row in _plan().gis]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def staff_works(today: date) -> list[tuple[str, bytes]]:
    """Return the works posted by staff as (id, body of `PUT /v1/works/{id}`)."""
    return [(works.id, msgspec.json.encode(_staff_feature(works, today))) for works in _plan().staff]


def reports() -> Sequence[tuple[SampleReport, Point]]:
    """Return the sample reports with their places (lon/lat)."""
    return [(report, _street(report.rue).interpolate(report.part, normalized=True)) for report in _plan().reports]


def stretch(street: str, part: tuple[float, float]) -> LineString:
    """Return the part of a street between two shares of its length (lon/lat degrees)."""
    begin, end = part
    return LineString(substring(_street(street), begin, end, normalized=True).coords)


def _plan() -> _Plan:
    return msgspec.json.decode((files(__package__) / "town" / "works.json").read_bytes(), type=_Plan)


def _street(name: str) -> LineString:
    collection = msgspec.json.decode((files(__package__) / "town" / "streets.geojson").read_bytes())
    found = next(feature for feature in collection["features"] if feature["properties"]["nom"] == name)
    return LineString(found["geometry"]["coordinates"])


def _gis_feature(row: GisRow, today: date) -> dict[str, Any]:
    properties = {
        "numero": row.numero,
        "rue": row.rue,
        "objet": row.objet,
        "description": row.description,
        "date_debut": (today + timedelta(days=row.debut)).isoformat(),
        "date_fin": (today + timedelta(days=row.fin)).isoformat(),
        "circulation": row.circulation,
        "maitre_ouvrage": row.maitre_ouvrage,
        "stationnement": row.stationnement,
        "trottoir": row.trottoir,
    }
    return {"type": "Feature", "properties": properties, "geometry": _geojson(stretch(row.rue, row.part))}


def _staff_feature(works: StaffWorks, today: date) -> dict[str, Any]:
    properties = dict(works.properties)
    schedule = dict(properties["schedule"])
    schedule["start"] = _moment(today, schedule.pop("debut"), _WORKDAY_BEGINS)
    schedule["end"] = _moment(today, schedule.pop("fin"), _WORKDAY_ENDS)
    properties |= {"schedule": schedule, "road_names": [works.rue]}
    properties["impact"] = {**properties["impact"], "detours": [_detour(d) for d in _detours(properties)]}
    return {"type": "Feature", "properties": properties, "geometry": _geojson(stretch(works.rue, works.part))}


def _detours(properties: dict[str, Any]) -> list[dict[str, Any]]:
    detours: list[dict[str, Any]] = properties["impact"].get("detours", [])
    return detours


def _detour(detour: dict[str, Any]) -> dict[str, Any]:
    """Draw a detour along its streets, where it names them."""
    streets = [_street(name) for name in detour.get("rues", [])]
    line = shapely.MultiLineString(streets) if streets else None
    return {"text": detour["text"], "geometry": _geojson(line) if line else None}


def _moment(today: date, days: int, at: time) -> str:
    return datetime.combine(today + timedelta(days=days), at, TIME_ZONE).isoformat()


def _geojson(geometry: shapely.Geometry) -> Any:  # noqa: ANN401 - a GeoJSON object
    return msgspec.json.decode(shapely.to_geojson(shapely.transform(geometry, lambda places: places.round(6))))
