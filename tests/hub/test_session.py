"""The conversation with one client, on a socket in memory."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Any

import msgspec
import pytest
import shapely

from geoworks.config.settings import Stream
from geoworks.errors import StoreError
from geoworks.hub.codes import Code
from geoworks.hub.session import Phase
from geoworks.model.change import Key, Kind, Reason
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from geoworks.model.zone import Level
from tests.hub.client import Held, Message, Work
from tests.hub.link import Link
from tests.hub.town import Look, Town, report_record, works_record, zone_record

_EVERYWHERE = {"everywhere": True}
_FAR = shapely.Point(3.0, 49.0)
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


async def test_hello_comes_first(town: Town, tasks: Work) -> None:
    """The server greets with its protocol, where the log stands and how often it gives a sign of life."""
    assert Link(town, tasks).hear() == [
        {"type": "hello", "protocol": "geoworks.v1", "epoch": "epoch1", "cursor": "epoch1.2", "heartbeat_s": 25.0}
    ]


async def test_snapshot_then_live(town: Town, tasks: Work) -> None:
    """A subscription is answered by a snapshot and caught_up; changes follow with their cursors."""
    link = Link(town, tasks)
    link.subscribe()
    _, snapshot, caught_up = link.hear()
    assert (snapshot["id"], snapshot["last"], _ids(snapshot)) == ("home", True, ["voirie:1", "r1"])
    assert (caught_up["id"], caught_up["cursor"]) == ("home", "epoch1.2")
    town.publish_works("voirie:2")
    town.publish_removal("voirie:1")
    put, remove = link.hear()
    assert (put["type"], put["cursor"], put["feature"]["id"]) == ("put", "epoch1.3", "voirie:2")
    assert remove == {
        "type": "remove", "cursor": "epoch1.4", "kind": "works", "id": "voirie:1", "reason": "withdrawn",
    }  # fmt: skip


async def test_empty_snapshot(tasks: Work) -> None:
    """A subscription that matches nothing is told so by one empty chunk."""
    link = Link(Town(), tasks)
    link.subscribe()
    _, snapshot, _ = link.hear()
    assert (snapshot["last"], snapshot["features"]) == (True, [])


async def test_large_snapshot_comes_in_chunks(tasks: Work) -> None:
    """A large snapshot comes in chunks, each feature once, the last one marked."""
    town = Town()
    for number in range(250):
        town.put(works_record(f"voirie:{number}", Look()))
    town.publish()
    link = Link(town, tasks)
    link.subscribe()
    chunks = [message for message in link.hear() if message["type"] == "snapshot"]
    assert [chunk["last"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert len(chunks) > 2
    assert sorted(id_ for chunk in chunks for id_ in _ids(chunk)) == sorted(f"voirie:{n}" for n in range(250))


@pytest.mark.parametrize(
    ("look", "reason", "told"),
    [
        (Look(place=_FAR), Reason.UPDATED, "moved-out"),
        (Look(severity=Severity.LOW), Reason.UPDATED, "moved-out"),
        (Look(draft=True), Reason.UPDATED, "hidden"),
        (Look(status=Status.COMPLETED), Reason.ENDED, "ended"),
        (Look(status=Status.CANCELLED), Reason.CANCELLED, "cancelled"),
    ],
)
async def test_removal_tells_why(town: Town, tasks: Work, look: Look, reason: Reason, told: str) -> None:
    """What leaves the area, gets too small, ends, is cancelled or hidden comes as a removal with its reason."""
    link = Link(town, tasks)
    link.subscribe(area=_NEAR_GARE, min_severity="medium")
    link.hear()
    town.put(works_record("voirie:1", look), reason=reason)
    town.publish()
    (remove,) = link.hear()
    assert (remove["type"], remove["id"], remove["reason"]) == ("remove", "voirie:1", told)


async def test_change_that_matches_twice_comes_once(town: Town, tasks: Work) -> None:
    """A change comes once however many subscriptions match, and leaves only when none matches any more."""
    link = Link(town, tasks)
    link.subscribe("a")
    link.subscribe("b", _NEAR_GARE)
    link.hear()
    town.publish_works("voirie:1", Look(title="x"))
    assert link.types() == ["put"]
    town.publish_works("voirie:1", Look(place=_FAR))
    assert link.types() == ["put"]
    town.publish_removal("voirie:1")
    assert link.types() == ["remove"]


async def test_unsubscribe_removes_what_no_other_asks_for(town: Town, tasks: Work) -> None:
    """After unsubscribing, what nothing else asks for is removed, without a place in the log, and comes no more."""
    town.publish_works("voirie:2", Look(place=_FAR))
    link = Link(town, tasks)
    link.subscribe("a")
    link.subscribe("b", _NEAR_GARE)
    link.hear()
    link.send("unsubscribe", id="a")
    remove, caught_up = link.hear()
    assert (remove["id"], remove["cursor"], remove["reason"]) == ("voirie:2", None, "moved-out")
    assert caught_up["id"] == "a"
    town.publish_works("voirie:3", Look(place=_FAR))
    assert link.hear() == []


async def test_subscription_under_an_old_name(town: Town, tasks: Work) -> None:
    """An id in use is replaced: what only the old question matched is removed, the new one gets its snapshot."""
    town.publish_works("voirie:2", Look(place=_FAR))
    link = Link(town, tasks)
    link.subscribe("view")
    link.hear()
    link.subscribe("view", _NEAR_GARE, kinds=["works"])
    *removes, snapshot, caught_up = link.hear()
    assert sorted(remove["id"] for remove in removes) == ["r1", "voirie:2"]
    assert _ids(snapshot) == ["voirie:1"]
    assert caught_up["id"] == "view"


async def test_zones_and_reports_are_features_too(town: Town, tasks: Work) -> None:
    """A subscription to a zone gets the zone, its level, and what has an effect in it."""
    square = shapely.box(2.30, 48.63, 2.31, 48.64)
    town.put(zone_record("gare", square))
    town.put(zone_record("nord", square))
    town.put(works_record("voirie:2", Look(zones=("gare",))))
    town.publish()
    link = Link(town, tasks)
    link.subscribe(area={"zones": ["gare"]})
    assert sorted(_ids(link.hear()[1])) == ["gare", "voirie:2"]
    town.put(zone_record("gare", square, level=Level.HEAVY))
    town.put(zone_record("nord", square, level=Level.HEAVY))
    town.publish()
    (put,) = link.hear()
    assert put["feature"]["properties"]["level"] == "heavy"


async def test_drafts_are_never_told(town: Town, tasks: Work) -> None:
    """A draft is in no snapshot and no change."""
    town.publish_works("voirie:1", Look(draft=True))
    link = Link(town, tasks)
    link.subscribe(kinds=["works"])
    assert _ids(link.hear()[1]) == []
    town.publish_works("voirie:2", Look(draft=True))
    town.publish_removal("voirie:2")
    assert link.hear() == []


async def test_who_joins_in_a_pause_hears_nothing_twice(town: Town, tasks: Work) -> None:
    """A change that waits to be joined with the next is not sent again to one whose snapshot already has it."""
    first, second = Link(town, tasks), Link(town, tasks)
    first.subscribe()
    first.hear()
    town.publish_works("voirie:2")
    town.publish_works("voirie:3")
    second.subscribe()
    assert second.types() == ["hello", "snapshot", "caught_up"]
    assert [message["cursor"] for message in first.hear()] == ["epoch1.3", "epoch1.4"]


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


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


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
    await _turns()
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
    await _turns()
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
    await _turns()
    assert town.hub.counters.lagging == 1
    slow.hear()
    await _turns()
    put, caught_up = slow.hear()
    assert put["feature"]["properties"]["title"] == "title 99"
    assert caught_up["cursor"] == "epoch1.100"
    assert slow.waits_for(Phase.LIVE)
    await _turns()
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
        await _turns()
    for message in heard:
        held.hear(message)
    types = [type_ for type_, _ in groupby(message["type"] for message in heard)]
    assert types == ["hello", "snapshot", "caught_up", "put", "remove", "caught_up"]
    assert len(held.features) == 299
    assert held.features["works", "voirie:0"]["properties"]["title"] == "new"


async def test_ping(town: Town, tasks: Work) -> None:
    """A ping is answered by a pong, before and after subscribing."""
    link = Link(town, tasks)
    link.send("ping")
    link.subscribe()
    link.send("ping")
    assert link.types() == ["hello", "pong", "snapshot", "caught_up", "pong"]


async def test_too_many_subscriptions(tasks: Work) -> None:
    """Of 200 subscriptions the first 128 are served, the others refused; the connection goes on."""
    link = Link(Town(settings=Stream(messages_burst=200)), tasks)
    for number in range(200):
        link.subscribe(f"s{number}", {"zones": ["gare"]})
    errors = [message for message in link.hear() if message["type"] == "error"]
    assert {error["code"] for error in errors} == {Code.TOO_MANY_SUBSCRIPTIONS.number}
    assert [error["id"] for error in errors] == [f"s{number}" for number in range(128, 200)]
    assert len(link.session.subscriptions) == 128


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "unsubscribe", "id": "x"}, Code.UNKNOWN_SUBSCRIPTION),
        ({"type": "subscribe", "id": "x", "area": {}}, Code.AREA),
        ({"type": "resume", "since": "?", "filters": "", "subscriptions": [{"id": "x", "area": {}}]}, Code.CURSOR),
        ({"type": "nonsense"}, Code.UNKNOWN_TYPE),
    ],
)
async def test_error_leaves_the_connection_open(town: Town, tasks: Work, message: Message, code: Code) -> None:
    """A message that cannot be taken is answered by an error; the next one is served."""
    link = Link(town, tasks)
    link.session.receive(msgspec.json.encode(message).decode())
    link.subscribe()
    _, error, *rest = link.hear()
    assert (error["type"], error["code"], error["temporary"]) == ("error", code.number, False)
    assert [message["type"] for message in rest] == ["snapshot", "caught_up"]


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


async def test_frame_too_large(town: Town, tasks: Work) -> None:
    """A frame of 33 KiB is answered by an error that says how to mend it, and a close."""
    link = Link(town, tasks)
    link.session.receive(" " * 33 * 1024)
    assert link.hear()[1]["code"] == 1009
    assert link.outlet.closed is not None
    assert link.outlet.closed[0] == 1009


async def test_binary_frame(town: Town, tasks: Work) -> None:
    """A binary frame closes the connection."""
    link = Link(town, tasks)
    link.session.receive_binary()
    assert link.outlet.closed == (1003, "binary frames are not taken; send JSON in text frames")


async def test_client_that_sends_nothing_but_errors(town: Town, tasks: Work) -> None:
    """Who goes on sending what cannot be taken is shown out."""
    link = Link(town, tasks)
    for _ in range(110):
        link.session.receive("?")
    assert link.types() == ["hello"] + ["error"] * 100
    assert link.outlet.closed is not None
    assert link.outlet.closed[0] == Code.TOO_MANY_ERRORS.number


async def test_messages_that_pile_up(tasks: Work) -> None:
    """While a client does not read, only so many of its messages wait; the others are dropped."""
    town = Town(settings=Stream(high_water_bytes=600, subscriptions=4))
    town.publish_works("voirie:1")
    link = Link(town, tasks)
    link.subscribe("a")
    assert link.waits_for(Phase.SOCKET)
    for number in range(10):
        link.subscribe(f"b{number}")
    assert link.waits_for(Phase.SOCKET)
    while link.outlet.unsent() or link.session.waiting:
        link.hear()
        await _turns()
    assert len(link.session.subscriptions) == 4


async def test_silent_client(town: Town, tasks: Work) -> None:
    """Who sends no message in time is shown out; who does may stay."""
    now = asyncio.get_running_loop().time()
    silent, speaking = Link(town, tasks), Link(town, tasks)
    speaking.send("ping")
    for link in (silent, speaking):
        link.session.tick(now + 11)
    assert silent.outlet.closed is not None
    assert silent.outlet.closed[0] == Code.SILENT.number
    assert speaking.outlet.closed is None


async def test_dead_client(town: Town, tasks: Work) -> None:
    """Who answers no ping within 8 seconds is cut; a sign of life saves."""
    now = asyncio.get_running_loop().time()
    dead, alive = Link(town, tasks), Link(town, tasks)
    for link in (dead, alive):
        link.subscribe()
        link.hear()
        link.session.beat(b"", now=now)
    alive.session.hear()
    for link in (dead, alive):
        link.session.tick(now + 9)
    assert dead.outlet.aborted
    assert not alive.outlet.aborted
    assert town.hub.counters.aborted == 1


async def test_stuck_client(tasks: Work) -> None:
    """Who takes nothing for 30 seconds is cut; who takes a little may stay."""
    town = Town(settings=Stream(high_water_bytes=1))
    town.publish_works("voirie:1")
    stuck, slow = Link(town, tasks), Link(town, tasks)
    now = asyncio.get_running_loop().time()
    for link in (stuck, slow):
        link.subscribe()
    for second in range(0, 70, 10):
        stuck.session.tick(now + second)
        slow.session.tick(now + second)
        del slow.outlet.buffer[:1]
    assert stuck.outlet.aborted
    assert not slow.outlet.aborted


async def test_change_of_a_gone_feature(town: Town, tasks: Work) -> None:
    """A removal nobody saw the feature of is told to nobody."""
    town.publish_works("voirie:2", Look(status=Status.COMPLETED))
    link = Link(town, tasks)
    link.subscribe()
    link.hear()
    town.remove(Key(Kind.WORKS, "voirie:2"))
    town.publish()
    assert link.hear() == []
