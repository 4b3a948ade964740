"""A large made-up town for benchmarks: works as a town writes them, zones as a region has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from geoworks.model.change import Key, Kind, Record
from geoworks.model.impact import Impact, ParkingState, Restriction, RestrictionType, Unit, VehicleImpact, WayState
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.status import derive
from geoworks.model.works import TypeOfWork, Works, WorksDerived
from geoworks.model.zone import Zone
from tests.bench.bench_join import make_works, make_zones

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
_NIGHTS = (Window(days=(Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI), start="21:00", end="06:00"),)
_IMPACTS = (VehicleImpact.ALTERNATING_ONE_WAY, VehicleImpact.ALL_LANES_CLOSED, VehicleImpact.SOME_LANES_CLOSED)


def large_town(works: int, zones: int) -> tuple[dict[str, Works], dict[str, Zone]]:
    """Return works and zones by id; every third works is done by night."""
    rng = np.random.default_rng(20261124)
    named_works = dict(_named_works(rng, works))
    shapes = make_zones(rng, zones) if zones else ()
    return named_works, {f"z{number}": Zone(name=f"Quartier {number}", geometry=g) for number, g in enumerate(shapes)}


def make_record(id_: str, works: Works) -> Record:
    """Return the first version of a works, as it stands by the clock."""
    status, severity, transition = derive(works, NOW)
    return Record(
        key=Key(Kind.WORKS, id_),
        version=1,
        created=NOW,
        updated=NOW,
        given=works,
        derived=WorksDerived(status=status, severity=severity, next_transition=transition),
        source="api",
    )


def _named_works(rng: np.random.Generator, count: int) -> Iterator[tuple[str, Works]]:
    for number, geometry in enumerate(make_works(rng, count)):
        begin = NOW - timedelta(hours=number % 500)
        yield (
            f"api:2026-{number:06}",
            Works(
                title=f"Renouvellement du réseau d'assainissement, tranche {number}",
                description="Circulation alternée par feux, stationnement interdit devant le chantier, accès riverain.",
                geometry=geometry,
                reference=f"arrêté 2026-{number}",
                types_of_work=(TypeOfWork.BELOW_ROAD_WORK,),
                promoter="Cœur d'Essonne Agglomération",
                road_names=(f"Rue de Montlhéry {number % 700}",),
                schedule=Schedule(
                    start=begin, end=NOW + timedelta(days=1 + number % 90), windows=_NIGHTS if number % 3 == 0 else ()
                ),
                impact=Impact(
                    vehicle_impact=_IMPACTS[number % 3],
                    restrictions=(Restriction(RestrictionType.REDUCED_WIDTH, 2.5, Unit.METRE),),
                    parking=ParkingState.SUSPENDED,
                    footway=WayState.DIVERTED,
                    speed_limit_kmh=30,
                ),
            ),
        )
