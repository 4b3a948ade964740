"""What is written in a house while clients listen, and what they should end up with."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.model.change import Kind
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works
from tests.hub.client import FeatureKey
from tests.web.driver import WAIT_S
from tests.web.house import NOW, House

NEAR, FAR = shapely.Point(2.3057, 48.6357), shapely.Point(2.4, 48.7)


async def write(house: House, id_: str, place: BaseGeometry = NEAR, *, description: str = "") -> None:
    """Write one works."""
    given = Works(title=id_, geometry=place, schedule=Schedule(start=NOW), description=description)
    await house.town.desk.submit(works.replace(id_, given, actor="test"))


async def flow(house: House, chance: random.Random) -> None:
    """Write without end: works come, change, leave the area and come back."""
    while True:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(chance.randrange(1, 5)):
                place = NEAR if chance.random() < 0.7 else FAR
                text = "x" * chance.randrange(400)
                tasks.create_task(write(house, f"api:{chance.randrange(40)}", place, description=text))


def served(house: House, *kinds: Kind) -> dict[FeatureKey, Any]:
    """Return what the server has and the public may see."""
    entries = [entry for kind in kinds or Kind for entry in house.town.state.of_kind(kind) if entry.keys.visible]
    return {(e.record.key.kind.value, e.record.key.id): json.loads(e.body) for e in entries}


def served_near(house: House) -> dict[FeatureKey, Any]:
    """Return what of it is at `NEAR`."""
    return {key: feature for key, feature in served(house).items() if feature["geometry"]["coordinates"][0] < 2.35}


async def until(true: Callable[[], object]) -> None:
    """Wait for a condition, with a limit."""
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - what is waited for are counters, which nobody signals
            await asyncio.sleep(0.01)
