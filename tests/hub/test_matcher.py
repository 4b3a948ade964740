"""The matcher against brute force."""

from __future__ import annotations

import msgspec
import numpy as np
import pyproj
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoworks.geo.frame import middle_of
from geoworks.geo.near import within_discs
from geoworks.geo.types import Lonlat
from geoworks.hub import messages
from geoworks.hub.matcher import Matcher
from geoworks.hub.question import Question, filters_hash, read_question, sieve_of
from geoworks.model.change import Key, Kind, MatchKeys
from geoworks.model.severity import Severity
from tests.hub.client import Message
from tests.hub.town import NOON

# A grid of places 0.001 degrees apart, so that many things touch.
_STEPS = st.integers(0, 12)
_PLACES = st.tuples(_STEPS, _STEPS).map(lambda at: (2.3 + at[0] * 0.001, 48.63 + at[1] * 0.001))
_GEOMETRIES = st.one_of(
    _PLACES.map(shapely.Point),
    st.lists(_PLACES, min_size=2, max_size=4, unique=True).map(shapely.LineString),
    st.tuples(_PLACES, st.integers(1, 5)).map(
        lambda at: shapely.box(at[0][0], at[0][1], at[0][0] + at[1] * 0.001, at[0][1] + at[1] * 0.001)
    ),
)


def _line(places: list[tuple[float, float]]) -> Message:
    return {"type": "LineString", "coordinates": places}


_ZONES = st.sampled_from([("a",), ("b",), ("c",), ("a", "b"), ("b", "c")])
_BOXES = st.tuples(_PLACES, st.integers(1, 6), st.integers(1, 6)).map(
    lambda at: (at[0][0], at[0][1], at[0][0] + at[1] * 0.001, at[0][1] + at[2] * 0.001)
)


def _star(middle: tuple[float, float], radii: list[int], times: int) -> Message:
    """Return a polygon with corners so many thousandths of a degree from its middle; all of them several times."""
    turn = np.linspace(0, 2 * np.pi, len(radii) * times, endpoint=False)
    off = np.repeat(radii, times) * 0.001
    ring = np.column_stack([middle[0] + np.cos(turn) * off, middle[1] + np.sin(turn) * off])
    return {"polygon": shapely.geometry.mapping(shapely.Polygon(ring))}


_AREAS = st.one_of(
    st.just({"everywhere": True}),
    _ZONES.map(lambda zones: {"zones": zones}),
    _BOXES.map(lambda box: {"bbox": box}),
    _BOXES.map(lambda box: {"polygon": shapely.geometry.mapping(shapely.box(*box))}),
    # With few corners and with many, which are looked up in other ways.
    st.builds(_star, _PLACES, st.lists(st.integers(1, 6), min_size=4, max_size=10), st.sampled_from([1, 3, 9])),
    # Radii that no two places of the grid are apart, so that a hair decides nothing.
    st.tuples(_PLACES, st.sampled_from([20.0, 130.5, 400.5])).map(
        lambda disc: {"circle": {"center": list(disc[0]), "radius_m": disc[1]}}
    ),
    st.builds(
        lambda line, corridor_m, more: {"route": {"line": _line(line), "corridor_m": corridor_m} | more},
        st.lists(_PLACES, min_size=2, max_size=12, unique=True),
        st.sampled_from([5.0, 33.0, 50.0]),
        st.sampled_from([{}, {}, {"depart": NOON.isoformat()}]),
    ),
)


def _question(wanted: Message) -> Question:
    return read_question(msgspec.convert(msgspec.json.decode(msgspec.json.encode(wanted)), messages.Wanted))


_QUESTIONS = st.builds(
    lambda area, kinds, severity: _question({"id": "x", "area": area, "kinds": kinds, "min_severity": severity}),
    _AREAS,
    st.sampled_from([["works"], ["zone"], ["works", "zone"], ["works", "zone", "report"]]),
    st.sampled_from(["none", "medium", "blocked"]),
)
_KEYS = st.builds(
    MatchKeys,
    geometry=_GEOMETRIES,
    visible=st.sampled_from([True, True, True, False]),
    severity=st.sampled_from(Severity),
    zones=st.just(()) | _ZONES,
)
_STEP = st.one_of(
    st.tuples(st.just("add"), _QUESTIONS, st.integers(0, 3)),
    st.tuples(st.just("discard"), st.integers(0, 30), st.none()),
)


@given(steps=st.lists(_STEP, max_size=30), versions=st.lists(_KEYS, min_size=1, max_size=4), kind=st.sampled_from(Kind))
def test_matcher_finds_what_brute_force_finds(
    steps: list[tuple[str, Question | int, int]], versions: list[MatchKeys], kind: Kind
) -> None:
    """After any additions and removals the index finds exactly the members that testing every question finds."""
    matcher: Matcher[int] = Matcher()
    asked: list[tuple[Question, int]] = []
    for name, what, member in steps:
        if isinstance(what, Question):
            matcher.add(sieve_of(what), member)
            asked = [pair for pair in asked if pair != (what, member)] + [(what, member)]
        elif asked:
            matcher.discard(*asked.pop(what % len(asked)))
        assert name
    assert len(matcher) == len({question for question, _ in asked})
    for keys in versions:
        key = Key(kind, "a")
        found = {member for question, member in asked if sieve_of(question)(key, keys, NOON)}
        assert matcher.matching(key, keys, NOON) == found


@given(center=_PLACES, place=_PLACES, radius_m=st.floats(10, 2000))
def test_disc_is_round_on_the_ground(center: tuple[float, float], place: tuple[float, float], radius_m: float) -> None:
    """A point is within a disc when its geodesic distance is at most the radius, to a tenth of a percent."""
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(*center, *place)
    question = _question({"id": "x", "area": {"circle": {"center": list(center), "radius_m": radius_m}}})
    keys = MatchKeys(shapely.Point(place), visible=True, severity=Severity.LOW)
    if abs(metres - radius_m) > radius_m * 0.001:
        assert sieve_of(question)(Key(Kind.WORKS, "x"), keys, NOON) == (metres < radius_m)


def test_polygon_with_a_hole() -> None:
    """What lies in the hole of a polygon is not in it."""
    shape = shapely.Polygon(shapely.box(2.0, 48.0, 3.0, 49.0).exterior, [shapely.box(2.4, 48.4, 2.6, 48.6).exterior])
    test = sieve_of(_question({"id": "x", "area": {"polygon": shapely.geometry.mapping(shape)}}))
    inside, hole = (MatchKeys(shapely.Point(at), True, Severity.LOW) for at in [(2.1, 48.1), (2.5, 48.5)])
    assert test(Key(Kind.WORKS, "x"), inside, NOON)
    assert not test(Key(Kind.WORKS, "x"), hole, NOON)


def test_same_questions_have_one_hash() -> None:
    """The hash of a set of subscriptions depends on neither their order nor the way a box is drawn."""
    box = _question({"id": "x", "area": {"bbox": [2.0, 48.0, 3.0, 49.0]}})
    drawn = _question(
        {"id": "x", "area": {"polygon": shapely.geometry.mapping(shapely.box(2.0, 48.0, 3.0, 49.0, ccw=False))}}
    )
    zones = _question({"id": "y", "area": {"zones": ["b", "a", "b"]}, "kinds": ["zone", "works"]})
    same = _question({"id": "y", "area": {"zones": ["a", "b"]}, "kinds": ["works", "zone"]})
    assert filters_hash({"x": box, "y": zones}) == filters_hash({"y": same, "x": drawn})
    assert filters_hash({"x": box}) != filters_hash({"y": box})
    assert filters_hash({"x": box}) != filters_hash({"x": zones})


def test_one_disc_or_many_give_the_same_answer() -> None:
    """A disc is measured the same alone and among others."""
    centers = np.array([[2.3 + i * 1e-4, 48.63] for i in range(200)])
    line = shapely.LineString([(2.31, 48.62), (2.31, 48.64)])
    radii = np.full(200, 500.0)
    together = within_discs(Lonlat(centers), radii, middle_of(line))
    alone = [within_discs(Lonlat(centers[i : i + 1]), radii[:1], middle_of(line))[0] for i in range(200)]
    assert together.tolist() == alone
    assert 0 < together.sum() < 200
