"""Bad bodies: each is refused with the place of the fault and a mend, all faults at once, and never breaks anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.config.settings import Limits
from geoworks.errors import Invalid, TooLarge
from geoworks.pipeline.intake import patch_from_body, works_from_feature
from tests.pipeline.intake_bodies import JSON, feature, scheduled

LIMITS = Limits(body_bytes=100_000, vertices_staff=500)


def refuse(body: object) -> Invalid:
    """Return how a body is refused."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Invalid) as refused:
        works_from_feature(raw, limits=LIMITS, zone="Europe/Paris")
    assert all(problem.what and problem.mend for problem in refused.value.problems)
    return refused.value


def refused_places(body: object) -> list[str]:
    """Return the paths at which a body is refused."""
    return [problem.where for problem in refuse(body).problems]


def at(geometry: object) -> dict[str, Any]:
    """Return a feature with a geometry."""
    return {**feature(), "geometry": geometry}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"type": "Feature", "prop', "truncated"),
        (b"<html><body>502</body></html>", "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b'{"a": Infinity}', "malformed"),
        (b'{"a": -Infinity}', "malformed"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": "\xff\xfe"}', "UTF-8"),
        (b'{"a": "\\ud800"}', ""),
        (b"{'a': 1}", "malformed"),
        (b'{"a": 1} x', "malformed"),
        (b"\x00\x01\x02", "malformed"),
    ],
)
def test_what_is_no_json_is_refused(body: bytes, words: str) -> None:
    """Empty, truncated, HTML, NaN, wrong encoding, binary: one problem, that of the body."""
    [problem] = refuse(body).problems
    assert problem.where == "body"
    assert words in problem.what


@pytest.mark.parametrize(
    "body",
    [b"[" * 90_000, b'{"a":' * 15_000, b'{"a":' + b"[" * 33 + b"]" * 33 + b"}", b" " * 100_001, b'"' * 100_001],
)
def test_what_passes_a_bound_of_size_or_depth_is_too_large(body: bytes) -> None:
    """Deep and huge bodies are refused before they are decoded."""
    assert isinstance(refuse(body), TooLarge)


@pytest.mark.parametrize("body", [[], "works", 1, None, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    """A feature is an object."""
    assert refused_places(body) == [""]


def test_a_collection_is_refused() -> None:
    """One feature a request."""
    assert refused_places({"type": "FeatureCollection"}) == ["type"]
    assert "features" in str(refuse({"type": "FeatureCollection", "features": []}))


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"type": "Feature"}, "properties"),
        ({**feature(), "properties": []}, "properties"),
        ({**feature(), "propertys": {}}, "propertys"),
        (feature(titel="x"), "titel"),
        (feature(geometry={"type": "Point"}), "geometry"),
        (feature(kind="zone"), "kind"),
        (feature(title=None), "title"),
        (feature(title="\u202e \x00"), "title"),
        (feature(title=5), "title"),
        (feature(title="x" * 201), "title"),
        (feature(description="x" * 4001), "description"),
        (feature(promoter=["x"]), "promoter"),
        (feature(road_names="Rue de la Gare"), "road_names"),
        (feature(road_names=["x"] * 51), "road_names"),
        (feature(road_names=["x", 5]), "road_names[1]"),
        (feature(types_of_work=["digging"]), "types_of_work[0]"),
        (feature(direction="bouth"), "direction"),
        (feature(visibility="secret"), "visibility"),
        (feature(cancelled_at="yesterday"), "cancelled_at"),
        (feature(schedule=None), "schedule"),
        (feature(schedule="2026-11-24"), "schedule"),
        (feature(schedule={}), "schedule.start"),
        (scheduled(strat="x"), "schedule.strat"),
        (scheduled(start="24/11/2026"), "schedule.start"),
        (scheduled(start="2026-11-24"), "schedule.start"),
        (scheduled(start="2026-02-30T06:00:00Z"), "schedule.start"),
        (scheduled(start="2026-11-24T25:00:00Z"), "schedule.start"),
        (scheduled(start=1_764_000_000), "schedule.start"),
        (scheduled(start="0001-01-01T00:00:00+05:00"), "schedule.start"),
        (scheduled(start="0001-01-01T00:00"), "schedule.start"),
        (scheduled(start="1969-12-31T23:59:59Z"), "schedule.start"),
        (scheduled(end="9999-12-31T23:59:59-05:00"), "schedule.end"),
        (scheduled(end="9999-12-31T23:59"), "schedule.end"),
        (scheduled(end="2101-01-01T00:00:00Z"), "schedule.end"),
        (scheduled(end="2026-11-24T06:00:00Z"), "schedule.end"),
        (scheduled(end="2026-11-23T06:00:00Z"), "schedule.end"),
        (scheduled(actual_start="2026-11-25T06:00Z", actual_end="2026-11-24T07:00Z"), "schedule.actual_end"),
        (scheduled(start_verified="yes"), "schedule.start_verified"),
        (scheduled(time_zone="Paris"), "schedule.time_zone"),
        (scheduled(time_zone="../../etc/passwd"), "schedule.time_zone"),
        (scheduled(time_zone=""), "schedule.time_zone"),
        (scheduled(windows={}), "schedule.windows"),
        (feature(impact=[]), "impact"),
        (feature(impact={"vehicle_impact": "closed"}), "impact.vehicle_impact"),
        (feature(impact={"vehicle_impact": 3}), "impact.vehicle_impact"),
        (feature(impact={"speed_limit_kmh": 0}), "impact.speed_limit_kmh"),
        (feature(impact={"speed_limit_kmh": -30}), "impact.speed_limit_kmh"),
        (feature(impact={"speed_limit_kmh": 10**30}), "impact.speed_limit_kmh"),
        (feature(impact={"speed_limit_kmh": 30.5}), "impact.speed_limit_kmh"),
        (feature(impact={"speed_limit_kmh": True}), "impact.speed_limit_kmh"),
        (feature(impact={"restrictions": [{}]}), "impact.restrictions[0].type"),
        (feature(impact={"exempt": ["me"]}), "impact.exempt[0]"),
        (feature(impact={"detours": [{}]}), "impact.detours[0]"),
        (
            feature(impact={"detours": [{"geometry": {"type": "Point", "coordinates": [2, 48]}}]}),
            "impact.detours[0].geometry",
        ),
        (feature(impact={"lanes": [{"order": 0}]}), "impact.lanes[0].order"),
        (feature(impact={"lanes": [{"order": 1}, {"order": 1}]}), "impact.lanes[1].order"),
        (feature(impact={"lanes": [{"order": n} for n in range(1, 22)]}), "impact.lanes[20].order"),
    ],
)
def test_a_wrong_field_is_refused_by_its_path(body: object, where: str) -> None:
    """Unknown, missing, of the wrong type or out of range: the path of the field comes first."""
    assert refused_places(body)[0] == where


@pytest.mark.parametrize(
    ("window", "where"),
    [
        ({"days": []}, "days"),
        ({"days": ["monday"]}, "days[0]"),
        ({"from": "25:00"}, "from"),
        ({"from": "24:00"}, "from"),
        ({"from": "8:00"}, "from"),
        ({"to": "24:01"}, "to"),
        ({"to": "06:60"}, "to"),
        ({"to": None}, "to"),
        ({"except": ["25/12/2026"]}, "except[0]"),
        ({"except": ["2026-02-30"]}, "except[0]"),
        ({"except": ["2026-12-25"] * 367}, "except"),
        ({"holidays": "never"}, "holidays"),
        ({"impact": {"parking": "x"}}, "impact.parking"),
        ({"hours": 5}, "hours"),
    ],
)
def test_a_wrong_window_is_refused_by_its_path(window: dict[str, object], where: str) -> None:
    """Each field of a window has its own fault."""
    body = scheduled(windows=[{"days": ["mon"], "from": "21:00", "to": "06:00", **window}])
    assert refused_places(body) == [f"schedule.windows[0].{where}"]


@pytest.mark.parametrize(
    ("restriction", "where"),
    [
        ({"type": "reduced-width", "value": -1, "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": 0, "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": 1e300, "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": 10**400, "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": "2.5", "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": True, "unit": "m"}, ".value"),
        ({"type": "reduced-width", "value": 2.5}, ".unit"),
        ({"type": "reduced-width", "value": 2.5, "unit": "t"}, ".unit"),
        ({"type": "reduced-width", "value": 2.5, "unit": "ft"}, ".unit"),
        ({"type": "no-trucks", "value": 3.5, "unit": "t"}, ""),
        ({"type": "no-truck"}, ".type"),
    ],
)
def test_a_wrong_restriction_is_refused_by_its_path(restriction: dict[str, object], where: str) -> None:
    """Values that are negative, infinite, without their unit or where none belongs."""
    assert refused_places(feature(impact={"restrictions": [restriction]})) == [f"impact.restrictions[0]{where}"]


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (None, "missing"),
        ({}, "is not taken"),
        ("POINT(2 48)", "GeoJSON geometry"),
        ({"type": "Circle", "coordinates": [2, 48]}, "not taken"),
        ({"type": "GeometryCollection", "geometries": []}, "not taken"),
        ({"type": "Point"}, "missing"),
        ({"type": "Point", "coordinates": [None, None]}, "position"),
        ({"type": "Point", "coordinates": [1e400, 48]}, ""),
        ({"type": "Point", "coordinates": [2.3, 98.6]}, "globe"),
        ({"type": "Point", "coordinates": [652000.5, 6862000.5]}, "metres"),
        ({"type": "LineString", "coordinates": [[2, 48]]}, "line"),
        ({"type": "LineString", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": [[[2, 48], [3, 49], [3, 48], [2, 49], [2, 48]]]}, "not valid"),
        ({"type": "Polygon", "coordinates": [[[2, 48], [3, 49], [3, 48]]]}, "ring"),
    ],
)
def test_a_wrong_geometry_is_refused(geometry: object, words: str) -> None:
    """Null, unknown, metres for degrees, off the globe, crossing itself: one problem that says which."""
    problems = refuse(at(geometry)).problems
    assert len(problems) == 1
    assert problems[0].where.startswith(("geometry", "body"))
    assert words in problems[0].what


def test_a_geometry_with_too_many_vertices_is_too_large() -> None:
    """The bound of the settings holds for the place and for detours."""
    line = {"type": "LineString", "coordinates": [[2 + number / 1e4, 48] for number in range(501)]}
    assert isinstance(refuse(at(line)), TooLarge)
    assert isinstance(refuse(feature(impact={"detours": [{"geometry": line}]})), TooLarge)


def test_all_faults_are_told_at_once() -> None:
    """One answer names every fault, wherever it is nested."""
    body = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.3, 488.6]},
        "properties": {
            "titel": "Gaz",
            "direction": "bouth",
            "schedule": {"start": "demain", "windows": [{"days": [], "from": "25:00", "to": "06:00"}]},
            "impact": {"parking": "shut", "restrictions": [{"type": "reduced-width", "value": -1, "unit": "m"}]},
        },
    }
    assert set(refused_places(body)) == {
        "titel",
        "title",
        "geometry",
        "direction",
        "schedule.start",
        "schedule.windows[0].days",
        "schedule.windows[0].from",
        "impact.parking",
        "impact.restrictions[0].value",
    }


@pytest.mark.parametrize(
    ("body", "mend"),
    [
        (feature(titel="x"), "did you mean 'title'?"),
        (feature(direction="Both"), "did you mean 'both'?"),
        (scheduled(time_zone="Europe/Pariss"), "did you mean 'Europe/Paris'?"),
        (scheduled(time_zone="europe/paris"), "did you mean 'Europe/Paris'?"),
        (scheduled(time_zone="Paris"), "did you mean 'Europe/Paris'?"),
        (scheduled(time_zone="New York"), "did you mean 'America/New_York'?"),
        (scheduled(time_zone="Zzzzzz"), "such as Europe/Paris"),
        (feature(impact={"parking": "shut"}), "use one of open, reduced, suspended, unknown"),
        (scheduled(windows=[{"days": ["mon"], "from": "21h", "to": "06:00"}]), "HH:MM"),
    ],
)
def test_the_mend_names_what_was_probably_meant(body: object, mend: str) -> None:
    """The nearest name, or all of them."""
    assert mend in str(refuse(body))


def test_a_body_full_of_faults_is_answered_briefly() -> None:
    """No more than a hundred faults are told, each in a short line that holds nothing unseen."""
    body = feature(**{f"\u202e{number}" + "x" * 40: 1 for number in range(900)})
    problems = refuse(body).problems
    assert len(problems) == 100
    assert all(len(str(problem)) < 400 and "\u202e" not in str(problem) for problem in problems)


@given(JSON)
def test_any_json_is_taken_or_refused(value: object) -> None:
    """Whatever stands in a body, nothing but `Invalid` comes out of it."""
    body = json.dumps(value).encode()
    for take in (
        lambda: works_from_feature(body, limits=LIMITS, zone="Europe/Paris"),
        lambda: patch_from_body(body, limits=LIMITS),
    ):
        try:
            take()
        except Invalid as refusal:
            assert str(refusal)  # noqa: PT017 - taking it is as good as refusing it


@given(st.sampled_from(["title", "schedule", "impact", "road_names", "cancelled_at", "direction"]), JSON)
def test_any_value_in_any_field_is_taken_or_refused_there(name: str, value: object) -> None:
    """A wrong value is told at its own field."""
    body = feature(**{name: value})
    try:
        works_from_feature(json.dumps(body).encode(), limits=LIMITS, zone="Europe/Paris")
    except Invalid as refusal:
        assert all(problem.where.startswith(name) for problem in refusal.problems)  # noqa: PT017 - as above
