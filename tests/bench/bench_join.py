"""The join of works with zones beside geopandas and beside a naive loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import geopandas
import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Geometries
from geoworks.model.works import Effect
from geoworks.pipeline.join import ZoneJoin
from tests.bench.row import Growth, Row, compare, measure, timed_row

# A made-up region of 44 x 55 km: zones of 900 m, the size of Paris' districts, with borders as winding as French
# communes' (44 vertices); works as long as those of Paris in 2018: half below 70 m, one in ten above 320 m.
WEST, SOUTH, EAST, NORTH = 2.0, 48.5, 2.6, 49.0
_ZONES = 3000
_WORKS = 100_000
_MEDIAN_DEG = 70 / 111_200
_SPREAD = 1.2
_BORDER_STEP_DEG = 0.001
# Lambert-93, in which geopandas measures; in the batch, and of the zones, it is given the metres for nothing.
_METRIC = "EPSG:2154"
_GEOD = Geod(ellps="WGS84")
_CHECKED = 300
_SINGLE = 1000


def rows() -> Iterator[Row | Growth]:
    """Measure the batch, one works at a time, and how both grow."""
    rng = np.random.default_rng(20260412)
    zones, works = make_zones(rng), make_works(rng, _WORKS)
    join = ZoneJoin(named(zones))
    zone_frame, works_frame = in_metres(zones), in_metres(works)
    check(join, works_frame[:_CHECKED], zone_frame, works[:_CHECKED])

    times = compare(lambda: join.effects(works), lambda: geopandas_join(works_frame, zone_frame), rounds=5)
    yield timed_row("batch join 100 k works x 3000 zones with length shares", times, target=4)
    yield from single_rows(join, zones, works)
    yield from growth_rows(join, works)


def single_rows(join: ZoneJoin, zones: Geometries, works: Geometries) -> Iterator[Row]:
    """Measure the join of one works, as it comes: in degrees, with geodesic metres as the result."""
    some = works[:_SINGLE]
    frame, zone_list = in_metres(zones), list(zones)

    def geopandas_per_call() -> None:
        for one in some:
            geopandas_join(in_metres([one]), frame)

    def naive_loop() -> None:
        for one in some:
            naive_join(one, zone_list)

    for name, peer in (("geopandas per call", geopandas_per_call), ("a naive loop", naive_loop)):
        ours_s, peer_s = compare(partial(join_each, join, some), peer, rounds=7)
        times = (ours_s / _SINGLE, peer_s / _SINGLE)
        yield timed_row(f"one changed works to 3000 zones beside {name}", times, target=20)


def growth_rows(join: ZoneJoin, works: Geometries) -> Iterator[Growth]:
    """Measure the batch by the number of works, and what the zones cost by their number."""
    for size in (1_000, 10_000, 100_000):
        yield Growth("batch join with 3000 zones", size, measure(partial(join.effects, works[:size])))
    for size in (1_000, 10_000, 100_000):
        zones = named(make_zones(np.random.default_rng(size), size))
        yield Growth("making zones ready to join", size, measure(partial(ZoneJoin, zones)))
        among, some = ZoneJoin(zones), works[:_SINGLE]
        # The first touch of a zone makes it ready once.
        join_each(among, some)
        seconds = measure(partial(join_each, among, some)) / _SINGLE
        yield Growth("one works, by number of zones", size, seconds)


def join_each(join: ZoneJoin, works: Geometries) -> None:
    """Join some works one by one."""
    for one in works:
        join.effects([one])


def make_works(rng: np.random.Generator, count: int) -> Geometries:
    """Return lines of six vertices from random places, each bending a little on its way."""
    starts = rng.uniform((WEST, SOUTH), (EAST, NORTH), (count, 1, 2))
    step_deg = rng.lognormal(np.log(_MEDIAN_DEG), _SPREAD, (count, 1)) / 5
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(rng.normal(0, 0.2, (count, 6)), axis=1)
    steps = step_deg[..., np.newaxis] * np.stack((np.cos(heading) * 1.5, np.sin(heading)), axis=2)
    works: Geometries = np.asarray(shapely.linestrings((starts + np.cumsum(steps, axis=1)).round(6)))
    return works[shapely.is_valid(works)]


def make_zones(rng: np.random.Generator, count: int = _ZONES) -> Geometries:
    """Return polygons that tile the region, with winding borders that neighbours share."""
    seeds = shapely.multipoints(rng.uniform((WEST, SOUTH), (EAST, NORTH), (count, 2)))
    region = shapely.box(WEST, SOUTH, EAST, NORTH)
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=region)), region)
    fine = shapely.segmentize(cells, _BORDER_STEP_DEG * (_ZONES / count) ** 0.5)
    return shapely.transform(fine, wind)


def wind(lonlat: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Bend everything a little, the same at the same place, so that tiles still fit."""
    bend = 2e-4 * np.column_stack((np.sin(lonlat[:, 1] * 2500), np.sin(lonlat[:, 0] * 2500)))
    return (lonlat + bend).round(6)


def named(zones: Geometries) -> list[tuple[str, BaseGeometry]]:
    """Name the zones by their place."""
    return [(str(place), zone) for place, zone in enumerate(zones)]


def in_metres(geometries: Sequence[BaseGeometry] | Geometries) -> geopandas.GeoDataFrame:
    """Return a frame in metres, its spatial index built."""
    frame = geopandas.GeoDataFrame(geometry=geometries, crs="EPSG:4326").to_crs(_METRIC)
    _ = frame.sindex
    return frame


def geopandas_join(works: geopandas.GeoDataFrame, zones: geopandas.GeoDataFrame) -> Any:  # noqa: ANN401 - untyped frame
    """Join as geopandas users do: pairs by `sjoin`, then the intersections' lengths and shares."""
    pairs = geopandas.sjoin(works, zones, predicate="intersects")
    zone_of = zones.geometry.iloc[pairs["index_right"]]
    pairs["length_m"] = pairs.geometry.intersection(zone_of, align=False).length
    pairs["share"] = pairs["length_m"] / pairs.geometry.length
    return pairs


def naive_join(works: BaseGeometry, zones: list[BaseGeometry]) -> list[tuple[int, float, float]]:
    """Join by asking every zone, with geodesic lengths from pyproj."""
    found = []
    for place, zone in enumerate(zones):
        if works.intersects(zone):
            length_m = _GEOD.geometry_length(works.intersection(zone))
            found.append((place, length_m, length_m / _GEOD.geometry_length(works)))
    return found


def check(join: ZoneJoin, works_m: Any, zones_m: Any, works: Geometries) -> None:  # noqa: ANN401 - untyped frames
    """Make sure that ours and the peer say the same of some works."""
    ours = join.effects(works)
    pairs = geopandas_join(works_m, zones_m)
    for place, effects in enumerate(ours):
        theirs = pairs.loc[[place]] if place in pairs.index else pairs[:0]
        expected = dict(zip(theirs["index_right"], zip(theirs["length_m"], theirs["share"], strict=True), strict=True))
        agree(effects, expected)


def agree(effects: tuple[Effect, ...], expected: dict[int, tuple[float, float]]) -> None:
    """Compare one works' effects, but for rounding and the scale of Lambert-93 (0.1 % here)."""
    ours = {int(effect.zone): (effect.length_m or 0.0, effect.share) for effect in effects}
    for zone in ours.keys() | expected.keys():
        length_m, share = ours.get(zone, (0.0, 0.0))
        length_there_m, share_there = expected.get(zone, (0.0, 0.0))
        if abs(length_m - length_there_m) > 0.1 + 0.001 * length_there_m or abs(share - share_there) > 0.002:
            msg = f"zone {zone}: {length_m} m ({share}) here, {length_there_m} m ({share_there}) there"
            raise AssertionError(msg)
