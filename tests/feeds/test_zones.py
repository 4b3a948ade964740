"""Zones come through the same doors as works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from feeds.zones import read_zones
from geoworks.config.settings import Limits, ZonesTable
from geoworks.errors import SourceError
from tests.feeds.files import LINE, feature, write_geojson
from tests.feeds.paris import to_lambert_93, write
from tests.feeds.test_archive import pack

SQUARE = {"type": "Polygon", "coordinates": [[[2.3, 48.6], [2.31, 48.6], [2.31, 48.61], [2.3, 48.61], [2.3, 48.6]]]}
BOWTIE = {"type": "Polygon", "coordinates": [[[2.3, 48.6], [2.31, 48.61], [2.31, 48.6], [2.3, 48.61], [2.3, 48.6]]]}


async def test_what_cannot_be_a_zone_is_told(tmp_path: Path) -> None:
    """Lines, missing shapes, empty and repeated ids are refused one by one; the others are taken."""
    path = write_geojson(
        tmp_path / "zones.geojson",
        feature("gare", geometry=SQUARE, nom="Gare"),
        feature("rue", geometry=LINE, nom="Rue"),
        feature("vide", geometry=None, nom="Vide"),
        feature("gare", geometry=SQUARE, nom="Encore"),
        feature(None, geometry=SQUARE, nom="Sans id"),
        feature("noeud", geometry=BOWTIE, nom=None),
    )
    reading = await read_zones(str(path), ZonesTable(id="id"), Limits())
    assert [(id_, zone.name, zone.geometry.geom_type) for id_, zone in reading.zones] == [
        ("gare", "Gare", "Polygon"),
        ("noeud", "noeud", "MultiPolygon"),
    ]
    assert [(one.position, one.problems[0].where) for one in reading.rejected] == [
        (2, "geometry"),
        (3, "geometry"),
        (4, "id"),
        (5, "id"),
    ]
    assert reading.rejected[0].place == (2.3, 48.63)
    assert reading.rejected[2].problems[0].what == "'gare' came before, at record 1"


async def test_columns_are_guessed_or_named(tmp_path: Path) -> None:
    """The id is a column that reads like one and is unique; a wrong or missing one is told with those there are."""
    path = write_geojson(
        tmp_path / "zones.geojson", *(feature(7, geometry=SQUARE, INSEE=f"9157{n}", label=f"Z{n}") for n in range(2))
    )
    reading = await read_zones(str(path), ZonesTable(), Limits())
    assert [(id_, zone.name) for id_, zone in reading.zones] == [("91570", "Z0"), ("91571", "Z1")]
    reading = await read_zones(str(path), ZonesTable(id="label", name="INSEE"), Limits())
    assert [(id_, zone.name) for id_, zone in reading.zones] == [("Z0", "91570"), ("Z1", "91571")]
    with pytest.raises(SourceError, match=r"no column 'nam'; they have: INSEE, .*label"):
        await read_zones(str(path), ZonesTable(name="nam"), Limits())
    nameless = write_geojson(tmp_path / "b.geojson", *(feature(7, geometry=SQUARE) for _ in range(2)))
    with pytest.raises(SourceError, match=r"set zones\.id to one of: debut, "):
        await read_zones(str(nameless), ZonesTable(), Limits())


async def test_metres_become_degrees(tmp_path: Path) -> None:
    """A zipped Shapefile in Lambert-93 gives the same zone in lon/lat; another CRS can be laid over the file's."""
    square = np.array([shapely.box(2.3, 48.6, 2.31, 48.61)], dtype=np.object_)
    columns = {"code": np.array(["a"], dtype=np.object_), "nom": np.array(["Gare"], dtype=np.object_)}
    write(tmp_path / "zones.gpkg", columns, to_lambert_93(square), crs="EPSG:2154")
    reading = await read_zones(str(tmp_path / "zones.gpkg"), ZonesTable(), Limits())
    ((id_, zone),) = reading.zones
    assert id_ == "a"
    assert shapely.equals_exact(zone.geometry, square[0], tolerance=2e-6, normalize=True)
    write(tmp_path / "wrong.gpkg", columns, to_lambert_93(square), crs="EPSG:4326")
    assert not (await read_zones(str(tmp_path / "wrong.gpkg"), ZonesTable(), Limits())).zones
    reading = await read_zones(str(tmp_path / "wrong.gpkg"), ZonesTable(crs="EPSG:2154"), Limits())
    assert reading.zones == [(id_, zone)]


async def test_hostile_zips_of_zones_are_refused(tmp_path: Path) -> None:
    """The doors of the works guard the zones too."""
    path = pack(tmp_path / "zones.zip", **{"../zones.geojson": "x"})
    with pytest.raises(SourceError, match="leads out of it"):
        await read_zones(str(path), ZonesTable(), Limits())
