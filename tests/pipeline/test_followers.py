"""What follows by itself: the clock's changes, zone levels, joins after zones change, links of reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from shapely import Point

from geoworks.clock import ManualClock
from geoworks.model.change import Kind, Reason
from geoworks.model.impact import VehicleImpact
from geoworks.model.report import Report, ReportDerived
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Status, WorksDerived
from geoworks.model.zone import Level, ZoneDerived
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, report_key, works_key, zone_key
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import NOON, House, a_works, a_zone, open_house, put, put_zone


def works_derived(house: House, id_: str) -> WorksDerived:
    """Return what was derived for a works."""
    entry = house.state.get(works_key(id_))
    assert entry is not None
    assert isinstance(entry.record.derived, WorksDerived)
    return entry.record.derived


def level(house: House, id_: str = "gare") -> ZoneDerived:
    """Return what was derived for a zone."""
    entry = house.state.get(zone_key(id_))
    assert entry is not None
    assert isinstance(entry.record.derived, ZoneDerived)
    return entry.record.derived


def put_report(id_: str, lon: float, lat: float) -> Edit[None]:
    """Return an edit that writes a report."""

    def edit(draft: Draft) -> None:
        draft.put(report_key(id_), Report(category="chaussee", geometry=Point(lon, lat)), reason=Reason.CREATED)

    return edit


def night_works(*, start: datetime, end: datetime) -> Schedule:
    """Return the schedule of works from 21:00 to 05:30 every night, Paris time."""
    return Schedule(start=start, end=end, windows=(Window(days=tuple(Day), start="21:00", end="05:30"),))


async def test_works_begin_and_end_with_the_clock(house: House) -> None:
    """Planned, begun, ended: each is a change with its reason, and no version of the given fields."""
    hour = timedelta(hours=1)
    await house.desk.submit(put("api:1", a_works(start=NOON + hour, end=NOON + 3 * hour)))
    seen = [works_derived(house, "api:1").status]
    for _ in range(3):
        await house.advance(hour)
        seen.append(works_derived(house, "api:1").status)
    assert seen == [Status.PLANNED, Status.ACTIVE, Status.ACTIVE, Status.COMPLETED]
    assert [change.reason for change in house.told] == [Reason.UPDATED, Reason.BEGUN, Reason.ENDED]
    assert {change.version for change in house.told} == {1}


async def test_night_works_pause_by_day_across_both_daylight_saving_nights(tmp_path: Path) -> None:
    """Local hours stay what they are when the clocks change, in March and in October."""
    for night, begins, pauses in (
        ((2026, 3, 28), (20, 0), (3, 30)),  # 21:00 is 20:00Z in winter; 05:30 is 03:30Z in summer time
        ((2026, 10, 24), (19, 0), (4, 30)),
    ):
        noon = datetime(*night, 12, tzinfo=UTC)
        clock = ManualClock(noon)
        async with open_house(SqliteStore(tmp_path / str(night[1]), clock=clock), clock) as house:
            schedule = night_works(start=noon - timedelta(days=9), end=noon + timedelta(days=9))
            await house.desk.submit(put("api:1", a_works(schedule=schedule)))
            assert works_derived(house, "api:1").status is Status.PAUSED
            evening = noon.replace(hour=begins[0], minute=begins[1])
            morning = noon.replace(hour=pauses[0], minute=pauses[1]) + timedelta(days=1)
            assert works_derived(house, "api:1").next_transition == evening
            await house.advance(evening - noon)
            assert works_derived(house, "api:1").status is Status.ACTIVE
            assert works_derived(house, "api:1").next_transition == morning
            await house.advance(morning - evening)
            assert works_derived(house, "api:1").status is Status.PAUSED
            assert [change.reason for change in house.told] == [Reason.UPDATED, Reason.RESUMED, Reason.PAUSED]


async def test_a_restart_catches_up_with_what_passed(tmp_path: Path, clock: ManualClock) -> None:
    """Works that ended while nothing ran are told as ended at start-up."""
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as house:
        await house.desk.submit(put("api:1", a_works(end=NOON + timedelta(hours=1))))
    clock.advance(timedelta(days=1))
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as again:
        assert works_derived(again, "api:1").status is Status.COMPLETED
        assert [change.reason for change in again.told] == [Reason.ENDED]


async def test_a_zone_follows_the_works_in_it(house: House) -> None:
    """The level rises when works begin, names them, and falls when they end."""
    await house.desk.submit(put_zone("gare", a_zone()))
    await house.rejoiner.refresh()
    hour = timedelta(hours=1)
    works = a_works(start=NOON + hour, end=NOON + 2 * hour, impact=VehicleImpact.ALL_LANES_CLOSED)
    await house.desk.submit(put("api:1", works))
    await house.quiet()
    assert level(house).level is Level.FREE
    await house.advance(hour)
    assert level(house) == ZoneDerived(Level.DISTURBED, ("api:1",))
    await house.advance(hour)
    assert level(house) == ZoneDerived()


async def test_changing_zones_joins_all_again(house: House) -> None:
    """Works written before their zone know it after, and forget it when it moves away."""
    await house.desk.submit(put("api:1"))
    assert works_derived(house, "api:1").effects == ()
    await house.desk.submit(put_zone("gare", a_zone()))
    await house.rejoiner.refresh()
    assert [effect.zone for effect in works_derived(house, "api:1").effects] == ["gare"]
    await house.desk.submit(put_zone("gare", a_zone(west=2.5)))
    await house.rejoiner.refresh()
    assert works_derived(house, "api:1").effects == ()


async def test_zones_that_change_wake_the_rejoiner(house: House) -> None:
    """A zone written through the desk has everything joined again without being asked."""
    await house.desk.submit(put("api:1"))
    assert not house.rejoiner.stale
    await house.desk.submit(put_zone("gare", a_zone()))
    assert house.rejoiner.stale


async def test_reports_are_linked_to_works_around_them(house: House) -> None:
    """A report knows the works beside it, whichever came first, and forgets them when they end."""
    await house.desk.submit(put_report("r1", 2.3025, 48.6351))
    await house.desk.submit(put_report("far", 2.33, 48.6351))
    await house.desk.submit(put("api:1", a_works(end=NOON + timedelta(hours=1))))
    await house.quiet()
    entry, far = house.state.get(report_key("r1")), house.state.get(report_key("far"))
    assert entry is not None
    assert far is not None
    assert entry.record.derived == ReportDerived((), ("api:1",))
    assert far.record.derived == ReportDerived()
    await house.advance(timedelta(hours=1))
    entry = house.state.get(report_key("r1"))
    assert entry is not None
    assert entry.record.derived == ReportDerived()


async def test_no_zones_is_a_town_too(house: House) -> None:
    """Without zones everything works and effects are empty."""
    await house.desk.submit(put("api:1"))
    assert house.state.count(Kind.ZONE) == 0
    assert works_derived(house, "api:1").effects == ()
