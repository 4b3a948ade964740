"""The views that a GIS opens: one row a feature, what holds, nothing personal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import shapely
from msgspec.structs import replace

from geoworks.clock import ManualClock
from geoworks.config.settings import StoreTable
from geoworks.model import overlay
from geoworks.model.change import Key, Kind, Record
from geoworks.model.report import Report, ReportDerived
from geoworks.model.works import Visibility
from geoworks.model.zone import Zone, ZoneDerived
from tests.left_out import needed_program
from tests.postgres import Databases
from tests.store.alone import Alone
from tests.store.samples import batch, put, works_record

SECRET = "Mme Durand, 06 00 00 00 00"


def report_record(number: int, *, released: bool) -> Record:
    """Make a report with something personal in every field that may hold it."""
    given = Report(
        category="chaussee",
        geometry=shapely.Point(2.3051, 48.6342),
        text=SECRET,
        place=SECRET,
        photos=2,
        released=released,
        token_hash=SECRET,
    )
    record = works_record(number)
    return replace(record, key=Key(Kind.REPORT, f"r{number}"), given=given, derived=ReportDerived(zones=("gare",)))


def zone_record() -> Record:
    """Make a zone."""
    given = Zone(name="Gare", geometry=shapely.box(2.30, 48.63, 2.31, 48.64))
    return replace(works_record(9), key=Key(Kind.ZONE, "gare"), given=given, derived=ZoneDerived())


@pytest.fixture
async def database(databases: Databases, tmp_path: Path, clock: ManualClock) -> str:
    """Give a database with a town in it."""
    name = databases.new()
    store = Alone(StoreTable(dsn=databases.server.dsn(name)), tmp_path / "data", clock=clock)
    await store.open()
    plain, corrected, draft = works_record(1), works_record(2), works_record(3)
    correction = {"title": "Corrigé", "geometry": {"type": "Point", "coordinates": [2.4, 48.7]}}
    corrected = replace(corrected, overlay=correction)
    draft = replace(draft, given=replace(draft.given, visibility=Visibility.DRAFT))
    reports = (report_record(4, released=False), report_record(5, released=True))
    await store.commit(batch(*map(put, (plain, corrected, draft, *reports, zone_record()))))
    await store.close()
    return name


def read_layer(databases: Databases, database: str, view: str) -> dict[str, Any]:
    """Return the features of a view by id, as GDAL reads them, which is how QGIS does too."""
    source = f"PG:dbname={database} host={databases.server.folder} user=postgres schemas=geoworks"
    program = needed_program("ogr2ogr", package="gdal-bin")
    command = [program, "-f", "GeoJSON", "/vsistdout/", source, view]
    run = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return {
        feature["properties"].get("id", "") or str(number): feature
        for number, feature in enumerate(json.loads(run.stdout)["features"])
    }


def describe_layer(databases: Databases, database: str, view: str) -> str:
    """Return what GDAL tells of a view."""
    source = f"PG:dbname={database} host={databases.server.folder} user=postgres schemas=geoworks"
    command = [needed_program("ogrinfo", package="gdal-bin"), "-so", source, view]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


async def test_works(databases: Databases, database: str) -> None:
    """A works has what holds, with staff's corrections laid over, and drafts are marked."""
    works = read_layer(databases, database, "works")
    assert {id_: feature["properties"]["draft"] for id_, feature in works.items()} == {
        "voirie:1": False, "voirie:2": False, "voirie:3": True,
    }  # fmt: skip
    assert works["voirie:2"]["properties"]["title"] == "Corrigé"
    assert works["voirie:2"]["geometry"] == {"type": "Point", "coordinates": [2.4, 48.7]}
    assert works["voirie:2"]["properties"]["corrected"] is True
    shown = works["voirie:1"]["properties"]
    assert (shown["title"], shown["status"], shown["zones"]) == ("Réseau d'eau", "planned", "gare")
    assert shown["starts"] == "2026-11-24T12:00:00Z"
    assert works["voirie:1"]["geometry"]["type"] == "LineString"


async def test_what_no_works_says(databases: Databases, database: str) -> None:
    """What a row leaves out the views tell, as they tell it of a row of an earlier release, which says everything."""
    brief = read_layer(databases, database, "works")
    given = replace(works_record().given, geometry=None)
    everything = msgspec.json.encode(given).decode().replace("'", "''")
    statement = f"UPDATE geoworks.features SET given = '{everything}'::jsonb || given WHERE kind = 'works'"  # noqa: S608 - our own
    databases.sql(statement, database=database)
    assert read_layer(databases, database, "works") == brief
    shown = brief["voirie:1"]["properties"]
    assert (shown["description"], shown["direction"], shown["parking"]) == ("", "unknown", "unknown")


async def test_reports(databases: Databases, database: str) -> None:
    """A report that no moderator released shows category, place on the map and status; the secret link never."""
    reports = read_layer(databases, database, "reports")
    hidden, released = reports["r4"]["properties"], reports["r5"]["properties"]
    assert (hidden["category"], hidden["text"], hidden["place"], hidden["photos"]) == ("chaussee", "", "", 0)
    assert (released["text"], released["place"], released["photos"]) == (SECRET, SECRET, 2)
    assert SECRET not in json.dumps(reports["r4"], ensure_ascii=False)
    assert json.dumps(reports["r5"], ensure_ascii=False).count(SECRET) == 2


async def test_zones_and_effects(databases: Databases, database: str) -> None:
    """Zones have their level; an effect has its works, its zone and how much of it lies inside."""
    zones = read_layer(databases, database, "zones")
    assert (zones["gare"]["properties"]["name"], zones["gare"]["properties"]["level"]) == ("Gare", "free")
    effects = list(read_layer(databases, database, "effects").values())
    assert [effect["properties"]["works"] for effect in effects] == ["voirie:1", "voirie:2", "voirie:3"]
    assert {effect["properties"]["length_m"] for effect in effects} == {212.4}
    assert len({effect["properties"]["fid"] for effect in effects}) == 3


async def test_layers(databases: Databases, database: str) -> None:
    """GDAL, and so QGIS, lists each view as a layer in lon/lat degrees with its geometry."""
    for view in ("works", "reports", "zones", "effects"):
        told = describe_layer(databases, database, view)
        assert "Geometry Column = geometry" in told
        assert 'ID["EPSG",4326]' in told
        assert "Feature Count: 0" not in told


async def test_what_a_tile_draws_follows_the_feature(databases: Databases, database: str) -> None:
    """Whoever writes a feature, with whatever search path, what tiles draw of it moves and is renamed with it."""
    drawn = """
        SELECT tile_title, elsewhere.ST_Equals(tile_shape, elsewhere.ST_Transform(geometry, 3857)),
            tile_extent OPERATOR(pg_catalog.~=) elsewhere.box(elsewhere.ST_Transform(geometry, 3857))
        FROM geoworks.features WHERE id = 'voirie:1'
    """
    moved = "UPDATE geoworks.features SET geometry = elsewhere.ST_Translate(geometry, 0.1, 0.1) WHERE id = 'voirie:1'"
    renamed = """UPDATE geoworks.features SET given = given || '{"title": "Autre"}' WHERE id = 'voirie:1'"""
    assert [tuple(row) for row in databases.sql(drawn, database=database)] == [("Réseau d'eau", True, True)]
    databases.sql(moved, database=database)
    assert [tuple(row) for row in databases.sql(drawn, database=database)] == [("Réseau d'eau", True, True)]
    databases.sql(renamed, database=database)
    assert [tuple(row) for row in databases.sql(drawn, database=database)] == [("Autre", True, True)]


@pytest.mark.parametrize("view", ["works", "reports", "zones", "effects"])
async def test_index(databases: Databases, database: str, view: str) -> None:
    """What lies in a map window is found by the index, through the view."""
    window = "geometry && elsewhere.ST_MakeEnvelope(2.3, 48.6, 2.31, 48.64, 4326)"
    rows = databases.sql(
        "SET enable_seqscan = off",
        "SET search_path = elsewhere",
        f"EXPLAIN SELECT * FROM geoworks.{view} WHERE {window}",  # noqa: S608 - our own names
        database=database,
    )
    plan = "\n".join(str(row[0]) for row in rows)
    assert "_places" in plan


@pytest.mark.parametrize(
    ("target", "patch"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}),
        ({"a": [1, 2]}, {"a": {"x": None, "y": {"z": None}}}),
        ({"a": {"b": "c"}}, {"a": 5}),
        ([1, 2], {"a": "b", "c": None}),
        ({}, {"a": {"bb": {"ccc": None}}}),
        ({"e": None}, {"a": 1}),
        ({"a": "b"}, ["c"]),
        ({"a": "b"}, {}),
    ],
)
async def test_merge_patch(databases: Databases, database: str, target: Any, patch: Any) -> None:  # noqa: ANN401 - any JSON
    """A correction is laid over in SQL as it is in the service (RFC 7396, its own examples among these)."""
    texts = [json.dumps(value).replace("'", "''") for value in (target, patch)]
    statement = f"SELECT geoworks.merge_patch('{texts[0]}', '{texts[1]}')"
    ((merged,),) = databases.sql(statement, database=database)
    assert json.loads(str(merged)) == overlay.merge(target, patch)
