"""Reading a source: read, validate and reproject, beside a loop over fiona; how reading and synchronising grow."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import fiona
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
from geoworks.config.sources import Mapping, SourceTable
from geoworks.geo.crs import LONLAT
from geoworks.pipeline.sync import Syncs
from geoworks.store.sqlite import SqliteStore
from tests.bench.row import Growth, Row, compare, measure, timed_row
from tests.pipeline.house import open_house

SIZES = (1_000, 10_000, 100_000)
TARGETS = {".gpkg": 8.0, ".geojson": 4.0}
LIMITS = Limits()
MAPPING = Mapping(
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


def read(path: Path) -> int:
    """Read a file as a source does, and bring every geometry into its final form."""
    table = asyncio.run(read_address(Asked(address=str(path), limits=LIMITS)))
    places = Places(table, PlaceColumns())
    geometries = places.normalized(
        range(len(table.hashes)), max_vertices=LIMITS.vertices_staff, repair_s=LIMITS.repair_s
    )
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
