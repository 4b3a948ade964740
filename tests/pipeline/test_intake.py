"""Bodies to works and corrections: what is taken, what it becomes, what a round trip keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon

from geoworks.config.settings import Limits
from geoworks.errors import Invalid
from geoworks.model import overlay
from geoworks.model.change import Key, Kind, Record
from geoworks.model.feature import render
from geoworks.model.impact import Impact, ParkingState
from geoworks.model.schedule import Schedule
from geoworks.model.status import derive
from geoworks.model.works import Direction, Effect, Works, WorksDerived
from geoworks.pipeline.intake import check_works, patch_from_body, works_from_feature
from tests.model import strategies
from tests.pipeline.intake_bodies import feature, scheduled

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def take(feature: object, *, zone: str = "Europe/Paris") -> Works:
    """Take a feature in, written as JSON."""
    return works_from_feature(json.dumps(feature).encode(), limits=Limits(), zone=zone)


def take_patch(patch: object) -> dict[str, Any]:
    """Take a correction in, written as JSON."""
    return patch_from_body(json.dumps(patch).encode(), limits=Limits())


@given(strategies.works, st.integers(1, 99))
def test_what_was_rendered_comes_back_as_the_same_works(works: Works, version: int) -> None:
    """A client may send back what it read, derived properties and all: it is the works it was."""
    status, severity, transition = derive(works, NOON)
    derived = WorksDerived(status, severity, transition, (Effect("gare", 0.5, 12.3),))
    record = Record(
        key=Key(Kind.WORKS, "api:1"),
        version=version,
        created=NOON,
        updated=NOON,
        given=works,
        derived=derived,
        source="api",
    )
    assert works_from_feature(render(record), limits=Limits(), zone="Asia/Tokyo") == works


@given(strategies.works)
def test_what_intake_takes_passes_the_checks_of_sources(works: Works) -> None:
    """The API and the sources judge by the same rules."""
    assert check_works(works) == []


def test_title_geometry_and_start_suffice() -> None:
    """Everything else has a default, the time zone the town's; what nobody told is unknown."""
    assert take(feature(), zone="Indian/Reunion") == Works(
        title="Gaz",
        geometry=Point(2.3051, 48.6342),
        schedule=Schedule(datetime(2026, 11, 24, 6, tzinfo=UTC), time_zone="Indian/Reunion"),
    )


def test_null_is_the_same_as_leaving_out() -> None:
    """A client that writes null for what it does not know is understood."""
    nulls = feature(description=None, direction=None, impact=None, cancelled_at=None, road_names=None)
    nulls["properties"]["schedule"] |= {"end": None, "windows": None, "time_zone": None, "start_verified": None}
    assert take(nulls) == take(feature())


def test_the_example_of_the_design_is_taken() -> None:
    """The feature as the documents show it is a works."""
    body = {
        "type": "Feature",
        "id": "voirie:2026-0412",
        "geometry": {"type": "LineString", "coordinates": [[2.3051, 48.6342], [2.3079, 48.6351]]},
        "properties": {
            "kind": "works",
            "title": "Renouvellement du réseau d'assainissement",
            "description": "Par demi-chaussée.",
            "reference": "arrêté 2026-118",
            "types_of_work": ["below-road-work"],
            "promoter": "Cœur d'Essonne Agglomération",
            "road_names": ["Rue de Montlhéry"],
            "direction": "both",
            "schedule": {
                "start": "2026-11-24T06:00:00Z",
                "end": "2026-12-04T17:00:00Z",
                "time_zone": "Europe/Paris",
                "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "21:00", "to": "06:00"}],
                "actual_start": None,
                "actual_end": None,
                "start_verified": False,
                "end_verified": False,
            },
            "impact": {
                "vehicle_impact": "alternating-one-way",
                "restrictions": [{"type": "reduced-width", "value": 2.5, "unit": "m"}],
                "lanes": [],
                "parking": "suspended",
                "footway": "diverted",
                "cycleway": "open",
                "speed_limit_kmh": 30,
                "detours": [{"geometry": None, "text": "Par la rue de la Gare"}],
            },
            "status": "active",
            "severity": "high",
            "next_transition": "2026-11-25T05:00:00Z",
            "effects": [{"zone": "gare", "length_m": 212.4, "share": 0.93}],
            "source": "voirie",
            "version": 3,
            "updated": "2026-11-20T09:12:00Z",
        },
    }
    works = take(body)
    assert works.geometry == LineString([(2.3051, 48.6342), (2.3079, 48.6351)])
    assert works.direction is Direction.BOTH
    assert works.impact.detours[0].text == "Par la rue de la Gare"
    assert works.schedule.windows[0].end == "06:00"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("start", "2026-11-24T07:00:00+01:00", "2026-11-24T06:00"),
        ("start", "2026-11-24T07:00", "2026-11-24T06:00"),
        ("start", "2026-11-24 07:00:00", "2026-11-24T06:00"),
        ("start", "2026-11-24t06:00:00z", "2026-11-24T06:00"),
        # The clocks show half past two twice in the night of 25 October, and never in that of 29 March.
        ("start", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("actual_start", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("end", "2027-10-31T02:30", "2027-10-31T01:30"),
        ("actual_end", "2027-10-31T02:30", "2027-10-31T01:30"),
        ("start", "2026-03-29T02:30", "2026-03-29T01:00"),
    ],
)
def test_moments_without_offset_are_local_times(name: str, text: str, expected: str) -> None:
    """A naive moment is read in the schedule's time zone; of a doubled hour a start is the first, an end the second."""
    found = getattr(take(scheduled(**{name: text}), zone="Europe/Paris").schedule, name)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_schedules_own_time_zone_comes_before_the_towns() -> None:
    """A naive moment counts in the time zone that stands beside it."""
    there = scheduled(start="2026-11-24T07:00", time_zone="Indian/Reunion")
    assert take(there).schedule.start == datetime(2026, 11, 24, 3, tzinfo=UTC)


def test_texts_are_cleaned() -> None:
    """Titles lose controls, direction marks and line ends; descriptions keep their lines."""
    works = take(feature(title=" Gaz\x00\u202e\n rue ", description="un\r\ndeux\x07", road_names=["a\tb"]))
    assert (works.title, works.description, works.road_names) == ("Gaz rue", "un\ndeux", ("a b",))


def test_geometry_is_rounded_and_flat() -> None:
    """Six decimals, two dimensions."""
    body = feature()
    body["geometry"] = {"type": "LineString", "coordinates": [[2.30510049, 48.6, 35.0], [2.4, 48.7, 36.0]]}
    assert take(body).geometry == LineString([(2.3051, 48.6), (2.4, 48.7)])


def test_a_byte_order_mark_is_passed_over() -> None:
    """Windows programs write one before their JSON."""
    marked = b"\xef\xbb\xbf" + json.dumps(feature()).encode()
    assert works_from_feature(marked, limits=Limits(), zone="Europe/Paris") == take(feature())


def test_a_patch_becomes_its_normal_form() -> None:
    """Moments become UTC, texts clean, geometries rounded; null stays, for it takes a field back."""
    assert take_patch(
        {
            "title": "Eau\x00",
            "geometry": {"type": "Point", "coordinates": [2.30510049, 48.6, 12]},
            "schedule": {"end": "2026-12-04T18:00:00+01:00", "actual_end": None},
            "impact": {"parking": "suspended", "speed_limit_kmh": None},
        }
    ) == {
        "title": "Eau",
        "geometry": {"type": "Point", "coordinates": [2.3051, 48.6]},
        "schedule": {"end": "2026-12-04T17:00:00Z", "actual_end": None},
        "impact": {"parking": "suspended", "speed_limit_kmh": None},
    }


def test_a_patch_replaces_arrays_as_a_whole() -> None:
    """Windows and detours are read like those of a works and written in full."""
    line = {"type": "LineString", "coordinates": [[2.0, 48.0], [2.1, 48.1]]}
    patch = take_patch(
        {
            "schedule": {"windows": [{"days": ["mon"], "from": "08:00", "to": "17:00", "except": ["2026-12-25"]}]},
            "impact": {"detours": [{"text": "par le pont", "geometry": line}]},
        }
    )
    works = overlay.correct(take(feature()), patch)
    assert [window.start for window in works.schedule.windows] == ["08:00"]
    assert works.impact.detours[0].geometry == LineString([(2, 48), (2.1, 48.1)])


@given(strategies.works, strategies.works)
def test_a_patch_of_every_field_makes_the_other_works(old: Works, new: Works) -> None:
    """Laid over any works, the given fields of another one, sent as a patch, make exactly that one."""
    record = Record(
        key=Key(Kind.WORKS, "api:1"),
        version=1,
        created=NOON,
        updated=NOON,
        given=new,
        derived=WorksDerived(),
        source="api",
    )
    rendered = json.loads(render(record))
    given_names = set(Works.__struct_fields__) - {"visibility", "geometry"}
    body = {name: value for name, value in rendered["properties"].items() if name in given_names}
    assert overlay.correct(old, take_patch({**body, "geometry": rendered["geometry"]})) == new


def test_a_patch_of_an_impact_leaves_its_other_fields() -> None:
    """Only the named field of the impact changes."""
    works = take(feature(impact={"parking": "suspended", "speed_limit_kmh": 30}))
    corrected = overlay.correct(works, take_patch({"impact": {"speed_limit_kmh": 50}}))
    assert corrected.impact == Impact(parking=ParkingState.SUSPENDED, speed_limit_kmh=50)


def test_an_end_before_a_start_that_only_the_works_has_is_found_by_the_checks() -> None:
    """A patch can be fine by itself and wrong for this works; `check_works` tells."""
    patch = take_patch({"schedule": {"end": "2026-01-01T00:00:00Z"}})
    [problem] = check_works(overlay.correct(take(feature()), patch))
    assert problem.where == "schedule.end"


@pytest.mark.parametrize(
    ("patch", "where"),
    [
        ({}, ""),
        ([], ""),
        ({"titel": "x"}, "titel"),
        ({"title": None}, "title"),
        ({"title": "  "}, "title"),
        ({"schedule": None}, "schedule"),
        ({"schedule": {"start": None}}, "schedule.start"),
        ({"schedule": {"end": "2026-12-04T18:00"}}, "schedule.end"),
        ({"schedule": {"time_zone": "Mars/Olympus"}}, "schedule.time_zone"),
        ({"schedule": {"windows": [{"days": ["mon"], "from": "25:00", "to": "06:00"}]}}, "schedule.windows[0].from"),
        ({"schedule": {"start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}, "schedule.end"),
        ({"impact": {"speed_limit_kmh": 900}}, "impact.speed_limit_kmh"),
        ({"impact": "closed"}, "impact"),
        ({"geometry": {"type": "Point", "coordinates": [652000, 6862000]}}, "geometry"),
        ({"status": "completed"}, "status"),
        ({"version": 4}, "version"),
    ],
)
def test_a_wrong_patch_is_refused_at_its_field(patch: object, where: str) -> None:
    """Also what is server-side: in a patch it would be a wish that never comes true."""
    with pytest.raises(Invalid) as refused:
        take_patch(patch)
    assert [problem.where for problem in refused.value.problems] == [where]
    assert all(problem.mend for problem in refused.value.problems)


def test_a_polygon_is_turned_as_rfc_7946_says() -> None:
    """The outer ring goes counter-clockwise, however it was drawn."""
    body = feature()
    body["geometry"] = {"type": "Polygon", "coordinates": [[[2, 48], [2, 49], [3, 49], [3, 48], [2, 48]]]}
    works = take(body)
    assert isinstance(works.geometry, Polygon)
    assert works.geometry.exterior.is_ccw
