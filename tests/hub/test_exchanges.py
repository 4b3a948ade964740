"""The exchanges of the stream's page happen as they are shown."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import shapely
from jsonschema import Draft202012Validator

from geoworks.hub.describe import asyncapi
from geoworks.hub.messages import CLIENT_MESSAGES
from geoworks.model.change import Reason
from geoworks.model.impact import Impact, Restriction, RestrictionType, Unit, VehicleImpact, WayState
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from geoworks.model.zone import Level
from tests.hub import town as places
from tests.hub.client import MemoryOutlet, Message
from tests.hub.page import EPOCH, Exchange, differs, read_exchanges
from tests.hub.town import NOON, Look, Town

_EXCHANGES = [one for one in read_exchanges() if not one.is_by_http]
_LAT = 48.6357
_HOUR = timedelta(hours=1)
_FAR = Look(place=shapely.Point(3.0, 49.0))
_CLOSED = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
_OPEN = Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, footway=WayState.OPEN)
_FOOTWAY = Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, footway=WayState.CLOSED)
_LOW = Impact(
    vehicle_impact=VehicleImpact.ALL_LANES_OPEN,
    restrictions=(Restriction(RestrictionType.REDUCED_HEIGHT, 3.5, Unit.METRE),),
)


def _on(lon: float, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    """Make a works of some 20 m on the street of the page."""
    return Look(place=shapely.LineString([(lon, _LAT), (lon + 0.0003, _LAT)]), **look)


def _planned(lon: float, begins_in: timedelta, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    return _on(lon, status=Status.PLANNED, schedule=Schedule(start=NOON + begins_in), **look)


class Play:
    """A hub and a client that do what the page says."""

    def __init__(self) -> None:
        """Begin with an empty town, and nobody connected."""
        self.town = Town()
        self._outlet: MemoryOutlet | None = None
        self._heard: list[Message] = []
        self._filters = ""

    async def happen(self, what: str) -> None:
        """Let happen what the page tells."""
        await _EVENTS[what](self)

    def send(self, text: str) -> None:
        """Send what the client says."""
        told = text.replace(EPOCH, places.EPOCH).replace('"filters":"..."', f'"filters":"{self._filters}"')
        self._session.receive(told)

    def hear(self) -> str:
        """Return the next message of the server, in the words of the page."""
        if self._outlet is None:
            self._outlet = MemoryOutlet()
            self._session = self.town.hub.connect(self._outlet)
        message = self.rest().pop(0)
        self._filters = message.get("filters", self._filters)
        return json.dumps(message).replace(places.EPOCH, EPOCH)

    def rest(self) -> list[Message]:
        """Return what the server has said beside what was heard."""
        self.town.hub.flush()
        if self._outlet is not None:
            self._heard += self._outlet.take()
        return self._heard

    def cut(self) -> None:
        """Lose the connection."""
        self.town.hub.disconnect(self._session)
        self._outlet = None

    def write(self, *looks: Look, first: int = 1) -> None:
        """Write works, one number after the other."""
        for number, look in enumerate(looks, first):
            self.town.publish_works(f"voirie:{number}", look)

    def end(self, number: int = 1) -> None:
        """End a works."""
        self.town.put(places.works_record(f"voirie:{number}", Look(status=Status.COMPLETED)), reason=Reason.ENDED)
        self.town.publish()

    def level(self, level: Level) -> None:
        """Write the zone of the station."""
        self.town.put(places.zone_record("gare", shapely.box(2.30, 48.63, 2.31, 48.64), level=level))
        self.town.publish()

    async def wait(self, **times: float) -> None:
        """Let time pass."""
        self.town.clock.advance(timedelta(**times))
        await self.town.hub.follow_clock()


def _event(do: Callable[[Play], None]) -> Callable[[Play], Awaitable[None]]:
    async def happens(play: Play) -> None:
        do(play)

    return happens


def _hinder(play: Play) -> None:
    play.write(Look(zones=("gare",)))
    play.level(Level.HEAVY)


def _set_free(play: Play) -> None:
    play.end()
    play.level(Level.FREE)


async def _quarter_to(play: Play) -> None:
    await play.wait(minutes=45)


async def _begin(play: Play) -> None:
    await play.wait(minutes=15)
    play.write(_on(2.31, schedule=Schedule(start=NOON + _HOUR)))


async def _leave(play: Play) -> None:
    await play.wait(minutes=31)


async def _pass_first(play: Play) -> None:
    await play.wait(minutes=2)


_CROSSING = Look(place=shapely.LineString([(2.316, _LAT - 0.001), (2.316, _LAT + 0.001)]), impact=_CLOSED)
_FOUR = (
    _on(2.31, impact=_CLOSED),
    _on(2.325, impact=_LOW),
    _on(2.32, impact=_FOOTWAY),
    _planned(2.328, 24 * _HOUR, impact=_CLOSED),
)
_EVENTS: Mapping[str, Callable[[Play], Awaitable[None]]] = {
    "the works voirie:1 are at the station": _event(lambda play: play.write(Look())),
    "the works voirie:2 are published": _event(lambda play: play.write(Look(), first=2)),
    "the works voirie:1 end": _event(Play.end),
    "the connection is lost": _event(Play.cut),
    "what was near on the way here is removed by the next position": _event(lambda _: None),
    "the works voirie:2 move out of town, voirie:3 are published": _event(
        lambda play: play.write(_FAR, Look(), first=2)
    ),
    "there is a zone gare, and nothing in it": _event(lambda play: play.level(Level.FREE)),
    "the works voirie:1 begin in the zone and hinder its traffic": _event(_hinder),
    "the works voirie:1 end; the zone is free again": _event(_set_free),
    "the works voirie:1 at the station hinder little": _event(lambda play: play.write(Look(severity=Severity.LOW))),
    "the works voirie:1 close the street": _event(lambda play: play.write(Look(severity=Severity.BLOCKED))),
    "the works voirie:1 let one lane through": _event(lambda play: play.write(Look(severity=Severity.MEDIUM))),
    "voirie:1 close the street, voirie:2 limit its height to 3.5 m, voirie:3 close a footway; "
    "voirie:4 will close it tomorrow": _event(lambda play: play.write(*_FOUR)),
    "voirie:5 close a street that only crosses the route; voirie:6 close the street further along": _event(
        lambda play: play.write(_CROSSING, _on(2.335, impact=_CLOSED), first=5)
    ),
    "voirie:2 limit the height no more": _event(lambda play: play.write(_on(2.325, impact=_OPEN), first=2)),
    "the lorry has left; from its first position on the route cannot be resumed, and has other filters": _leave,
    "it has passed voirie:1": _pass_first,
    "it is 12:00; the works voirie:1 on the street will begin at 13:00": _event(
        lambda play: play.write(_planned(2.31, _HOUR))
    ),
    "it is 12:45": _quarter_to,
    "it is 13:00; the works voirie:1 begin": _begin,
}


@pytest.mark.parametrize("exchange", _EXCHANGES, ids=[one.title for one in _EXCHANGES])
async def test_exchange_is_what_happens(exchange: Exchange) -> None:
    """The server sends every message of the exchange, with these fields and values, and no other."""
    play = Play()
    for line in exchange.lines:
        if line.sender == "server":
            assert differs(line.text, play.hear()) == "", line.text
            continue
        assert play.rest() == [], f"before {line.text}"
        if line.sender == "client":
            play.send(line.text)
        else:
            await play.happen(line.text)
    assert play.rest() == []


def test_every_event_is_on_the_page() -> None:
    """Nothing happens that no exchange tells."""
    assert _EVENTS.keys() == {line.text for one in _EXCHANGES for line in one.lines if not line.sender}


_TYPES = {str(message.__struct_config__.tag): message.__name__ for message in CLIENT_MESSAGES}
_SAID = [line.text for one in read_exchanges() for line in one.lines if line.sender == "client"]
_MESSAGES = [text for text in _SAID if text.startswith("{") and json.loads(text).get("type") in _TYPES]


@pytest.mark.parametrize("text", _MESSAGES)
def test_client_messages_follow_the_schema(text: str) -> None:
    """What the AsyncAPI document says of a message is true of those the page shows."""
    message = msgspec.json.decode(text)
    schemas = asyncapi("1")["components"]["schemas"]
    schema = {"$ref": f"#/components/schemas/{_TYPES[message['type']]}", "components": {"schemas": schemas}}
    Draft202012Validator(schema).validate(message)
    assert list(Draft202012Validator(schema).iter_errors({**message, "unknown": 1}))


def test_every_client_message_is_shown() -> None:
    """The page shows each message that a client may send."""
    assert {msgspec.json.decode(text)["type"] for text in _MESSAGES} == {
        m.__struct_config__.tag for m in CLIENT_MESSAGES
    }


@pytest.mark.parametrize(
    ("shown", "real", "said"),
    [
        ('{"a":1}', '{"a":1,"b":2}', ": also b"),
        ('{"a":1,...}', '{"a":1,"b":2}', ""),
        ('{"a":1,...}', '{"b":2}', ": no a"),
        ('{"a":[{"b":1,...}]}', '{"a":[{"b":2}]}', "a[0].b: not 1 but 2"),
        ('{"a":[]}', '{"a":[1]}', "a: not [] but [1]"),
        ('{"a":null}', '{"a":"x"}', "a: not None but 'x'"),
        ('{"a":"k3x9.1;..."}', '{"a":"k3x9.1;f"}', ""),
        ('{"a":"k3x9.1;..."}', '{"a":"k3x9.2;f"}', "a: not 'k3x9.1;...' but 'k3x9.2;f'"),
        ("id: [1]", "id: 1", "not 'id: [1]' but 'id: 1'"),
    ],
)
def test_comparing(shown: str, real: str, said: str) -> None:
    """A message is compared to its last field, and only `...` stands for anything."""
    assert differs(shown, real) == said
