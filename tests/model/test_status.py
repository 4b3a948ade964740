"""Status, impact in force and severity at single moments, by the sentences of the design."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from shapely import Point

from geoworks.model.impact import Impact, ParkingState, VehicleImpact
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.severity import Severity
from geoworks.model.status import derive, end_unconfirmed, impact_in_force, next_transition, status_at
from geoworks.model.works import Status, Works
from tests.model import strategies

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLOSED = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
SHIFTED = Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN_SHIFT_LEFT)
NIGHTS = Window(tuple(Day), "21:00", "06:00")


def works_on(schedule: Schedule, *, impact: Impact = SHIFTED, cancelled_at: datetime | None = None) -> Works:
    """Return a works with a schedule."""
    return Works(
        title="Eaux usées", geometry=Point(2.3, 48.6), schedule=schedule, impact=impact, cancelled_at=cancelled_at
    )


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(NOON + HOUR), Status.PLANNED),
        (Schedule(NOON), Status.ACTIVE),
        (Schedule(NOON - HOUR, NOON + HOUR), Status.ACTIVE),
        (Schedule(NOON - HOUR, NOON), Status.COMPLETED),
        (Schedule(NOON + HOUR, actual_start=NOON - HOUR), Status.ACTIVE),
        (Schedule(NOON - HOUR, actual_start=NOON + HOUR), Status.PLANNED),
        (Schedule(NOON - HOUR, NOON + HOUR, actual_end=NOON), Status.COMPLETED),
        (Schedule(NOON - HOUR * 2, NOON - HOUR, actual_end=NOON + HOUR), Status.ACTIVE),
        (Schedule(NOON + HOUR, actual_end=NOON), Status.COMPLETED),
        (Schedule(NOON - HOUR, windows=(NIGHTS,)), Status.PAUSED),
    ],
)
def test_status_follows_from_schedule_and_clock(schedule: Schedule, expected: Status) -> None:
    """Half-open, the actual dates before the proposed, paused between windows."""
    assert status_at(works_on(schedule), NOON) is expected


@pytest.mark.parametrize(
    "schedule", [Schedule(NOON + HOUR), Schedule(NOON - HOUR), Schedule(NOON - HOUR * 2, NOON - HOUR)]
)
def test_cancelled_comes_before_everything_from_its_moment_on(schedule: Schedule) -> None:
    """A works is cancelled from `cancelled_at` on, whatever the schedule says, and not before."""
    works = works_on(schedule, cancelled_at=NOON)
    assert status_at(works, NOON) is Status.CANCELLED
    assert status_at(works, NOON - HOUR / 2) is not Status.CANCELLED


def test_an_open_end_never_comes() -> None:
    """Without an end a works is on for good."""
    assert status_at(works_on(Schedule(NOON)), NOON + timedelta(days=36500)) is Status.ACTIVE


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(NOON - HOUR, NOON), True),
        (Schedule(NOON - HOUR, NOON, end_verified=True), False),
        (Schedule(NOON - HOUR * 2, NOON, actual_end=NOON - HOUR), False),
        (Schedule(NOON - HOUR, NOON + HOUR), False),
    ],
)
def test_an_end_that_nobody_verified_is_not_confirmed(schedule: Schedule, *, expected: bool) -> None:
    """Only a works that is completed by its planned end alone has an unconfirmed end."""
    assert end_unconfirmed(works_on(schedule), NOON) is expected


def test_a_cancelled_works_has_no_end_to_confirm() -> None:
    """Cancelled is not completed."""
    assert not end_unconfirmed(works_on(Schedule(NOON - HOUR, NOON), cancelled_at=NOON), NOON)


def test_a_window_has_its_own_impact() -> None:
    """While a window with its own impact is on, that is in force in place of the general one."""
    works = works_on(Schedule(NOON - 24 * HOUR, windows=(Window(tuple(Day), "13:00", "15:00", impact=CLOSED), NIGHTS)))
    assert impact_in_force(works, NOON) == CLOSED
    assert impact_in_force(works, NOON + 10 * HOUR) == SHIFTED


def test_what_remains_in_pauses_is_told_apart() -> None:
    """While paused the paused impact is in force, and nothing when there is none; before and after nothing is."""
    remains = Impact(VehicleImpact.ALL_LANES_OPEN, parking=ParkingState.SUSPENDED)
    schedule = Schedule(NOON - HOUR, NOON + HOUR, windows=(NIGHTS,))
    assert impact_in_force(works_on(schedule), NOON) is None
    assert impact_in_force(works_on(structs.replace(schedule, paused_impact=remains)), NOON) == remains
    assert impact_in_force(works_on(schedule), NOON - 2 * HOUR) is None
    assert impact_in_force(works_on(schedule), NOON + 2 * HOUR) is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON - 48 * HOUR, (Status.PLANNED, Severity.BLOCKED)),
        (NOON, (Status.PAUSED, Severity.BLOCKED)),
        (NOON + 8 * HOUR, (Status.ACTIVE, Severity.BLOCKED)),
        (NOON + 96 * HOUR, (Status.COMPLETED, Severity.LOW)),
    ],
)
def test_severity_is_that_of_the_impact_in_force_or_of_the_worst_to_come(
    at: datetime, expected: tuple[Status, Severity]
) -> None:
    """Planned and paused works announce their worst impact, ended ones keep the general one."""
    night = structs.replace(NIGHTS, impact=CLOSED)
    works = works_on(Schedule(NOON - 24 * HOUR, NOON + 72 * HOUR, windows=(night,)))
    assert derive(works, at)[:2] == expected


def test_an_active_works_is_as_severe_as_the_window_that_is_on() -> None:
    """By day the general impact counts, though the nights are worse."""
    day = Window(tuple(Day), "08:00", "17:00")
    works = works_on(Schedule(NOON - 24 * HOUR, windows=(day, structs.replace(NIGHTS, impact=CLOSED))))
    assert derive(works, NOON)[:2] == (Status.ACTIVE, Severity.LOW)


def test_the_next_transition_of_a_planned_works_may_be_its_cancelling() -> None:
    """What comes first of start and cancelling is next; of a cancelled works nothing is."""
    works = works_on(Schedule(NOON + 2 * HOUR), cancelled_at=NOON + HOUR)
    assert next_transition(works, NOON) == NOON + HOUR
    assert next_transition(works, NOON + HOUR) is None


@given(strategies.works, strategies.moments)
def test_derive_says_what_its_parts_say(works: Works, at: datetime) -> None:
    """Status and transition of `derive` are those of the single functions, and the transition lies ahead."""
    status, _, transition = derive(works, at)
    assert status is status_at(works, at)
    assert transition == next_transition(works, at)
    assert transition is None or transition > at


@given(strategies.works, st.data())
def test_nothing_changes_before_the_next_transition_and_something_does_at_it(works: Works, data: st.DataObject) -> None:
    """Between now and the transition every moment is as now; at the transition it is not."""
    begin = works.schedule.start
    at = data.draw(st.integers(-100, 100_000).map(lambda minutes: begin + timedelta(minutes=minutes)))
    transition = next_transition(works, at)
    horizon = transition or at + timedelta(days=400)
    between = data.draw(st.floats(0, 1, exclude_max=True)) * (horizon - at) + at
    now = (status_at(works, at), impact_in_force(works, at))
    if between < horizon:
        assert (status_at(works, between), impact_in_force(works, between)) == now
    if transition is not None:
        assert (status_at(works, transition), impact_in_force(works, transition)) != now
