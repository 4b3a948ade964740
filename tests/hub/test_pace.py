"""How fast a client may send: bursts pass, floods are told so, and the last position is never lost."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.config.settings import Stream
from geoworks.hub.codes import Code
from geoworks.hub.messages import Ping, Position, Refused, Subscribe, decode
from geoworks.hub.pace import Pace
from tests.hub.client import Held, MemoryOutlet, Message, Work
from tests.hub.town import Town

_GARE = [2.3057, 48.6357]
_ELSEWHERE = [2.40, 48.70]
_SLOW = Stream(messages_burst=3, messages_per_s=2)


def _position(id_: str = "me", at: tuple[float, float] = (2.3, 48.6)) -> Position:
    return Position(id_, at)


def _subscribe(id_: str) -> Subscribe:
    message = decode(msgspec.json.encode({"type": "subscribe", "id": id_, "area": {"everywhere": True}}).decode())
    assert isinstance(message, Subscribe)
    return message


def _empty(pace: Pace, now: float = 0.0) -> None:
    for _ in range(3):
        assert pace.admit(Ping(), now)


def test_all_subscriptions_at_once() -> None:
    """A client may ask as many questions as it may hold in one go, and tell where it is for each."""
    settings = Stream()
    pace = Pace(settings, 0.0)
    for number in range(settings.subscriptions):
        assert pace.admit(_subscribe(str(number)), 0.0)
    assert pace.admit(_position(), 0.0)


@given(waits=st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_never_more_than_the_burst_and_what_time_gave(waits: list[float]) -> None:
    """However they come, no more messages are taken than the settings allow; positions that come late included."""
    pace, now, taken = Pace(_SLOW, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += pace.admit(_position(), now)
        taken += pace.next_late(now) is not None
    assert taken <= 3 + now * 2 + 1e-6


def test_too_fast_names_the_subscription() -> None:
    """What comes too fast is refused for now, by the id it is about; a moment later it is taken."""
    pace = Pace(_SLOW, 0.0)
    _empty(pace)
    with pytest.raises(Refused) as refused:
        pace.admit(_subscribe("home"), 0.1)
    assert refused.value.as_message().code == Code.TOO_FAST.number
    assert (refused.value.as_message().id, refused.value.as_message().temporary) == ("home", True)
    assert pace.admit(_subscribe("home"), 0.5)


def test_last_position_of_each_waits() -> None:
    """Of positions that come too fast the last one of each subscription is kept, and taken when there is a token."""
    pace = Pace(_SLOW, 0.0)
    _empty(pace)
    for at in ((2.1, 48.6), (2.2, 48.6), (2.3, 48.6)):
        assert not pace.admit(_position("a", at), 0.0)
    assert not pace.admit(_position("b", (2.9, 48.6)), 0.0)
    assert pace.next_late(0.1) is None
    assert pace.next_late(0.5) == _position("a", (2.3, 48.6))
    assert pace.next_late(0.6) is None
    assert pace.next_late(9.0) == _position("b", (2.9, 48.6))
    assert pace.next_late(9.0) is None


@pytest.mark.parametrize("later", [_position("a", (2.4, 48.6)), _subscribe("a")])
def test_later_message_goes_before_a_position_that_waits(later: Position | Subscribe) -> None:
    """A position that waits is forgotten when what came after it is taken: drivers never jump back."""
    pace = Pace(_SLOW, 0.0)
    _empty(pace)
    assert not pace.admit(_position("a"), 0.0)
    assert pace.admit(later, 1.0)
    assert pace.next_late(9.0) is None


def test_positions_of_many_names_cost_bounded_memory() -> None:
    """So many positions wait as there may be subscriptions; more names than that are told so."""
    pace = Pace(Stream(messages_burst=3, subscriptions=4), 0.0)
    _empty(pace)
    for number in range(4):
        assert not pace.admit(_position(str(number)), 0.0)
    with pytest.raises(Refused):
        pace.admit(_position("4"), 0.0)


class _Driver:
    """A client with `around_me`, on a socket in memory."""

    def __init__(self, town: Town, tasks: Work) -> None:
        self.held = Held()
        self.outlet = MemoryOutlet(tasks)
        self.session = town.hub.connect(self.outlet)

    def send(self, type_: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        self.session.receive(msgspec.json.encode({"type": type_, **fields}).decode())

    def hear(self) -> list[Message]:
        heard = self.outlet.take()
        for message in heard:
            self.held.hear(message)
        return heard


async def test_hundred_positions_a_second(tasks: Work) -> None:
    """A driver who tells positions far too fast hears no error, and ends with what is around the last one."""
    town = Town(settings=Stream(messages_burst=5, messages_per_s=20))
    town.publish_works("gare")
    driver = _Driver(town, tasks)
    driver.send("subscribe", id="me", area={"around_me": {"radius_m": 300}})
    for _ in range(99):
        driver.send("position", id="me", at=_ELSEWHERE)
    driver.send("position", id="me", at=_GARE)
    assert "error" not in [message["type"] for message in driver.hear()]
    assert not driver.held.features, "the last position waits"
    tasks.create_task(town.hub.run())
    async with asyncio.timeout(5):
        while not driver.held.features:
            await asyncio.sleep(0.01)
            driver.hear()
    assert list(driver.held.features) == [("works", "gare")]
    assert "error" not in [message["type"] for message in driver.held.seen]


async def test_flood_is_told_and_shown_out(tasks: Work) -> None:
    """Who floods is told that it is too fast; who goes on all the same is shown out."""
    town = Town(settings=_SLOW)
    driver = _Driver(town, tasks)
    for number in range(200):
        driver.send("subscribe", id=f"s{number}", area={"zones": ["gare"]})
    errors = [message for message in driver.hear() if message["type"] == "error"]
    assert {error["code"] for error in errors} == {Code.TOO_FAST.number}
    assert errors[0]["id"] == "s3"
    assert driver.outlet.closed is not None
    assert driver.outlet.closed[0] == Code.TOO_MANY_ERRORS.number


def test_errors_in_short_order() -> None:
    """The hundredth error in short order is too much, whenever it is that a client begins to err."""
    pace = Pace(_SLOW, 0.0)
    assert [pace.forgive(1000.0) for _ in range(100)] == [True] * 99 + [False]


async def test_who_errs_now_and_then_stays(tasks: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is too fast, or wrong, again and again stays for hours when it is little each time."""
    town = Town(settings=_SLOW)
    driver = _Driver(town, tasks)
    begun = town.hub.time()
    for minute in range(200):
        # Nobody waits three hours for a test.
        monkeypatch.setattr(town.hub, "time", lambda minute=minute: begun + 60 * minute)
        for number in range(20):
            driver.send("unsubscribe", id=f"s{number}")
        codes = [message["code"] for message in driver.hear() if message["type"] == "error"]
        assert codes == [Code.UNKNOWN_SUBSCRIPTION.number] * 3 + [Code.TOO_FAST.number] * 17
    assert driver.outlet.closed is None
