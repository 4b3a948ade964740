"""How a client's frame is read, and every way it can be wrong."""

from __future__ import annotations

import json

import pytest

from geoworks.hub.codes import Code
from geoworks.hub.messages import Ping, Refused, Resume, Subscribe, Unsubscribe, decode
from geoworks.hub.question import read_question
from geoworks.model.change import Kind
from geoworks.model.severity import Severity

_AREA = {"everywhere": True}


def _subscribe(**fields: object) -> str:
    return json.dumps({"type": "subscribe", "id": "home", "area": _AREA, **fields})


_PLACES = "zones, bbox, polygon, circle, everywhere, route, around_me, area_id"


def _area(**area: object) -> str:
    return _subscribe(area=area)


def test_every_client_message_is_read() -> None:
    """Each type of message is told by its `type`."""
    wanted = {"id": "home", "area": _AREA}
    resume = json.dumps({"type": "resume", "since": "e.1", "filters": "", "subscriptions": [wanted]})
    assert isinstance(decode(_subscribe()), Subscribe)
    assert isinstance(decode('{"type":"unsubscribe","id":"home"}'), Unsubscribe)
    assert isinstance(decode(resume), Resume)
    assert isinstance(decode('{"type":"ping"}'), Ping)


def test_left_out_filters_leave_nothing_out() -> None:
    """A subscription without filters asks for every kind and severity."""
    message = decode(_subscribe())
    assert isinstance(message, Subscribe)
    assert set(message.kinds) == set(Kind)
    assert message.min_severity is Severity.NONE


@pytest.mark.parametrize(
    ("frame", "code", "word"),
    [
        ("{", Code.MALFORMED, "one JSON object"),
        ("", Code.MALFORMED, "one JSON object"),
        ("[]", Code.MALFORMED, "one JSON object"),
        ('{"type":"ping","at":NaN}', Code.MALFORMED, "without NaN"),
        ('{"type":' * 5000, Code.MALFORMED, "one JSON object"),
        ('{"type":"ping","x":' + "[" * 15000, Code.MALFORMED, "one JSON object"),
        ('{"type":"ping\ud800"}', Code.MALFORMED, "one JSON object"),
        ("{}", Code.UNKNOWN_TYPE, "subscribe, unsubscribe, resume, position, ping"),
        ('{"type":"position","at":[2,48]}', Code.INVALID, "position takes type, id, at, speed_kmh, heading"),
        ('{"type":"position","id":"a","at":[2]}', Code.INVALID, "$.at"),
        ('{"type":"position","id":"a","at":[2,48],"heading":361}', Code.INVALID, "$.heading"),
        ('{"type":"position","id":"a","at":[2,48],"speed_kmh":-1}', Code.INVALID, "$.speed_kmh"),
        ('{"type":"position","id":"a","at":[2,NaN]}', Code.MALFORMED, "without NaN"),
        ('{"type":["ping"]}', Code.UNKNOWN_TYPE, "subscribe, unsubscribe, resume, position, ping"),
        ('{"type":"ping","at":1}', Code.INVALID, "`at`"),
        ('{"type":"unsubscribe"}', Code.INVALID, "`id`"),
        (_subscribe(colour="red"), Code.INVALID, "takes type, id, area, kinds, min_severity, vehicle, horizon"),
        (_subscribe(horizon="12 h"), Code.INVALID, "$.horizon"),
        (_subscribe(horizon=12), Code.INVALID, "$.horizon"),
        (_subscribe(vehicle={"class": "tram"}), Code.INVALID, "$.vehicle.class"),
        (_subscribe(vehicle={"height_m": 0}), Code.INVALID, "$.vehicle.height_m"),
        (_subscribe(vehicle={"wheels": 4}), Code.INVALID, "wheels"),
        (_subscribe(id=""), Code.INVALID, "$.id"),
        (_subscribe(id=7), Code.INVALID, "$.id"),
        (_subscribe(kinds=["tram"]), Code.INVALID, "$.kinds"),
        (_subscribe(kinds=[]), Code.INVALID, "$.kinds"),
        (_subscribe(min_severity="grave"), Code.INVALID, "$.min_severity"),
        (_subscribe(area=3), Code.AREA, _PLACES),
        (_area(place="gare"), Code.AREA, _PLACES),
        (_area(route={"corridor_m": 50}), Code.AREA, "line"),
        (_area(route={"line": {}, "corridor_m": 0}), Code.AREA, "corridor_m"),
        (_area(route={"line": {}, "depart": "2026-11-24T08:00:00"}), Code.AREA, "depart"),
        (_area(route={"line": {}, "speed_kmh": 0}), Code.AREA, "speed_kmh"),
        (_area(around_me={"radius_m": 1e9}), Code.AREA, "radius_m"),
        (_area(area_id=""), Code.AREA, "area_id"),
        (_area(bbox=[1, 2, 3]), Code.AREA, "$.area.bbox"),
        (_area(bbox=["a", 2, 3, 4]), Code.AREA, "$.area.bbox"),
        (_area(circle={"center": [2, 48]}), Code.AREA, "radius_m"),
        (_area(circle={"center": [2, 48], "radius_m": 0}), Code.AREA, "radius_m"),
        (_area(zones=[]), Code.AREA, "$.area.zones"),
        (_area(everywhere=False), Code.AREA, "$.area.everywhere"),
    ],
)
def test_what_cannot_be_read(frame: str, code: Code, word: str) -> None:
    """A frame that is no message is refused with its code, where the fault is and how to mend it."""
    with pytest.raises(Refused) as caught:
        decode(frame)
    assert caught.value.fault is code
    assert word in str(caught.value)


def test_refusal_names_the_subscription() -> None:
    """What is wrong with a subscription is told under its id."""
    with pytest.raises(Refused) as caught:
        decode(_area(bbox=[1]))
    assert caught.value.as_message().id == "home"


_BOW = [[2.0, 48.0], [2.1, 48.1], [2.1, 48.0], [2.0, 48.1], [2.0, 48.0]]
_LAMBERT = [[652000.0, 6860000.0], [652100.0, 6860000.0], [652100.0, 6860100.0], [652000.0, 6860000.0]]
_MANY = [[2.0 + i * 1e-6, 48.0] for i in range(5001)]


@pytest.mark.parametrize(
    ("area", "code", "word"),
    [
        ({}, Code.AREA, f"exactly one of {_PLACES}"),
        ({"everywhere": True, "zones": ["gare"]}, Code.AREA, "exactly one of"),
        ({"bbox": [3, 48, 2, 49]}, Code.AREA, "west < east"),
        ({"bbox": [2, 48, 2, 49]}, Code.AREA, "west < east"),
        ({"bbox": [652000, 6860000, 653000, 6861000]}, Code.AREA, "EPSG:4326"),
        ({"circle": {"center": [48.6, 202.3], "radius_m": 10}}, Code.AREA, "EPSG:4326"),
        ({"polygon": {"type": "Point", "coordinates": [2, 48]}}, Code.AREA, "Polygon or MultiPolygon"),
        ({"polygon": {}}, Code.AREA, "Polygon or MultiPolygon"),
        ({"polygon": {"type": "Polygon", "coordinates": [[[2, 48], [3, 48]]]}}, Code.AREA, "at least four"),
        ({"polygon": {"type": "Polygon", "coordinates": [_BOW[:4]]}}, Code.AREA, "not closed"),
        ({"polygon": {"type": "Polygon", "coordinates": [_BOW]}}, Code.AREA, "without crossing itself"),
        ({"polygon": {"type": "Polygon", "coordinates": [_LAMBERT]}}, Code.AREA, "EPSG:4326"),
        ({"polygon": {"type": "Polygon", "coordinates": [_MANY]}}, Code.AREA_TOO_LARGE, "5000"),
        ({"polygon": {"type": "Polygon", "coordinates": "x"}}, Code.AREA, "array"),
    ],
)
def test_area_that_is_no_place(area: dict[str, object], code: Code, word: str) -> None:
    """An area that is no valid place is refused with its code and how to mend it."""
    message = decode(_subscribe(area=area))
    assert isinstance(message, Subscribe)
    with pytest.raises(Refused) as caught:
        read_question(message)
    assert caught.value.fault is code
    assert caught.value.id == "home"
    assert word in str(caught.value)
