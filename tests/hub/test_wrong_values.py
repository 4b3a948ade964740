"""Messages whose every field is of its type and that still cannot be: places that are none, cursors, a wrong order."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely

from geoworks.hub.codes import Code
from tests.hub.client import Message, Work
from tests.hub.link import Link
from tests.hub.town import Look, Town

_LAT = 48.6357
_HOME: Message = {"type": "subscribe", "id": "home", "area": {"everywhere": True}}
_ME: Message = {"type": "subscribe", "id": "me", "area": {"around_me": {"radius_m": 300}}}
_HERE: Message = {"type": "position", "id": "me", "at": [2.30, _LAT]}


@pytest.fixture
async def link(town: Town, tasks: Work) -> Link:
    """A connection that has said nothing yet."""
    link = Link(town, tasks)
    link.hear()
    return link


def _send(link: Link, *messages: Message) -> list[Message]:
    """Send messages and return what has come."""
    for message in messages:
        link.session.receive(json.dumps(message))
    return link.hear()


def _route(*line: Any, **fields: Any) -> Message:  # noqa: ANN401 - any JSON
    return {"area": {"route": {"line": {"type": "LineString", "coordinates": list(line)}, **fields}}}


def _polygon(*ring: Any) -> Message:  # noqa: ANN401 - any JSON
    return {"area": {"polygon": {"type": "Polygon", "coordinates": [list(ring)]}}}


def _deep(levels: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(levels):
        deep = [deep]
    return deep


_A, _B, _C = [2.30, _LAT], [2.31, _LAT], [2.31, _LAT + 0.01]
_VALUES = {
    "route of no point": (_route(), Code.AREA, "area.route.line"),
    "route of one point": (_route(_A), Code.AREA, "area.route.line"),
    "route of two equal points": (_route(_A, _A), Code.AREA, "at least two different places"),
    "route across the antimeridian": (_route([179.9, 48], [-179.9, 48]), Code.AREA, "cut the route there"),
    "route longer than any": (_route([-20, 0], [20, 60]), Code.AREA, "at most 2000 km"),
    "route in metres": (_route([652_000, 6_860_000], [652_100, 6_860_000]), Code.AREA, "EPSG:4326"),
    "route of words": (_route(["a", "b"], ["c", "d"]), Code.AREA, "area.route.line"),
    "route of truths": (_route([True, False], [False, True]), Code.AREA, "area.route.line"),
    "route of single numbers": (_route(2.3, 48.6), Code.AREA, "area.route.line"),
    "route of a number too large": (_route(_A, [10**400, 48]), Code.AREA, "area"),
    "route nested without end": (_route(_deep(200)), Code.AREA, "area.route.line"),
    "route of points of different length": (_route(_A, [2.31]), Code.AREA, "area.route.line"),
    "route in the past": (_route(_A, _B, depart="1850-01-01T00:00:00Z"), Code.AREA, "area.route.depart"),
    "route in another age": (_route(_A, _B, depart="2500-01-01T00:00:00Z"), Code.AREA, "area.route.depart"),
    "circle of nothing": ({"area": {"circle": {"center": _A, "radius_m": 0}}}, Code.AREA, "radius_m"),
    "circle of the earth": ({"area": {"circle": {"center": _A, "radius_m": 1e9}}}, Code.AREA, "radius_m"),
    "circle around nowhere": ({"area": {"circle": {"center": [48, 200], "radius_m": 9}}}, Code.AREA, "center"),
    "box inside out": ({"area": {"bbox": [2.4, 48.6, 2.3, 48.7]}}, Code.AREA, "west < east"),
    "box beyond the pole": ({"area": {"bbox": [2.3, 89, 2.4, 91]}}, Code.AREA, "area.bbox"),
    "polygon of a line": (_polygon(_A, _B, _A, _A), Code.AREA, "area.polygon"),
    "polygon across itself": (_polygon(_A, _C, _B, [2.30, _LAT + 0.01], _A), Code.AREA, "without crossing itself"),
    "no place": ({"area": {}}, Code.AREA, "exactly one of"),
    "two places": ({"area": {"everywhere": True, "zones": ["gare"]}}, Code.AREA, "exactly one of"),
    "area nobody posted": ({"area": {"area_id": "x"}}, Code.AREA_UNKNOWN, "post it to /v1/areas"),
    "horizon behind": ({"area": {"everywhere": True}, "horizon": "-PT1H"}, Code.INVALID, "horizon"),
    "horizon of a lifetime": ({"area": {"everywhere": True}, "horizon": "P30000D"}, Code.INVALID, "horizon"),
}


@pytest.mark.parametrize("name", _VALUES)
async def test_subscription_that_cannot_be(link: Link, name: str) -> None:
    """It is refused with its code, under its id, with the field and a mend; the one of its id stays as it was."""
    fields, code, word = _VALUES[name]
    _send(link, _HOME)
    (error,) = _send(link, {"type": "subscribe", "id": "home", **fields})
    assert (error["type"], error["code"], error["id"], error["temporary"]) == ("error", code.number, "home", False)
    assert word in error["message"]
    link.town.publish_works("voirie:2")
    assert [message["type"] for message in link.hear()] == ["put"]
    assert link.outlet.closed is None


@pytest.mark.parametrize("name", _VALUES)
async def test_resume_with_a_subscription_that_cannot_be(link: Link, name: str) -> None:
    """It is refused as a whole: nothing of it is subscribed, and it can be sent again without the fault."""
    fields, code, word = _VALUES[name]
    wanted = [{"id": "good", "area": {"everywhere": True}}, {"id": "bad", **fields}]
    resume: Message = {"type": "resume", "since": "epoch1.1", "filters": "", "subscriptions": wanted}
    (error,) = _send(link, resume)
    assert (error["code"], word in error["message"]) == (code.number, True)
    assert not link.session.subscriptions
    answers = _send(link, {**resume, "subscriptions": wanted[:1]})
    assert [message["type"] for message in answers] == ["resync", "snapshot", "caught_up"]


async def test_route_of_a_million_points(link: Link, town: Town, tasks: Work) -> None:
    """A route too long for a frame is told so and ends its connection, not another one's."""
    other = Link(town, tasks)
    _send(other, _HOME)
    text = json.dumps({**_HOME, **_route(_A, "more", _B)})
    link.session.receive(text.replace('"more"', ", ".join(["[2.305, 48.6357]"] * 1_000_000)))
    (error,) = link.hear()
    assert (error["code"], "simplify the area" in error["message"]) == (Code.FRAME_TOO_LARGE.number, True)
    assert link.outlet.closed is not None
    town.publish_works("voirie:2")
    assert other.types() == ["put"]


async def test_route_that_crosses_itself(link: Link) -> None:
    """A route may cross itself: what lies at the crossing is told once."""
    loop = _route(_A, [2.32, _LAT], [2.32, _LAT + 0.01], [2.31, _LAT + 0.01], [2.31, _LAT - 0.01])
    _send(link, {**_HOME, **loop})
    crossing = shapely.LineString([(2.3098, _LAT), (2.3102, _LAT)])
    link.town.publish_works("at the crossing", Look(place=crossing))
    assert link.types() == ["put"]
    link.town.publish_removal("at the crossing")
    assert link.types() == ["remove"]


@pytest.mark.parametrize(
    "since",
    [
        "",
        "epoch1",
        "epoch1.",
        ".1",
        "epoch1.-1",
        "epoch1.1.1",
        "epoch1.1 ",
        "epoch1.1\n",
        "epoch1.1e3",
        "épique.1",
        "epoch1.\u0661",
        "epoch1." + "9" * 19,
        "e" * 41 + ".1",
        "null",
        "epoch1.\u0000",
    ],
)
async def test_cursor_that_is_none(link: Link, since: str) -> None:
    """A malformed cursor is refused with what to send; a right one is taken after it."""
    resume: Message = {"type": "resume", "filters": "", "subscriptions": [{"id": "home", "area": {"everywhere": True}}]}
    (error,) = _send(link, {**resume, "since": since})
    assert (error["code"], "send the last cursor" in error["message"]) == (Code.CURSOR.number, True)
    assert _send(link, {**resume, "since": "epoch1.1"})[-1]["type"] == "caught_up"


async def test_cursor_of_the_far_future(link: Link) -> None:
    """The largest offset there can be is one of the future: everything begins anew, and then goes on live."""
    wanted = [{"id": "home", "area": {"everywhere": True}}]
    resume = {"type": "resume", "since": "epoch1." + "9" * 18, "filters": "", "subscriptions": wanted}
    resync, snapshot, caught_up = _send(link, resume)
    assert (resync["reason"], snapshot["type"], caught_up["cursor"]) == ("future", "snapshot", "epoch1.1")
    link.town.publish_works("voirie:2")
    assert [message["cursor"] for message in link.hear()] == ["epoch1.2"]


_RESUME: Message = {
    "type": "resume",
    "since": "other.1",
    "filters": "",
    "subscriptions": [{"id": "home", "area": {"everywhere": True}}],
}
_ANEW = ["resync", "snapshot", "caught_up"]
_DONE = ["snapshot", "caught_up"]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ([_HERE], [Code.UNKNOWN_SUBSCRIPTION]),
        ([_HOME, {**_HERE, "id": "home"}], [*_DONE, Code.INVALID]),
        ([_HERE, _ME, _HERE], [Code.UNKNOWN_SUBSCRIPTION, *_DONE]),
        ([_ME, {"type": "unsubscribe", "id": "me"}, _HERE], [*_DONE, "caught_up", Code.UNKNOWN_SUBSCRIPTION]),
        ([{"type": "unsubscribe", "id": "home"}], [Code.UNKNOWN_SUBSCRIPTION]),
        ([_HOME, *[{"type": "unsubscribe", "id": "home"}] * 2], [*_DONE, "remove", "caught_up", 106]),
        ([_HOME, _HOME], [*_DONE, *_DONE]),
        ([_HOME, _RESUME], [*_DONE, Code.RESUME_LATE]),
        ([_RESUME, _RESUME], [*_ANEW, Code.RESUME_LATE]),
        ([_HOME, {"type": "unsubscribe", "id": "home"}, _RESUME], [*_DONE, "remove", "caught_up", Code.RESUME_LATE]),
        ([{"type": "ping"}, _RESUME], ["pong", *_ANEW]),
        ([{**_HOME, "area": {}}, _RESUME], [Code.AREA, *_ANEW]),
        ([_HERE, _RESUME], [Code.UNKNOWN_SUBSCRIPTION, *_ANEW]),
    ],
)
async def test_order(link: Link, sent: list[Message], answered: list[str | int | Code]) -> None:
    """A message out of order is refused alone: those before and after it are answered, and the connection goes on."""
    told = [message.get("code", message["type"]) for message in _send(link, *sent)]
    assert told == [one.number if isinstance(one, Code) else one for one in answered]
    assert link.outlet.closed is None
    assert [message["type"] for message in _send(link, {**_HOME, "id": "last"})] == _DONE
    link.town.publish_works("voirie:2")
    assert link.types() == ["put"]
