"""The conversation with one client, on a socket in memory."""

from __future__ import annotations

import pytest
import shapely

from geoworks.model.change import Key, Kind, Reason
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from geoworks.model.zone import Level
from tests.hub.client import Message, Work
from tests.hub.link import Link
from tests.hub.town import Look, Town, report_record, works_record, zone_record

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


async def test_change_of_a_gone_feature(town: Town, tasks: Work) -> None:
    """A removal nobody saw the feature of is told to nobody."""
    town.publish_works("voirie:2", Look(status=Status.COMPLETED))
    link = Link(town, tasks)
    link.subscribe()
    link.hear()
    town.remove(Key(Kind.WORKS, "voirie:2"))
    town.publish()
    assert link.hear() == []
