"""Real exports, whole: what is taken, what is refused and why, and that the format makes no difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import shapely
from msgspec import structs

from feeds.sources.gdal import GdalSource
from feeds.zones import read_zones
from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Limits, ZonesTable
from geoworks.config.sources import DateKind, Mapping, SourceTable
from geoworks.model.change import Kind
from geoworks.model.impact import ParkingState, VehicleImpact
from geoworks.model.schedule import Schedule
from geoworks.model.works import Status, Works, WorksDerived
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.sync_report import Counts
from geoworks.pipeline.zones import replace_all
from geoworks.ports import Rejected
from geoworks.store.sqlite import SqliteStore
from tests.feeds.conftest import MakeSource
from tests.feeds.paris import (
    COUNT,
    CUT_MAPPING,
    FILE,
    PARIS,
    REFUSED,
    Records,
    calendar_days,
    source_table,
    to_csv,
    to_geopackage,
    to_shapefile,
    to_xlsx,
)
from tests.pipeline.house import House, open_house
from tests.shared import shared_data

IN_JUNE = datetime(2018, 6, 15, 10, tzinfo=UTC)
# What rounding to six decimals may move a coordinate that came by another CRS.
TOLERANCE = 1e-6 + 1e-9


async def mapped(source: GdalSource) -> tuple[dict[str, Works], list[Rejected]]:
    """Return all works of a source by their ids there, and all that was refused."""
    reading = await source.read()
    with closing(reading):
        results = reading.map(reading.candidates)
    works = {
        candidate.source_id: result
        for candidate, result in zip(reading.candidates, results, strict=True)
        if isinstance(result, Works)
    }
    return works, [*reading.rejected, *(result for result in results if isinstance(result, Rejected))]


@pytest_asyncio.fixture
async def june(tmp_path: Path) -> AsyncIterator[House]:
    """A house on 15 June 2018."""
    clock = ManualClock(IN_JUNE)
    async with open_house(SqliteStore(tmp_path / "town", clock=clock), clock) as house:
        yield house


async def test_the_works_of_paris_join_its_districts(june: House, make_source: MakeSource) -> None:
    """567 of 568 works are taken, the other is explained; five lie outside the 80 districts."""
    districts = await read_zones(str(shared_data("paris_quartiers.geojson")), ZonesTable(), Limits())
    assert (len(districts.zones), districts.rejected) == (80, [])
    await june.desk.submit(replace_all(dict(districts.zones), lambda: (), actor="test"))
    await june.rejoiner.refresh()
    source = make_source(source_table(shared_data(FILE)), name="paris")
    syncs = Syncs([source], desk=june.desk, state=june.state, store=june.store, clock=june.clock, data=Data())
    report = await syncs.sync("paris", actor="paris")
    await june.quiet()
    assert report.counts == Counts(read=COUNT, added=567, rejected=1)
    (refused,) = report.rejected
    assert (refused.position, refused.source_id, refused.place) == (402, REFUSED, (2.36107, 48.819026))
    assert str(refused.problems[0]).startswith("schedule.start (column date_debut): 1969-12-31T23:00:00+00:00 is out")
    assert refused.sample["voie"] == "Rue Ferdinand Widal"
    derived = [entry.record.derived for entry in june.state.of_kind(Kind.WORKS)]
    statuses = Counter(one.status for one in derived if isinstance(one, WorksDerived))
    assert statuses == {Status.ACTIVE: 107, Status.PLANNED: 203, Status.COMPLETED: 257}
    assert sum(bool(one.effects) for one in derived if isinstance(one, WorksDerived)) == 562
    offset = june.state.cursor.offset
    again = await syncs.sync("paris", actor="paris")
    # The refused one is looked at again each time: it may be mended by a change of ours.
    assert again.counts == Counts(read=COUNT, unchanged=567, rejected=1)
    assert june.state.cursor.offset == offset


async def test_the_works_of_paris_are_mapped(make_source: MakeSource) -> None:
    """Impacts, days and texts of the first record are what the city meant, and no impact is invented."""
    works, _ = await mapped(make_source(source_table(shared_data(FILE))))
    first = works["CP000617"]
    assert (first.title, first.road_names) == ("CREATION_RESEAUX", ("121 rue du Faubourg du Temple",))
    assert first.schedule.start == datetime(2018, 5, 1, 22, tzinfo=UTC)
    assert first.schedule.end == datetime(2018, 7, 19, 22, tzinfo=UTC)
    impacts = Counter(one.impact.vehicle_impact for one in works.values())
    assert impacts == {
        VehicleImpact.SOME_LANES_CLOSED: 517,
        VehicleImpact.ALL_LANES_CLOSED: 48,
        VehicleImpact.UNKNOWN: 2,
    }


@pytest.mark.parametrize(
    ("export", "name", "settings"),
    [
        (to_geopackage, "chantiers.gpkg", {}),
        (to_shapefile, "chantiers.zip", {"mapping": CUT_MAPPING}),
        (to_csv, "chantiers.csv", {"wkt": "wkt", "crs": "EPSG:4326"}),
        (to_xlsx, "chantiers.xlsx", {"wkt": "wkt", "crs": "EPSG:4326"}),
    ],
    ids=["GeoPackage in Lambert-93", "zipped Shapefile", "CSV", "XLSX"],
)
async def test_the_format_makes_no_difference(
    paris: Records,
    tmp_path: Path,
    make_source: MakeSource,
    export: Callable[[Records, Path], Path],
    name: str,
    settings: dict[str, object],
) -> None:
    """The same works from another format have the same ids, the same places within 1e-6 degrees, the same days."""
    expected, _ = await mapped(make_source(source_table(shared_data(FILE))))
    found, refused = await mapped(make_source(source_table(export(paris, tmp_path / name), **settings)))
    assert [one.source_id for one in refused] == [REFUSED]
    assert found.keys() == expected.keys()
    for id_, works in found.items():
        assert calendar_days(works) == calendar_days(expected[id_])
        assert _same_place(works, expected[id_]), id_
        assert _without_place_and_time(works) == _without_place_and_time(expected[id_])


def _same_place(one: Works, other: Works) -> bool:
    ours, theirs = shapely.get_coordinates(one.geometry), shapely.get_coordinates(other.geometry)
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max() <= TOLERANCE)


def _without_place_and_time(works: Works) -> Works:
    nowhere, never = shapely.Point(0, 0), Schedule(start=IN_JUNE)
    return structs.replace(works, geometry=nowhere, schedule=never)


@pytest.mark.parametrize(
    ("name", "count"), [("communes-91-essonne.geojson", 196), ("communes-ile-de-france.geojson", 1276)]
)
async def test_communes_are_zones(name: str, count: int) -> None:
    """Every commune becomes a zone named after it, with its INSEE code as id."""
    reading = await read_zones(str(shared_data(name)), ZonesTable(), Limits())
    assert (len(reading.zones), reading.rejected) == (count, [])
    zones = dict(reading.zones)
    assert len(zones) == count
    assert zones["91570"].name == "Saint-Michel-sur-Orge"


LITTERALIS = Mapping(
    key=("idemprise",),
    fields={
        "title": "nommodele",
        "road_names": "localisations",
        "reference": "arretesrcid",
        "schedule.start": "emprisedebut",
        "schedule.end": "emprisefin",
        "impact.vehicle_impact": "mesures",
        "impact.parking": "mesures",
    },
    values={
        "impact.vehicle_impact": {
            "SOGELINK - Circulation interdite": "all-lanes-closed",
            "2021 - Circulation alternée": "alternating-one-way",
            "*": "unknown",
        },
        "impact.parking": {"2021 - Interdiction de stationnement": "suspended", "*": "unknown"},
    },
    split={"road_names": ";", "impact.vehicle_impact": ";", "impact.parking": ";"},
    midnight_shift=True,
)


async def test_litteralis_footprints(make_source: MakeSource) -> None:
    """The three footprints are taken: lists inside text are split, midnights shifted the wrong way are mended."""
    table = SourceTable(url=str(shared_data("litteralis_mel_emprises.geojson")), mapping=LITTERALIS)
    works, refused = await mapped(make_source(table))
    assert (sorted(works), refused) == (["494385", "494386", "878968"], [])
    first, third = works["494385"], works["878968"]
    assert first.schedule.start.astimezone(PARIS) == datetime(2024, 3, 18, tzinfo=PARIS)
    assert first.schedule.end == datetime.combine(datetime(2024, 3, 19, tzinfo=PARIS), time(), PARIS)
    assert third.schedule.start.astimezone(PARIS) == datetime(2025, 10, 17, tzinfo=PARIS)
    assert third.schedule.end == datetime(2025, 11, 28, tzinfo=PARIS)
    assert first.impact.vehicle_impact is VehicleImpact.ALL_LANES_CLOSED
    assert third.impact.vehicle_impact is VehicleImpact.ALTERNATING_ONE_WAY
    assert (first.impact.parking, third.impact.parking) == (ParkingState.UNKNOWN, ParkingState.SUSPENDED)
    assert first.road_names[1].startswith("PLACE DE LA DISTILLERIE")
    assert (len(third.road_names), third.geometry.geom_type) == (4, "MultiLineString")
    assert LITTERALIS.dates is DateKind.MOMENT
