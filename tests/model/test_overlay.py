"""Corrections: merge patches as RFC 7396 has them, laid over works."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point

from geoworks.errors import Invalid
from geoworks.model import overlay
from geoworks.model.impact import Detour, Impact, ParkingState
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Works
from tests.model import strategies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
WORKS = Works(
    title="Gaz",
    geometry=Point(2.3, 48.6),
    schedule=Schedule(
        datetime(2026, 6, 1, tzinfo=UTC), windows=(Window((Day.MON,), "08:00", "17:00"),), start_verified=True
    ),
    impact=Impact(parking=ParkingState.SUSPENDED, detours=(Detour("par le pont", LineString([(2, 48), (3, 49)])),)),
)


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_does_the_examples_of_the_rfc(target: object, patch: object, expected: object) -> None:
    """RFC 7396, appendix A, all of it."""
    assert overlay.merge(target, patch) == expected


@given(JSON, JSON)
def test_merge_leaves_both_sides_as_they_were_and_is_idempotent(target: object, patch: object) -> None:
    """Neither argument changes, and applying a patch twice is applying it once."""
    before = copy.deepcopy((target, patch))
    once = overlay.merge(target, patch)
    assert (target, patch) == before
    assert overlay.merge(once, patch) == once


@given(strategies.works)
def test_an_empty_correction_changes_nothing(works: Works) -> None:
    """Without a patch the very same works comes back; with a patch of nothing an equal one."""
    assert overlay.correct(works, None) is works
    assert overlay.correct(works, {"impact": {}}) == works


def test_a_correction_changes_its_fields_and_no_others() -> None:
    """Nested fields are corrected one by one, null takes a field back to its default."""
    corrected = overlay.correct(
        WORKS, {"title": "Eau", "schedule": {"end": "2026-07-01T00:00:00Z"}, "impact": {"parking": None}}
    )
    assert corrected.title == "Eau"
    assert corrected.schedule.end == datetime(2026, 7, 1, tzinfo=UTC)
    assert corrected.schedule.windows == WORKS.schedule.windows
    assert corrected.schedule.start_verified
    assert corrected.impact.parking is ParkingState.UNKNOWN
    assert corrected.impact.detours == WORKS.impact.detours


def test_a_geometry_is_corrected_as_a_whole() -> None:
    """Another place, of another type, is laid over."""
    line = {"type": "LineString", "coordinates": [[2.1, 48.1], [2.2, 48.2]]}
    assert overlay.correct(WORKS, {"geometry": line}).geometry == LineString([(2.1, 48.1), (2.2, 48.2)])


@pytest.mark.parametrize(
    "patch", [{"title": None}, {"titel": "x"}, {"impact": {"parking": "shut"}}, {"geometry": {"type": "Blob"}}]
)
def test_a_correction_that_makes_no_works_is_refused(patch: dict[str, object]) -> None:
    """Missing, unknown and wrong fields are told with their mend."""
    with pytest.raises(Invalid, match="POST /v1/works"):
        overlay.correct(WORKS, patch)


def test_corrected_fields_are_named_by_their_paths() -> None:
    """A geometry and an array are one field each."""
    patch = {
        "geometry": {"type": "Point", "coordinates": [1, 2]},
        "impact": {"lanes": [], "parking": None},
        "title": "x",
    }
    assert overlay.fields(patch) == ["geometry", "impact.lanes", "impact.parking", "title"]
    assert overlay.fields(None) == []
