"""The checks that sources share with the API, on values that no JSON could bring."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest
from msgspec import Struct, inspect, structs
from shapely import Point

from geoworks.model.impact import Detour, Impact, Lane, Restriction, RestrictionType, Unit
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Works
from geoworks.pipeline import checks
from geoworks.pipeline.checks import check_works

START = datetime(2026, 6, 1, tzinfo=UTC)
WORKS = Works(title="Gaz", geometry=Point(2.3, 48.6), schedule=Schedule(START))
WIDE = Restriction(RestrictionType.REDUCED_WIDTH, math.nan, Unit.METRE)


def with_schedule(**fields: object) -> Works:
    """Return a works with another schedule."""
    return structs.replace(WORKS, schedule=structs.replace(WORKS.schedule, **fields))


def with_impact(**fields: object) -> Works:
    """Return a works with another impact."""
    return structs.replace(WORKS, impact=structs.replace(Impact(), **fields))


@pytest.mark.parametrize(
    ("works", "where"),
    [
        (structs.replace(WORKS, title=" "), "title"),
        (structs.replace(WORKS, description="x" * 4001), "description"),
        (structs.replace(WORKS, project="x" * 201), "project"),
        (structs.replace(WORKS, road_names=("x",) * 51), "road_names"),
        (structs.replace(WORKS, road_names=("x", "y" * 201)), "road_names[1]"),
        (structs.replace(WORKS, cancelled_at=datetime(2026, 6, 1)), "cancelled_at"),  # noqa: DTZ001 - what is refused
        (with_schedule(start=datetime(2026, 6, 1)), "schedule.start"),  # noqa: DTZ001 - what is refused
        (with_schedule(end=START), "schedule.end"),
        (with_schedule(end=datetime(2999, 1, 1, tzinfo=UTC)), "schedule.end"),
        (with_schedule(actual_end=datetime(1899, 12, 30, tzinfo=UTC)), "schedule.actual_end"),
        (with_schedule(time_zone="Paris/Europe"), "schedule.time_zone"),
        (with_schedule(windows=(Window((), "08:00", "17:00"),)), "schedule.windows[0].days"),
        (with_schedule(windows=(Window((Day.MON,), "8h", "17:00"),)), "schedule.windows[0].from"),
        (
            with_schedule(windows=(Window((Day.MON,), "08:00", "17:00", excluded=(date(2026, 1, 1),) * 367),)),
            "schedule.windows[0].except",
        ),
        (
            with_schedule(windows=(Window((Day.MON,), "08:00", "17:00", impact=Impact(restrictions=(WIDE,))),)),
            "schedule.windows[0].impact.restrictions[0].value",
        ),
        (with_schedule(paused_impact=Impact(speed_limit_kmh=-1)), "schedule.paused_impact.speed_limit_kmh"),
        (with_impact(restrictions=(WIDE,)), "impact.restrictions[0].value"),
        (with_impact(lanes=(Lane(1, restrictions=(WIDE,)),)), "impact.lanes[0].restrictions[0].value"),
        (with_impact(lanes=tuple(map(Lane, range(1, 22)))), "impact.lanes"),
        (with_impact(detours=(Detour("x" * 1001),)), "impact.detours[0].text"),
    ],
)
def test_what_makes_no_sense_is_told_by_its_path(works: Works, where: str) -> None:
    """Wherever it is nested; the mend comes with it."""
    problems = check_works(works)
    assert where in [problem.where for problem in problems]
    assert all(problem.mend for problem in problems)


def test_a_sound_works_has_no_problem() -> None:
    """The smallest works passes."""
    assert check_works(WORKS) == []


def test_no_struct_escapes_the_checks() -> None:
    """Every field that holds structs is gone into: a field added to the model must be added there."""
    kinds: list[type[Struct]] = [Works, *held(Works)]
    for kind in kinds:
        inner = {field.encode_name for field in structs.fields(kind) if list(of_type(inspect.type_info(field.type)))}
        assert set(checks.inner_fields(kind)) == inner


def held(kind: type[Struct]) -> list[type[Struct]]:
    """Return the kinds of structs inside a struct, at any depth."""
    found = [inner for field in structs.fields(kind) for inner in of_type(inspect.type_info(field.type))]
    return found + [deeper for inner in found for deeper in held(inner)]


def of_type(info: inspect.Type) -> list[type[Struct]]:
    """Return the kinds of structs that a type names itself."""
    if isinstance(info, inspect.StructType):
        return [info.cls]
    if isinstance(info, inspect.VarTupleType):
        return of_type(info.item_type)
    if isinstance(info, inspect.UnionType):
        return [kind for part in info.types for kind in of_type(part)]
    return []
