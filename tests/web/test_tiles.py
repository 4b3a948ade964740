"""Vector tiles of a real PostGIS, read by GDAL: they hold what the GeoJSON doors show, as it is now."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import shapely

from geoworks.config.settings import Engine, StoreTable, VectorTiles
from geoworks.geo.tile import TileAddress
from geoworks.pipeline.keys import Role
from geoworks.store.postgis.migrate import read_script
from tests.left_out import needed_program
from tests.postgres import Databases
from tests.web.citizen import a_report, filed
from tests.web.conftest import OpenHouse
from tests.web.house import House, feature, opened

LON, LAT = 2.3065, 48.6347
SECRET = "Mme Durand, 06 00 00 00 00"
# Half a metre at the deepest zoom and this latitude: two units of a tile's grid of 4096.
NEAR_DEG = 1e-5


def tile_at(zoom: int, lon: float = LON, lat: float = LAT) -> TileAddress:
    """Return the tile in which a place lies."""
    across = 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return TileAddress(zoom, int((lon + 180) / 360 * across), int(down * across))


def path_of(layer: str, address: TileAddress) -> str:
    """Return the path of a tile."""
    return f"/tiles/{layer}/{address.z}/{address.x}/{address.y}.pbf"


def decode(body: bytes, address: TileAddress, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the features of a tile by id, in degrees, as GDAL reads them; not clipped to the tile."""
    file = folder / "tile.pbf"
    file.write_bytes(body)
    options = [f"{name}={value}" for name, value in zip("XYZ", (address.x, address.y, address.z), strict=True)]
    command = [needed_program("ogr2ogr", package="gdal-bin"), "-f", "GeoJSON", "/vsistdout/", str(file)]
    command += ["-t_srs", "EPSG:4326", "-lco", "COORDINATE_PRECISION=9"]
    command += [part for option in (*options, "CLIP=NO") for part in ("-oo", option)]
    run = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return {one["properties"]["id"]: one for one in json.loads(run.stdout)["features"]}


async def drawn(house: House, layer: str, zoom: int = 16) -> dict[str, dict[str, Any]]:
    """Return the features of the tile at our place by id."""
    address = tile_at(zoom)
    answer = await house.ask("GET", path_of(layer, address))
    if answer.status == 204:
        assert answer.body == b""
        return {}
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    return decode(answer.body, address, house.folder)


async def listed(house: House, layer: str) -> dict[str, dict[str, Any]]:
    """Return the features of the GeoJSON door by id."""
    answer = await house.ask("GET", f"/v1/{layer}")
    return {one["id"]: one for one in answer.json()["features"]}


def on(
    databases: Databases, folder: Path, *, pool_size: int = 8, **tables: object
) -> AbstractAsyncContextManager[House]:
    """Serve a town on a new database."""
    dsn = databases.server.dsn(databases.new())
    store = StoreTable(engine=Engine.POSTGRESQL, dsn=dsn, pool_size=pool_size)
    return opened(folder, store=store, **tables)


@pytest.fixture
async def town(databases: Databases, tmp_path: Path) -> AsyncIterator[House]:
    """Serve a town on PostGIS with nothing in it."""
    async with on(databases, tmp_path) as house:
        yield house


async def post(house: House, title: str = "Rue de Montlhéry", **properties: object) -> str:
    """Post a works and return its id."""
    answer = await house.ask(
        "POST", "/v1/works", json=feature(title, **properties), headers=await house.as_role(Role.ADMIN)
    )
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


async def put_zone(house: House, id_: str, geometry: dict[str, Any]) -> None:
    """Write a zone."""
    body = {"type": "Feature", "geometry": geometry, "properties": {"name": f"Zone {id_}"}}
    answer = await house.ask("PUT", f"/v1/zones/{id_}", json=body, headers=await house.as_role())
    assert answer.status == 201, answer.body


async def test_a_tile_holds_what_the_list_shows(town: House) -> None:
    """Works, reports and zones come with the same ids, attributes and places as through the GeoJSON doors."""
    square = shapely.geometry.mapping(shapely.box(LON - 0.001, LAT - 0.001, LON + 0.001, LAT + 0.001))
    await put_zone(town, "gare", square)
    await post(town)
    await post(town, geometry={"type": "Point", "coordinates": [LON, LAT]})
    await post(town, geometry=square)
    await filed(town, a_report(at=(LON, LAT)))
    named = {"works": ("title", "status", "severity"), "reports": ("category", "status"), "zones": ("name", "level")}
    for layer, names in named.items():
        tile, whole = await drawn(town, layer), await listed(town, layer)
        assert set(tile) == set(whole) != set()
        # The next tile begins within the buffer of 64 units: what lies past it is cut off.
        edge = shapely.box(LON - 0.004, LAT - 0.003, LON + 0.004, LAT + 0.003)
        for id_, one in tile.items():
            assert {name: one["properties"][name] for name in names} == {
                name: whole[id_]["properties"][name] for name in names
            }
            shape, truth = shapely.geometry.shape(one["geometry"]), shapely.geometry.shape(whole[id_]["geometry"])
            assert not shape.is_empty
            assert truth.intersection(edge).buffer(NEAR_DEG).contains(shape)


async def test_nobody_sees_more_in_a_tile_than_in_the_list(town: House) -> None:
    """Drafts, what is cancelled and the words of citizens are in no tile; staff's corrections are laid over."""
    staff = await town.as_role()
    await post(town, "brouillon", visibility="draft")
    over, hidden, corrected = await post(town, "annulé"), await post(town, "caché"), await post(town, "avant")
    moved = {"title": "après", "geometry": {"type": "Point", "coordinates": [LON, LAT]}}
    for id_, patch in (
        (over, {"cancelled_at": "2026-11-20T08:00:00Z"}), (hidden, {"visibility": "draft"}), (corrected, moved),
    ):  # fmt: skip
        answer = await town.ask("PATCH", f"/v1/works/{id_}", json=patch, headers=staff)
        assert answer.status == 200, answer.body
    await filed(town, a_report(SECRET, at=(LON, LAT), place=SECRET))
    for zoom in (0, 8, 16):
        assert set(await drawn(town, "works", zoom)) == set(await listed(town, "works")) == {corrected}
        reports = await drawn(town, "reports", zoom)
        assert "Durand" not in json.dumps(reports)
        assert [one["properties"]["released"] for one in reports.values()] == [False]
    shown = (await drawn(town, "works"))[corrected]
    assert shown["properties"]["title"] == "après"
    assert shapely.geometry.shape(shown["geometry"]).distance(shapely.Point(LON, LAT)) < NEAR_DEG


async def test_corrections_of_a_source_s_works_are_laid_over(town: House) -> None:
    """What staff laid over a source's works, its place and that nobody sees it too, holds in tiles at once."""
    staff = await town.as_role()
    town.source.titles = {"1": "A", "2": "B"}
    assert (await town.ask("POST", "/v1/sync/voirie", headers=staff)).status == 200
    moved = {"title": "Corrigé", "geometry": {"type": "Point", "coordinates": [LON, LAT]}}
    for id_, patch in (("voirie:1", moved), ("voirie:2", moved | {"visibility": "draft"})):
        assert (await town.ask("PATCH", f"/v1/works/{id_}", json=patch, headers=staff)).status == 200
    assert {id_: one["properties"]["title"] for id_, one in (await drawn(town, "works")).items()} == {
        "voirie:1": "Corrigé"
    }


async def test_small_things_stay_and_far_titles_go(town: House) -> None:
    """What is smaller than a pixel is drawn as a point, so nothing is lost far out; titles come from zoom 12 on."""
    flat = [[LON, LAT], [LON + 0.0001, LAT], [LON + 0.0001, LAT + 0.0001], [LON, LAT]]
    small = await post(town, geometry={"type": "Polygon", "coordinates": [flat]})
    thin = shapely.geometry.mapping(shapely.box(LON, LAT, LON + 0.05, LAT + 1e-6))
    strip = await post(town, geometry=thin)
    for zoom in (0, 8, 11, 12):
        tile = await drawn(town, "works", zoom)
        assert set(tile) == {small, strip}
        assert tile[small]["geometry"]["type"] == "Point"
        assert ("title" in tile[small]["properties"]) == (zoom >= 12)
    assert (await drawn(town, "works", 16))[small]["geometry"]["type"] == "Polygon"


async def test_a_zone_to_the_poles_is_drawn(town: House) -> None:
    """Web Mercator has no poles: what reaches them is cut where the map ends."""
    await put_zone(town, "monde", shapely.geometry.mapping(shapely.box(-180, -90, 180, 90)))
    for zoom in (0, 5, 16):
        tile = await drawn(town, "zones", zoom)
        assert shapely.geometry.shape(tile["monde"]["geometry"]).contains(shapely.Point(LON, LAT))


@pytest.mark.parametrize("lon", [-179.999, 179.999])
async def test_the_ends_of_the_map(town: House, lon: float) -> None:
    """Where longitudes jump, the tiles on either side hold what lies in them."""
    id_ = await post(town, geometry={"type": "Point", "coordinates": [lon, -17.7]})
    for zoom in (0, 1, 5, 16):
        address = tile_at(zoom, lon, -17.7)
        answer = await town.ask("GET", path_of("works", address))
        assert answer.status == 200, zoom
        assert set(decode(answer.body, address, town.folder)) == {id_}


async def test_a_change_is_in_the_next_tile(town: House) -> None:
    """A tile stays what it is, and known by its tag, until its layer changes; then it is made anew."""
    path = path_of("works", tile_at(14))
    empty = await town.ask("GET", path)
    assert empty.status == 204
    await post(town)
    first = await town.ask("GET", path, headers={"If-None-Match": empty.headers["ETag"]})
    assert first.status == 200
    assert first.headers["Geoworks-Cursor"] == str(town.town.state.cursor)
    assert (await town.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})).status == 304
    await filed(town)
    assert (await town.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})).status == 304
    await post(town)
    second = await town.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status == 200
    assert second.headers["ETag"] != first.headers["ETag"]


async def test_it_is_packed_for_those_who_can_unpack(town: House) -> None:
    """The same tile comes as gzip or plain, with one cursor; other sites may read it."""
    await post(town)
    path = path_of("works", tile_at(14))
    packed = await town.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    plain = await town.ask("GET", path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.body == plain.body != b""
    assert packed.headers["ETag"].replace("-gz", "") == plain.headers["ETag"]
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert (await town.ask("HEAD", path)).status == 200


async def test_the_writer_of_the_setup_makes_tiles(databases: Databases, tmp_path: Path) -> None:
    """The role that a service logs in as, which may do no more than it needs, may make tiles."""
    database = databases.new()
    databases.server.run_sql(read_script("setup"), database=database)
    for role in ("geoworks_owner", "geoworks_writer"):
        store = StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(database, role=role))
        async with opened(tmp_path, store=store) as house:
            id_ = await post(house)
            assert id_ in await drawn(house, "works")
            assert await drawn(house, "zones") == await drawn(house, "reports") == {}


@pytest.mark.parametrize("pool_size", [1, 8])
async def test_too_many_features(databases: Databases, tmp_path: Path, pool_size: int) -> None:
    """Past the bound the worst stay, and a header counts what is missing, however few connections there are."""
    async with on(databases, tmp_path, pool_size=pool_size, vector_tiles=VectorTiles(features=1)) as house:
        await post(house, impact={"vehicle_impact": "all-lanes-open"})
        worst = await post(house, impact={"vehicle_impact": "all-lanes-closed"})
        await post(house, impact={"vehicle_impact": "some-lanes-closed"})
        assert set(await drawn(house, "works", 8)) == {worst}
        answer = await house.ask("GET", path_of("works", tile_at(8)))
        assert answer.headers["Geoworks-Left-Out"] == "2"


@pytest.mark.parametrize("elsewhere", [0, 10, 80])
async def test_however_they_are_found(databases: Databases, tmp_path: Path, elsewhere: int) -> None:
    """A tile from afar is the same where it holds all there is, a part of it and a twentieth."""
    async with on(databases, tmp_path, vector_tiles=VectorTiles(features=2)) as house:
        for number in range(elsewhere):
            await post(house, geometry={"type": "Point", "coordinates": [LON + 20 + number / 10, LAT]})
        await post(house, impact={"vehicle_impact": "all-lanes-open"})
        closed = await post(house, impact={"vehicle_impact": "all-lanes-closed"})
        draft = await post(house, impact={"vehicle_impact": "all-lanes-closed"}, visibility="draft")
        narrow = await post(house, impact={"vehicle_impact": "some-lanes-closed"})
        answer = await house.ask("GET", path_of("works", tile_at(8)))
        assert answer.headers["Geoworks-Left-Out"] == "1"
        assert set(await drawn(house, "works", 8)) == {closed, narrow}
        patched = await house.ask(
            "PATCH", f"/v1/works/{draft}", json={"visibility": "public"}, headers=await house.as_role()
        )
        assert patched.status == 200, patched.body
        assert set(await drawn(house, "works", 8)) == {closed, draft}


async def test_a_tile_that_takes_too_long(databases: Databases, tmp_path: Path) -> None:
    """When the server does not finish in time the answer says so with a mend; the next tile is made again."""
    async with on(databases, tmp_path, vector_tiles=VectorTiles(timeout_s=0.5)) as house:
        name = house.town.settings.store.dsn.partition("?")[0].rpartition("/")[2]
        await post(house)
        databases.sql("ALTER TABLE geoworks.features RENAME TO slow", database=name)
        databases.sql("CREATE VIEW geoworks.features AS SELECT slow.* FROM geoworks.slow, pg_sleep(30)", database=name)
        answer = await house.ask("GET", path_of("works", tile_at(14)))
        assert (answer.status, answer.json()["code"], answer.json()["temporary"]) == (503, "store-busy", True)
        assert "vector_tiles.timeout_s" in answer.json()["detail"]
        databases.sql("DROP VIEW geoworks.features", "ALTER TABLE geoworks.slow RENAME TO features", database=name)
        assert (await house.ask("GET", path_of("works", tile_at(14)))).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/works/17/0/0.pbf",
        "/tiles/works/3/8/0.pbf",
        "/tiles/works/3/0/8.pbf",
        "/tiles/works/-1/0/0.pbf",
        "/tiles/works/1/1.5/0.pbf",
        "/tiles/works/1/01/0.pbf",
        "/tiles/works/1/%D9%A1/0.pbf",
        "/tiles/works/99999999999999999999/0/0.pbf",
        "/tiles/drafts/0/0/0.pbf",
        "/tiles/drafts.json",
    ],
)
async def test_addresses_of_no_tile(town: House, path: str) -> None:
    """What names no tile is not found, and the answer says what there is."""
    answer = await town.ask("GET", path)
    assert (answer.status, answer.json()["code"]) == (404, "not-found")
    assert "there are" in answer.json()["detail"] or " 0 to " in answer.json()["detail"]


async def test_what_map_programs_ask_first(town: House) -> None:
    """TileJSON names the address of the tiles, their zooms and their attributes."""
    for layer in ("works", "reports", "zones"):
        said = (await town.ask("GET", f"/tiles/{layer}.json")).json()
        assert said["tiles"] == [f"{town.base.origin()}/tiles/{layer}/{{z}}/{{x}}/{{y}}.pbf"]
        assert (said["tilejson"], said["minzoom"], said["maxzoom"]) == ("3.0.0", 0, 16)
        (described,) = said["vector_layers"]
        assert described["id"] == layer
    await post(town)
    (one,) = (await drawn(town, "works")).values()
    fields = (await town.ask("GET", "/tiles/works.json")).json()["vector_layers"][0]["fields"]
    assert set(one["properties"]) - {"mvt_id"} == set(fields)


async def test_a_flood_of_tiles_is_stopped(open_house: OpenHouse) -> None:
    """All tiles count together, whatever their address."""
    async with open_house(vector_tiles=VectorTiles(per_minute=3)) as house:
        statuses = [(await house.ask("GET", f"/tiles/works/16/{number}/0.pbf")).status for number in range(5)]
        assert statuses == [404, 404, 404, 429, 429]


async def test_an_embedded_town_makes_none(house: House) -> None:
    """Without PostGIS there are no tiles, and the answer says what to do."""
    for path in ("/tiles/works.json", "/tiles/works/0/0/0.pbf"):
        answer = await house.ask("GET", path)
        assert (answer.status, answer.json()["code"]) == (404, "not-found")
        assert 'store.engine = "postgresql"' in answer.json()["detail"]
