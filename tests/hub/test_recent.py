"""What clients a little behind are due, found by bounds and kept for those who ask the same."""

from __future__ import annotations

import json
import random

import pytest
import shapely

from geoworks.hub import messages
from geoworks.hub.recent import Recent
from geoworks.hub.replay import CatchUp, Due, Replay
from geoworks.hub.subscriptions import Subscriptions
from tests.hub.town import NOON, Look, Town

_AREAS = (
    {"everywhere": True},
    {"bbox": [2.30, 48.60, 2.31, 48.61]},
    {"circle": {"center": [2.305, 48.605], "radius_m": 600}},
    {"route": {"line": {"type": "LineString", "coordinates": [[2.30, 48.60], [2.32, 48.62]]}, "corridor_m": 50}},
    {"zones": ["gare"]},
)


@pytest.mark.parametrize("area", _AREAS, ids=lambda area: next(iter(area)))
@pytest.mark.parametrize("behind", [3, 40, 200])
async def test_bounds_leave_nothing_out(area: dict[str, object], behind: int) -> None:
    """What is due by bounds is what looking at every change gives, also after the next change."""
    town, chance = Town(), random.Random(behind)
    replay = Replay(town.log, town.state.cursor.offset, tail=1000)
    recent = Recent(town.state, replay)
    asked = _asking(area)
    for _ in range(3):
        for _ in range(210):
            _change_something(town, chance)
            replay.tail.append(town.log.entries[-1])
        after = town.state.cursor.offset - behind
        expected = _by_all(town, asked, after)
        assert recent.due(after, asked, NOON) == expected
        assert recent.due(after, asked, NOON) == expected
    assert expected or behind == 3


def _change_something(town: Town, chance: random.Random) -> None:
    place = shapely.Point(2.30 + chance.randrange(30) / 1000, 48.60 + chance.randrange(30) / 1000)
    zones = ("gare",) if chance.random() < 0.2 else ()
    town.publish_works(f"{chance.randrange(60)}", Look(place=place, draft=chance.random() < 0.2, zones=zones))


def _by_all(town: Town, asked: Subscriptions, after: int) -> list[Due]:
    read = CatchUp(lambda key, keys: asked.test(key, keys, NOON))
    read.add(change for change in town.log.entries if change.offset > after)
    return list(read.due(town.state))


def _asking(area: dict[str, object]) -> Subscriptions:
    wanted = messages.decode(json.dumps({"type": "subscribe", "id": "all", "area": area}))
    assert isinstance(wanted, messages.Subscribe)
    asked = Subscriptions()
    asked.add(wanted, most=1)
    return asked
