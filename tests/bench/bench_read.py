"""Reading a source: read, validate and reproject, beside a loop over fiona; how reading and synchronising grow."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import fiona
import msgspec
import numpy as np
import pyogrio.raw
import pyproj
import shapely
from shapely.geometry import shape
from shapely.ops import transform

from feeds.places import PlaceColumns, Places
from feeds.sources.gdal import Asked, GdalSource, read_address
from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Limits
from geoworks.config.sources import Mapping as MappingTable
from geoworks.config.sources import SourceTable
from geoworks.geo.crs import LONLAT
from geoworks.geo.repair import Repairer
from geoworks.model.works import Works
from geoworks.pipeline.chunk import chunks
from geoworks.pipeline.sync import Syncs
from geoworks.store.sqlite import SqliteStore
from tests.bench.row import Growth, Row, compare, measure, timed_row
from tests.feeds.paris import FILE
from tests.feeds.paris import MAPPING as PARIS_MAPPING
from tests.pipeline.house import open_house
from tests.shared import shared_data

SIZES = (1_000, 10_000, 100_000)
TARGETS = {".gpkg": 8.0, ".geojson": 4.0}
LIMITS = Limits()
REPEATED = (1, 10, 50)
MAPPING = MappingTable(
    key=("id",),
    fields={
        "title": "titre",
        "road_names": "voie",
        "schedule.start": "debut",
        "schedule.end": "fin",
        "impact.vehicle_impact": "impact",
    },
    values={"impact.vehicle_impact": {"BARRAGE_TOTAL": "all-lanes-closed", "RESTREINTE": "some-lanes-closed"}},
)


def rows() -> Iterator[Row | Growth]:
    """Measure reading beside the loop for both formats, then growth, then whole synchronisations."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in SIZES:
            for suffix, target in TARGETS.items():
                path = write_works(folder / f"works-{size}{suffix}", size)
                yield Growth(f"read + validate + reproject, {suffix}", size, measure(partial(read, path)))
                if size == SIZES[-1]:
                    times = compare(partial(read, path), partial(read_by_fiona, path), rounds=3)
                    yield timed_row(f"read + validate + reproject 100 k works from {suffix}", times, target=target)
            first, again = asyncio.run(synchronise(folder / f"works-{size}.gpkg", folder / f"town-{size}"))
            yield Growth("whole synchronisation, all new", size, first)
            yield Growth("whole synchronisation, all unchanged", size, again)
        yield from real(folder)


def real(folder: Path) -> Iterator[Growth]:
    """Measure what a city published, some times over; one works in 568 crosses itself."""
    collection = msgspec.json.decode(shared_data(FILE).read_bytes())
    works = collection["features"]
    for times in REPEATED:
        path = folder / f"paris-{times}.geojson"
        repeated = [numbered(one, number) for number in range(times) for one in works]
        path.write_bytes(msgspec.json.encode({**collection, "features": repeated}))
        table = SourceTable(url=str(path), mapping=PARIS_MAPPING)
        source = GdalSource("paris", table, town_time_zone="Europe/Paris", limits=LIMITS, keep_dir=folder / "kept")
        yield Growth("read + map the works of Paris, repeated", len(repeated), measure(partial(read_and_map, source)))


def numbered(works: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """Return a works again, with an id of its own."""
    given = works["properties"]
    return {**works, "properties": {**given, "identifiant": f"{given['identifiant']} {number}"}}


def read_and_map(source: GdalSource) -> int:
    """Return how many works a source gives."""
    with closing(asyncio.run(source.read())) as reading:
        found = [works for some in chunks(reading.candidates) for works in reading.map(some)]
    return sum(isinstance(works, Works) for works in found)


def read(path: Path) -> int:
    """Read a file as a source does, and bring every geometry into its final form."""
    table = asyncio.run(read_address(Asked(address=str(path), limits=LIMITS)))
    places = Places(table, PlaceColumns())
    with Repairer(LIMITS.repair_s) as repairer:
        geometries = places.normalized(range(len(table.hashes)), repairer, max_vertices=LIMITS.vertices_staff)
    return sum(isinstance(geometry, shapely.geometry.base.BaseGeometry) for geometry in geometries)


def read_by_fiona(path: Path) -> int:
    """Do the same record by record, as scripts do."""
    good = 0
    with fiona.open(path) as layer:
        convert = pyproj.Transformer.from_crs(layer.crs.to_string(), LONLAT, always_xy=True).transform
        for record in layer:
            geometry = shape(record["geometry"])
            if not geometry.is_valid:
                geometry = shapely.make_valid(geometry)
            geometry = transform(convert, geometry)
            good += bool(dict(record["properties"])) and not geometry.is_empty
    return good


async def synchronise(path: Path, folder: Path) -> tuple[float, float]:
    """Return the seconds of the first synchronisation of a file, and of the second."""
    clock = ManualClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    async with open_house(SqliteStore(folder, clock=clock), clock) as house:
        source = GdalSource(
            "voirie",
            SourceTable(url=str(path), mapping=MAPPING, timeout_s=600),
            town_time_zone="Europe/Paris",
            limits=LIMITS,
            keep_dir=folder / "kept",
        )
        syncs = Syncs([source], desk=house.desk, state=house.state, store=house.store, clock=clock, data=Data())
        seconds = []
        for _ in range(2):
            begin = asyncio.get_running_loop().time()
            await syncs.sync("voirie", actor="voirie")
            seconds.append(asyncio.get_running_loop().time() - begin)
    return seconds[0], seconds[1]


def write_works(path: Path, count: int) -> Path:
    """Write works of eight vertices in Lambert-93, with the columns of a town's export."""
    random = np.random.default_rng(count)
    corners = random.uniform((600_000, 6_800_000), (700_000, 6_900_000), (count, 2))
    lines = shapely.linestrings(corners[:, None, :] + np.cumsum(random.uniform(-30, 30, (count, 8, 2)), axis=1))
    begun = np.datetime64("2026-01-01T08:00", "ms") + random.integers(0, 500_000, count) * np.timedelta64(1, "m")
    columns = {
        "id": np.array([f"W{number}" for number in range(count)], dtype=np.object_),
        "titre": np.array([f"Renouvellement du réseau {number}" for number in range(count)], dtype=np.object_),
        "voie": np.array([f"Rue {number % 999}" for number in range(count)], dtype=np.object_),
        "impact": np.array(["RESTREINTE", "BARRAGE_TOTAL"], dtype=np.object_)[random.integers(0, 2, count)],
        "debut": begun,
        "fin": begun + np.timedelta64(40, "D"),
        "agents": random.integers(1, 20, count),
        "longueur": random.random(count) * 100,
    }
    # Millimetres, as a GIS writes metres; GDAL alone would write 15 decimals.
    options = {"COORDINATE_PRECISION": 3} if path.suffix == ".geojson" else {}
    pyogrio.raw.write(
        path,
        shapely.to_wkb(lines),
        list(columns.values()),
        list(columns),
        driver="GPKG" if path.suffix == ".gpkg" else "GeoJSON",
        geometry_type="LineString",
        crs="EPSG:2154",
        layer_options=options,
    )
    return path
