"""Conflicts of works in space and time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import structs
from shapely import LineString

from geoworks.model.impact import Detour, Impact
from geoworks.model.works import Visibility, Works
from geoworks.pipeline.conflicts import ConflictKind, Found, find_conflicts
from geoworks.pipeline.draft import works_key
from tests.pipeline.house import NOON, House, a_works, put

METRE_DEG = 1 / 111_200  # of latitude


def with_detour(works: Works, *positions: tuple[float, float]) -> Works:
    """Return the works with a signed detour."""
    return structs.replace(works, impact=Impact(detours=(Detour(geometry=LineString(positions)),)))


async def conflicts(house: House, *works: Works) -> list[Found]:
    """Write works api:0, api:1... and return the conflicts of the first."""
    for number, one in enumerate(works):
        await house.desk.submit(put(f"api:{number}", one))
    entry = house.state.get(works_key("api:0"))
    assert entry is not None
    return find_conflicts(house.state, entry.record, now=house.clock.now())


@pytest.mark.parametrize(("metres", "expected"), [(0, 1), (4, 1), (6, 0), (500, 0)])
async def test_works_within_a_few_metres_overlap(house: House, metres: float, expected: int) -> None:
    """Works on the two kerbs of a street are in each other's way, those of the next street are not."""
    found = await conflicts(house, a_works(), a_works(at=(2.302, 48.635 + metres * METRE_DEG)))
    assert [conflict.works for conflict in found] == ["api:1"] * expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOON, NOON + timedelta(hours=1), 1),
        (NOON + timedelta(days=1), None, 0),  # begins the moment the first ends: half-open
        (NOON + timedelta(hours=23), None, 1),
        (NOON - timedelta(days=9), NOON - timedelta(days=1), 0),
    ],
)
async def test_works_conflict_only_while_both_are_on(
    house: House, start: datetime, end: datetime | None, expected: int
) -> None:
    """One that begins when the other ends is no conflict; an open end always is."""
    found = await conflicts(house, a_works(), a_works(start=start, end=end))
    assert len(found) == expected


async def test_a_conflict_tells_its_time_and_draft(house: House) -> None:
    """The conflict lasts as long as both are on; drafts take part and are marked."""
    draft = structs.replace(a_works(title="Gaz", start=NOON, end=None), visibility=Visibility.DRAFT)
    (found,) = await conflicts(house, a_works(), draft)
    until = NOON + timedelta(days=1)
    assert found == Found("api:1", "Gaz", ConflictKind.OVERLAP, NOON, until, draft=True)


async def test_works_on_a_detour_conflict_both_ways(house: House) -> None:
    """Both sides see it: who stands on the detour, and whose detour leads through."""
    detour = (2.302, 48.640), (2.306, 48.640)
    diverted = with_detour(a_works(), *detour)
    on_it = a_works(at=(2.303, 48.640))
    assert [found.kind for found in await conflicts(house, diverted, on_it)] == [ConflictKind.ON_ITS_DETOUR]
    entry = house.state.get(works_key("api:1"))
    assert entry is not None
    (found,) = find_conflicts(house.state, entry.record, now=NOON)
    assert (found.works, found.kind) == ("api:0", ConflictKind.ITS_DETOUR_HERE)


async def test_what_is_over_conflicts_with_nothing(house: House) -> None:
    """Cancelled works are in nobody's way, and nobody is in theirs."""
    cancelled = structs.replace(a_works(), cancelled_at=NOON - timedelta(hours=1))
    assert await conflicts(house, a_works(), cancelled) == []
    assert await conflicts(house, cancelled, a_works()) == []


async def test_a_works_alone_has_no_conflicts(house: House) -> None:
    """Not even with itself or its own detour."""
    own = with_detour(a_works(), (2.302, 48.635), (2.302, 48.640))
    assert await conflicts(house, own) == []
