"""Edits of zones: a whole new set, one, none."""

from __future__ import annotations

import pytest
from shapely import LineString, Polygon

from geoworks.errors import Invalid, NotFound
from geoworks.model.change import Kind, Reason
from geoworks.model.works import WorksDerived
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.draft import works_key
from geoworks.pipeline.zones import ZoneCounts
from tests.pipeline.house import House, a_zone, put


def standing(house: House) -> list[str]:
    """Return the ids of the zones there are."""
    return [entry.record.key.id for entry in house.state.of_kind(Kind.ZONE)]


async def replace(house: House, **given: Zone) -> ZoneCounts:
    """Replace all zones."""
    return await house.desk.submit(zones.replace_all(given, lambda: standing(house), actor="Ada"))


async def test_a_new_set_adds_changes_and_removes_what_differs(house: House) -> None:
    """Only what differs is written; the counts tell it."""
    assert await replace(house, gare=a_zone(), centre=a_zone(2.32)) == ZoneCounts(added=2)
    counts = await replace(house, gare=a_zone(), centre=a_zone(2.33), stade=a_zone(2.34))
    assert counts == ZoneCounts(added=1, changed=1, unchanged=1)
    assert await replace(house, stade=a_zone(2.34)) == ZoneCounts(unchanged=1, removed=2)
    assert standing(house) == ["stade"]


async def test_the_same_set_twice_writes_nothing(house: House) -> None:
    """Importing a file again leaves the log as it is."""
    await replace(house, gare=a_zone())
    await house.quiet()
    before = house.state.cursor
    assert await replace(house, gare=a_zone()) == ZoneCounts(unchanged=1)
    await house.quiet()
    assert house.state.cursor == before


async def test_works_are_joined_with_the_new_zones(house: House) -> None:
    """Putting a zone gives the works inside their effect, removing it takes the effect away."""
    await house.desk.submit(put("api:1"))
    await house.desk.submit(zones.put("gare", a_zone(), actor="Ada"))
    await house.rejoiner.refresh()
    assert effects(house) == ["gare"]
    await house.desk.submit(zones.remove("gare", actor="Ada"))
    await house.rejoiner.refresh()
    assert effects(house) == []
    assert house.told[-2].reason is Reason.WITHDRAWN


def effects(house: House) -> list[str]:
    """Return the zones that the works has an effect on."""
    entry = house.state.get(works_key("api:1"))
    assert entry is not None
    assert isinstance(entry.record.derived, WorksDerived)
    return [effect.zone for effect in entry.record.derived.effects]


async def test_removing_what_is_not_there_says_so(house: House) -> None:
    """A zone is removed once."""
    with pytest.raises(NotFound):
        await house.desk.submit(zones.remove("gare", actor="Ada"))


def test_zones_that_cannot_be_are_refused_each_with_its_reason() -> None:
    """All faults are told at once: a bad id, an empty name, a line in place of an area."""
    line = LineString([(2.3, 48.6), (2.4, 48.7)])
    with pytest.raises(Invalid) as refused:
        zones.check_zones({"a/b": a_zone(), "b": Zone(name=" ", geometry=line)})
    assert [problem.where for problem in refused.value.problems] == ["id", "b.name", "b.geometry"]


def test_a_zone_gets_its_final_form_or_is_refused() -> None:
    """Coordinates are rounded to 6 decimals; a bow tie is no area."""
    zone = zones.tidy(a_zone(2.300000049), max_vertices=10)
    assert zone.geometry.bounds[0] == 2.3
    bow = Zone(name="Noeud", geometry=Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))
    with pytest.raises(Invalid, match="not valid"):
        zones.tidy(bow, max_vertices=10)
