"""The works of Paris as the city gave them, and as other programs would write the same ones."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from geoworks.config.sources import DateKind, Mapping, SourceTable
from geoworks.geo.crs import LONLAT
from geoworks.model.works import Works
from tests.shared import shared_data

FILE = "paris_chantiers_perturbants_2018.geojson"
COUNT = 568
# One record begins and ends on 1 January 1970, which is how its program writes that nothing was filled in.
REFUSED = "CP000021"

# How GDAL writes "at +00:00".
_GDAL_UTC = 100
PARIS = ZoneInfo("Europe/Paris")
IMPACTS = {
    "BARRAGE_TOTAL": "all-lanes-closed",
    "IMPASSE": "all-lanes-closed",
    "RESTREINTE": "some-lanes-closed",
    "SENS_UNIQUE": "some-lanes-closed",
    "*": "unknown",
}
FIELDS = {
    "title": "objet",
    "description": "description",
    "road_names": "voie",
    "promoter": "maitre_ouvrage",
    "schedule.start": "date_debut",
    "schedule.end": "date_fin",
    "impact.vehicle_impact": "impact_circulation",
}
# The exporter wrote midnights shifted once and more; the calendar days are what it knew.
MAPPING = Mapping(
    key=("identifiant",), fields=FIELDS, values={"impact.vehicle_impact": IMPACTS}, dates=DateKind.WHOLE_DAY
)
# A Shapefile cuts names to ten characters.
CUT_MAPPING = Mapping(
    key=("identifian",),
    fields={
        **{field: column[:10] for field, column in FIELDS.items()},
        "description": "descriptio",
        "promoter": "maitre_ouv",
    },
    values={"impact.vehicle_impact": IMPACTS},
)


def source_table(path: Path, **settings: Any) -> SourceTable:  # noqa: ANN401 - any setting
    """Return the source of the works of Paris in a file."""
    return SourceTable(url=str(path), **{"mapping": MAPPING, **settings})


class Records:
    """The records as columns, with their geometry in lon/lat degrees."""

    def __init__(self) -> None:
        """Read them without GDAL."""
        features = json.loads(shared_data(FILE).read_text())["features"]
        wanted = ["identifiant", *FIELDS.values()]
        self.columns = {
            name: np.array([feature["properties"].get(name) for feature in features], dtype=np.object_)
            for name in wanted
        }
        self.geometries: NDArray[np.object_] = shapely.from_geojson(
            [json.dumps(feature["geometry"]) for feature in features]
        )

    def days(self, name: str) -> NDArray[np.object_]:
        """Return a column of dates as the days in Paris, written `YYYY-MM-DD`."""
        moments = (datetime.fromisoformat(text) for text in self.columns[name])
        return np.array([moment.astimezone(PARIS).date().isoformat() for moment in moments], dtype=np.object_)

    def with_days(self) -> dict[str, NDArray[Any]]:
        """Return the columns with dates instead of moments, as GDAL writes them."""
        days = {name: self.days(name).astype("datetime64[D]") for name in ("date_debut", "date_fin")}
        return {**self.columns, **days}


def to_geopackage(records: Records, path: Path) -> Path:
    """Write them as a GeoPackage in Lambert-93, moments in UTC."""
    moments = {
        name: np.array([_utc(text) for text in records.columns[name]], dtype="datetime64[ms]")
        for name in ("date_debut", "date_fin")
    }
    write(path, {**records.columns, **moments}, to_lambert_93(records.geometries), crs="EPSG:2154", utc=[*moments])
    return path


def to_shapefile(records: Records, path: Path) -> Path:
    """Write them as a zipped Shapefile in Lambert-93: names cut, dates without hours."""
    folder = path.parent / "shapefile"
    folder.mkdir()
    write(folder / "chantiers.shp", records.with_days(), to_lambert_93(records.geometries), crs="EPSG:2154")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, f"export/{part.name}")
    return path


def to_csv(records: Records, path: Path) -> Path:
    """Write them as a table of text with the geometry as WKT."""
    columns = {**records.columns, "wkt": shapely.to_wkt(records.geometries, rounding_precision=12)}
    write(path, columns, None, crs=None)
    return path


def to_xlsx(records: Records, path: Path) -> Path:
    """Write them as a spreadsheet with the geometry as WKT and real dates."""
    columns = {**records.with_days(), "wkt": shapely.to_wkt(records.geometries, rounding_precision=12)}
    write(path, columns, None, crs=None)
    return path


def write(
    path: Path,
    columns: dict[str, NDArray[Any]],
    geometries: NDArray[np.object_] | None,
    *,
    crs: str | None,
    utc: Sequence[str] = (),
    layer: str = "",
) -> None:
    """Write a layer with GDAL; its driver is taken from the name, the columns of `utc` say that they are."""
    drivers = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".csv": "CSV", ".xlsx": "XLSX", ".fgb": "FlatGeobuf"}
    with warnings.catch_warnings():
        # GDAL warns of the names it cuts, which is what the tests want.
        warnings.simplefilter("ignore", RuntimeWarning)
        pyogrio.raw.write(
            path,
            None if geometries is None else shapely.to_wkb(geometries),
            list(columns.values()),
            list(columns),
            driver=drivers.get(path.suffix, "GeoJSON"),
            layer=layer or path.stem,
            geometry_type=None if geometries is None else geometries[0].geom_type,
            crs=crs,
            encoding="UTF-8",
            gdal_tz_offsets={name: np.full(len(columns[name]), _GDAL_UTC) for name in utc},
        )


def to_lambert_93(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return geometries in Lambert-93 metres, by PROJ directly."""
    import pyproj  # noqa: PLC0415 - the oracle of this function alone

    convert = pyproj.Transformer.from_crs(LONLAT, "EPSG:2154", always_xy=True)
    moved: NDArray[np.object_] = shapely.transform(
        geometries, lambda xy: np.column_stack(convert.transform(xy[:, 0], xy[:, 1]))
    )
    return moved


def calendar_days(works: Works) -> tuple[object, object]:
    """Return the first and the last day of a works in Paris."""
    schedule = works.schedule
    assert schedule.end
    last = schedule.end.astimezone(PARIS) - timedelta(seconds=1)
    return schedule.start.astimezone(PARIS).date(), last.date()


def _utc(text: str) -> np.datetime64:
    return np.datetime64(int(datetime.fromisoformat(text).timestamp() * 1000), "ms")
