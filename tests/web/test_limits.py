"""Rate limits: bursts pass, floods stop, memory stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.config.settings import Server, Stream
from geoworks.errors import TooMany
from geoworks.web.limits import Buckets, household
from tests.web.conftest import OpenHouse

FEW = Server(port=0, requests_per_minute=3)


class Timer:
    """A timer that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def try_to_take(buckets: Buckets, name: str) -> bool:
    """Take a token if there is one."""
    try:
        buckets.take(name)
    except TooMany:
        return False
    return True


@given(
    burst=st.integers(1, 50),
    per_minute=st.floats(1, 600),
    waits=st.lists(st.floats(0, 30), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_what_time_gave(burst: int, per_minute: float, waits: list[float]) -> None:
    """However the requests come, no more pass than the bucket held and won back."""
    timer = Timer()
    buckets = Buckets(burst=burst, per_minute=per_minute, timer=timer)
    passed = 0
    for wait in waits:
        timer.now += wait
        passed += try_to_take(buckets, "a")
    assert passed <= burst + sum(waits) * per_minute / 60 + 1e-6


def test_who_waits_as_long_as_told_is_let_in() -> None:
    """The wait that is told is enough, and not much too long."""
    timer = Timer()
    buckets = Buckets(burst=2, per_minute=6, timer=timer)
    buckets.take("a")
    buckets.take("a")
    with pytest.raises(TooMany) as refused:
        buckets.take("a")
    assert refused.value.retry_after_s == pytest.approx(10)
    timer.now += refused.value.retry_after_s
    buckets.take("a")


def test_a_flood_of_names_costs_bounded_memory() -> None:
    """The bucket unused for longest goes; one in use keeps its count."""
    timer = Timer()
    buckets = Buckets(burst=1, per_minute=1, most=100, timer=timer)
    for number in range(1000):
        buckets.take(f"{number}")
    assert len(buckets) == 100
    assert not try_to_take(buckets, "999")


def test_one_household_is_one_name() -> None:
    """All addresses of one IPv6 home count as one; what is no address counts as it is written."""
    assert household("2001:db8::1") == household("2001:db8::ffff:1") != household("2001:db8:0:1::1")
    assert household("192.0.2.1") != household("192.0.2.2")
    assert household("") == ""


async def test_a_flood_is_stopped_with_a_time_to_come_back(open_house: OpenHouse) -> None:
    """Past the limit 429 tells when to come back; another address of the API is not touched."""
    async with open_house(server=FEW) as house:
        statuses = [(await house.ask("GET", f"/v1/works?limit={number + 1}")).status for number in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await house.ask("GET", "/v1/works")
        assert refused.json()["code"] == "too-many"
        assert 0 < int(refused.headers["Retry-After"]) <= 20
        assert (await house.ask("GET", "/v1/zones")).status == 200
        assert (await house.ask("GET", "/")).status == 200


async def test_all_who_may_be_connected_from_an_address_may_come_back_at_once(open_house: OpenHouse) -> None:
    """A company behind one address is connected again after a restart; more than may stay are a flood."""
    async with open_house(server=FEW, stream=Stream(connections_per_address=5)) as house:
        for path in ("/v1/stream", "/v1/changes?since=nonsense"):
            statuses = [(await house.ask("GET", path)).status for _ in range(7)]
            assert statuses == [400, 400, 400, 400, 400, 429, 429]


async def test_keys_of_the_town_are_not_limited(open_house: OpenHouse) -> None:
    """A GIS that posts a thousand works is no flood; guessing keys is."""
    async with open_house(server=FEW) as house:
        staff = await house.as_role()
        assert {(await house.ask("GET", "/v1/works", headers=staff)).status for _ in range(10)} == {200}
        guessed = [
            (await house.ask("GET", "/v1/me", headers={"Authorization": f"Bearer gw_{number}"})).status
            for number in range(5)
        ]
        assert guessed == [401, 401, 401, 429, 429]


async def test_logins_are_limited(open_house: OpenHouse) -> None:
    """Nobody tries keys at the login without end."""
    async with open_house(server=FEW) as house:
        tried = [(await house.ask("POST", "/staff/login", json={"key": "gw_x"})).status for _ in range(4)]
        assert tried == [401, 401, 401, 429]
