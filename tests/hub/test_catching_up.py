"""Clients that missed something: those that come back, and those that are too slow."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from geoworks.config.settings import Stream
from geoworks.errors import StoreError
from geoworks.hub.codes import Code
from geoworks.hub.session import Phase
from tests.hub.client import Held, Message, Work
from tests.hub.link import Link, turns
from tests.hub.town import Look, Town, report_record, works_record

_EVERYWHERE = {"everywhere": True}
_NEAR_GARE = {"circle": {"center": [2.3057, 48.6357], "radius_m": 200}}


@pytest.fixture
async def town() -> Town:
    """A town with one works and one report at the station."""
    town = Town()
    town.publish_works("voirie:1")
    town.put(report_record("r1"))
    town.publish()
    return town


def _ids(message: Message) -> list[str]:
    return [feature["id"] for feature in message["features"]]


def _resume(link: Link, held: Held, area: Message | None = None, **fields: Any) -> None:  # noqa: ANN401 - any JSON
    link.send(
        "resume",
        **{
            "since": held.cursor,
            "filters": held.filters,
            "subscriptions": [{"id": "home", "area": area or _EVERYWHERE}],
            **fields,
        },
    )


def _holding(town: Town, tasks: Work) -> Held:
    """Return what a client holds that was connected and left."""
    link, held = Link(town, tasks), Held()
    link.subscribe()
    for message in link.hear():
        held.hear(message)
    link.leave()
    return held


async def test_resume_tells_what_was_missed(town: Town, tasks: Work) -> None:
    """After a cut a client gets the latest state of what changed, in order, then goes on live."""
    held = _holding(town, tasks)
    for title in "abc":
        town.publish_works("voirie:2", Look(title=title))
    town.publish_removal("voirie:1")
    link = Link(town, tasks)
    _resume(link, held)
    _, put, remove, caught_up = link.hear()
    assert (put["cursor"], put["feature"]["properties"]["title"]) == ("epoch1.5", "c")
    assert (remove["cursor"], remove["id"]) == ("epoch1.6", "voirie:1")
    assert (caught_up["id"], caught_up["filters"], caught_up["cursor"]) == (None, held.filters, "epoch1.6")
    assert town.hub.counters.resumed == 1


async def test_resume_with_nothing_missed(town: Town, tasks: Work) -> None:
    """A client that missed nothing is told that it is up to date."""
    held = _holding(town, tasks)
    link = Link(town, tasks)
    _resume(link, held)
    assert link.types() == ["hello", "caught_up"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"since": "other.1"}, "epoch"),
        ({"since": "epoch1.99"}, "future"),
        ({"filters": "0"}, "filters"),
        ({"subscriptions": [{"id": "home", "area": _NEAR_GARE}]}, "filters"),
    ],
)
async def test_resync(town: Town, tasks: Work, fields: Message, reason: str) -> None:
    """From another log, a cursor of the future or other subscriptions, everything begins anew with snapshots."""
    held = _holding(town, tasks)
    link = Link(town, tasks)
    _resume(link, held, **fields)
    _, resync, snapshot, caught_up = link.hear()
    assert resync == {"type": "resync", "id": None, "reason": reason}
    assert _ids(snapshot) == ["voirie:1", "r1"]
    assert caught_up["cursor"] == "epoch1.2"
    assert town.hub.counters.resynced == 1


async def test_resume_from_the_kept_log(tasks: Work) -> None:
    """What is in memory no more is read from the store; changes and messages that come meanwhile are not lost."""
    town = Town(tail=2)
    town.publish_works("voirie:1")
    held = _holding(town, tasks)
    for number in range(2, 9):
        town.publish_works(f"voirie:{number}")
    link = Link(town, tasks)
    _resume(link, held)
    assert link.waits_for(Phase.LOG)
    link.subscribe("more", _NEAR_GARE)
    town.publish_works("voirie:9")
    await turns()
    messages = link.hear()
    assert [m["feature"]["id"] for m in messages if m["type"] == "put"] == [f"voirie:{n}" for n in range(2, 10)]
    assert [m["id"] for m in messages if m["type"] == "caught_up"] == ["more"]
    assert link.waits_for(Phase.LIVE)


@pytest.mark.parametrize("fault", ["pruned", "unreadable", "far"])
async def test_log_that_cannot_be_read_back(tasks: Work, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the log reaches back no more, cannot be read or is too long, the client begins anew."""
    town = Town(tail=2)
    town.publish_works("voirie:1")
    held = _holding(town, tasks)
    for number in range(2, 9):
        town.publish_works(f"voirie:{number}")
    if fault == "pruned":
        del town.log.entries[:4]
    elif fault == "unreadable":
        town.log.broken = StoreError("the disk does not answer")
    else:
        monkeypatch.setattr("geoworks.hub.attendant._FAR", 3)
    link = Link(town, tasks)
    _resume(link, held)
    await turns()
    _, resync, snapshot, _ = link.hear()
    assert resync == {"type": "resync", "id": None, "reason": "too-old"}
    assert len(_ids(snapshot)) == 8


async def test_slow_client_gets_the_latest_only(tasks: Work) -> None:
    """A client that does not read is written to no more; when it reads again it gets the latest of what changed."""
    town = Town(settings=Stream(high_water_bytes=4000))
    slow, other = Link(town, tasks), Link(town, tasks)
    slow.subscribe()
    other.subscribe()
    other.hear()
    for number in range(100):
        town.publish_works("voirie:1", Look(title=f"title {number}"))
        assert other.types() == ["put"]
    assert slow.outlet.unsent() < 6000
    assert slow.waits_for(Phase.SOCKET)
    await turns()
    assert town.hub.counters.lagging == 1
    slow.hear()
    await turns()
    put, caught_up = slow.hear()
    assert put["feature"]["properties"]["title"] == "title 99"
    assert caught_up["cursor"] == "epoch1.100"
    assert slow.waits_for(Phase.LIVE)
    await turns()
    assert town.hub.counters.lagging == 0


async def test_snapshot_waits_for_the_socket(tasks: Work) -> None:
    """A snapshot too large for the socket is frozen and sent bit by bit; live changes wait until its end."""
    town = Town(settings=Stream(high_water_bytes=4000))
    for number in range(300):
        town.put(works_record(f"voirie:{number}", Look()))
    town.publish()
    link, held = Link(town, tasks), Held()
    link.subscribe()
    assert link.waits_for(Phase.SOCKET)
    town.publish_works("voirie:0", Look(title="new"))
    town.publish_removal("voirie:299")
    heard = []
    while link.outlet.unsent() or link.session.waiting:
        heard += link.hear()
        await turns()
    for message in heard:
        held.hear(message)
    types = [type_ for type_, _ in groupby(message["type"] for message in heard)]
    assert types == ["hello", "snapshot", "caught_up", "put", "remove", "caught_up"]
    assert len(held.features) == 299
    assert held.features["works", "voirie:0"]["properties"]["title"] == "new"


async def test_resume_after_subscribing(town: Town, tasks: Work) -> None:
    """A resume is taken first or not at all."""
    held = _holding(town, tasks)
    link = Link(town, tasks)
    link.subscribe()
    link.hear()
    _resume(link, held)
    (error,) = link.hear()
    assert error["code"] == Code.RESUME_LATE.number


async def test_resume_with_one_id_twice(town: Town, tasks: Work) -> None:
    """Two subscriptions of one id are refused, and the client may resume again."""
    held = _holding(town, tasks)
    link = Link(town, tasks)
    twice = [{"id": "home", "area": _EVERYWHERE}] * 2
    _resume(link, held, subscriptions=twice)
    _resume(link, held)
    _, error, caught_up = link.hear()
    assert error["code"] == Code.INVALID.number
    assert caught_up["type"] == "caught_up"
