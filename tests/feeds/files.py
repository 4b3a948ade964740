"""Small files for tests: good ones, and every way to be bad."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geoworks.config.sources import Mapping as MappingTable

SIMPLE = MappingTable(key=("id",), fields={"title": "objet", "schedule.start": "debut", "schedule.end": "fin"})
LINE = {"type": "LineString", "coordinates": [[2.30, 48.63], [2.31, 48.64]]}


def feature(number: object = 1, *, geometry: object = LINE, **properties: object) -> dict[str, Any]:
    """Return one good works, with what the test makes of it."""
    given = {"id": number, "objet": "Réseau d'eau", "debut": "2026-11-24", "fin": "2026-12-04", **properties}
    return {"type": "Feature", "geometry": geometry, "properties": given}


def geojson(*features: Mapping[str, Any], **members: object) -> str:
    """Return a collection of features as text."""
    return json.dumps({"type": "FeatureCollection", "features": features, **members})


def write_geojson(path: Path, *features: Mapping[str, Any], **members: object) -> Path:
    """Write a collection of features."""
    path.write_text(geojson(*features, **members))
    return path


def write_csv(path: Path, rows: Sequence[Sequence[object]], *, separator: str = ";", encoding: str = "utf-8") -> Path:
    """Write a table, its first row the names."""
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows), encoding=encoding)
    return path
