"""What citizens send: every fault with its mend, every text as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from geoworks.config.settings import Settings
from geoworks.errors import GeoworksError, Invalid, TooLarge
from geoworks.pipeline.report_intake import (
    QuestionBody,
    ReportBody,
    check_reach,
    question_from_body,
    report_from_body,
)
from tests.pipeline.house import House, a_zone, put_zone

HERE = {"type": "Point", "coordinates": [2.3051, 48.6342]}
LIMITS, CATEGORIES = Settings().limits, Settings().reports.categories


def read(value: object) -> ReportBody:
    """Read a report as it is sent."""
    return report_from_body(json.dumps(value).encode(), limits=LIMITS, categories=CATEGORIES)


def faults(value: object) -> list[str]:
    """Return where a report is wrong; each fault has its mend."""
    with pytest.raises(Invalid) as caught:
        read(value)
    assert all(problem.mend for problem in caught.value.problems)
    return [problem.where for problem in caught.value.problems]


def test_text_and_point_suffice() -> None:
    """Category and place may be left out or null; coordinates get six decimals, a height is dropped."""
    told = read({"text": " Un trou ", "geometry": {"type": "Point", "coordinates": [2.30510009, 48.6342, 80]}})
    assert told == ReportBody("Un trou", Point(2.3051, 48.6342))
    assert read({"text": "Un trou", "geometry": HERE, "category": None, "place": None}) == told


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("${alert(1)} {{7*7}} `x`", "${alert(1)} {{7*7}} `x`"),
        ("a\u202eb\u2066c\u200bd\x00e\x1b[31mf", "abcde[31mf"),
        ("deux\r\n\r\n\r\n\r\nlignes\t et  trois", "deux\n\nlignes et trois"),
        ("e\u0301te\u0301 👩\u200d👧", "été 👩\u200d👧"),
    ],
)
def test_text_stays_text(sent: str, kept: str) -> None:
    """What looks like a program is kept as it is; what nobody sees is dropped."""
    assert read({"text": sent, "geometry": HERE}).text == kept


def test_the_place_is_one_line() -> None:
    """The place is a line of its own, whatever was sent."""
    assert read({"text": "x", "place": "12 rue\nde la\u202e Gare", "geometry": HERE}).place == "12 rue de la Gare"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"text": ""}, ["text"]),
        ({"text": "\u200b\x00 "}, ["text"]),
        ({"text": None}, ["text"]),
        ({"text": 5}, ["text"]),
        ({"text": ["x"]}, ["text"]),
        ({"text": "x" * 2001}, ["text"]),
        ({"place": "x" * 201}, ["place"]),
        ({"place": {}}, ["place"]),
        ({"category": "chausee"}, ["category"]),
        ({"category": 3}, ["category"]),
        ({"geometry": None}, ["geometry"]),
        ({"geometry": [2.3, 48.6]}, ["geometry"]),
        ({"geometry": {"type": "Point"}}, ["geometry.coordinates"]),
        ({"geometry": {"type": "Point", "coordinates": ["2.3", "48.6"]}}, ["geometry.coordinates"]),
        ({"geometry": {"type": "Point", "coordinates": [2.3, 91]}}, ["geometry"]),
        ({"geometry": {"type": "Point", "coordinates": [652_000, 6_862_000]}}, ["geometry"]),
        ({"geometry": {"type": "LineString", "coordinates": [[2.3, 48.6], [2.4, 48.6]]}}, ["geometry"]),
        ({"email": "a@example.org"}, ["'email'"]),
        ({"text": "", "category": "?", "geometry": None, "titel": 1}, ["'titel'", "text", "category", "geometry"]),
    ],
)
def test_every_fault_is_told(change: dict[str, Any], where: list[str]) -> None:
    """Each fault has its place and its mend, all of them at once."""
    assert faults({"text": "Un trou", "geometry": HERE, **change}) == where


@pytest.mark.parametrize("value", [None, [], "text", 5, [{"text": "x"}]])
def test_a_report_is_an_object(value: object) -> None:
    """Anything but an object is refused as a whole."""
    assert faults(value) == ["body"]


def test_the_longest_text_is_taken() -> None:
    """2000 characters are one report; a text is counted as it is kept."""
    assert len(read({"text": "é" * 2000 + "\u200b" * 500, "geometry": HERE}).text) == 2000


def test_a_shape_of_too_many_vertices_is_too_large() -> None:
    """What is no point is not looked at closely when it is huge."""
    with pytest.raises(TooLarge):
        read({"text": "x", "geometry": {"type": "LineString", "coordinates": [[2.3, 48.6]] * 5001}})


def test_a_question_may_be_half_written() -> None:
    """Neither text nor place is needed to ask."""
    half = question_from_body(b'{"text": "trou", "geometry": null}', limits=LIMITS)
    assert half == QuestionBody("trou")
    assert question_from_body(json.dumps({"geometry": HERE}).encode(), limits=LIMITS).geometry == Point(2.3051, 48.6342)
    with pytest.raises(Invalid, match="category"):
        question_from_body(b'{"category": "chaussee"}', limits=LIMITS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["text", "place", "category", "geometry", "type", "coordinates", "x"]), JSON))
def test_no_body_breaks_the_intake(value: dict[str, object]) -> None:
    """Whatever is sent gives a report or a refusal that says how to mend it."""
    try:
        told = read(value).text
    except GeoworksError as refusal:
        told = str(refusal)
    assert told.strip()


async def test_places_far_from_the_town_are_refused(house: House) -> None:
    """With zones, a place further than 20 km from all of them is another town's; without zones all places are taken."""
    paris = Point(2.35, 48.95)
    check_reach(house.state, paris)
    await house.desk.submit(put_zone("gare", a_zone()))
    check_reach(house.state, Point(2.305, 48.635))
    check_reach(house.state, Point(2.305, 48.80))
    with pytest.raises(Invalid, match="20 km"):
        check_reach(house.state, paris)
