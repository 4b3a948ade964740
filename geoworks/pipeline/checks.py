"""What a well-formed works must also be to make sense; the same for the API, for corrections and for sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from geoworks.errors import Problem
from geoworks.model.impact import Detour, Impact, Lane, Restriction, RestrictionType, Unit
from geoworks.model.schedule import Schedule, Window
from geoworks.model.windows import minutes_of
from geoworks.model.works import UNSAID_IMPACT, Works

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
_MIDNIGHT = 24 * 60
_FASTEST_KMH = 130
_MOST_LANES = 20
_MOST = {Unit.METRE: 100.0, Unit.TONNE: 500.0}
_UNITS = {
    RestrictionType.REDUCED_WIDTH: Unit.METRE,
    RestrictionType.REDUCED_HEIGHT: Unit.METRE,
    RestrictionType.REDUCED_LENGTH: Unit.METRE,
    RestrictionType.REDUCED_WEIGHT: Unit.TONNE,
    RestrictionType.GROSS_WEIGHT_LIMIT: Unit.TONNE,
    RestrictionType.AXLE_LOAD_LIMIT: Unit.TONNE,
}
MAX_ITEMS = 50
MAX_DAYS = 366
_LENGTHS = {"title": 200, "description": 4000, "text": 1000}
_LENGTH = 200


def check_works(works: Works) -> list[Problem]:
    """Return all that makes no sense in a works, each by its path; its geometry is judged elsewhere."""
    return list(_check_all(works, ""))


def check(value: Struct, where: str) -> Iterator[Problem]:
    """Yield what makes no sense in one struct of the model, not in those it holds; `where` is its path."""
    checks = _CHECKS.get(type(value))
    if checks is not None:
        yield from checks(value, where)


def inner_fields(kind: type[Struct]) -> tuple[str, ...]:
    """Return the fields of a struct that hold structs to check in their turn."""
    return _INNER.get(kind, ())


def path(where: str, name: str) -> str:
    """Return the dotted path of a member."""
    return f"{where}.{name}" if where else name


def max_length(where: str) -> int:
    """Return the most characters that a text may have, by its path."""
    return _LENGTHS.get(where.rpartition(".")[2], _LENGTH)


def unknown_zone(name: str, where: str) -> Problem:
    """Return the problem of a time zone nobody knows, with the name that was probably meant."""
    folded = {zone.casefold(): zone for zone in _zones()}
    # People write the town alone, or the whole name with a slip.
    towns = {zone.rpartition("/")[2]: zone for zone in sorted(folded)}
    wanted = name[:40].casefold().replace(" ", "_")
    close = towns.get(wanted) or next(iter(get_close_matches(wanted, folded, n=1, cutoff=0.6)), None)
    mend = f"did you mean {folded[close]!r}?" if close else "use an IANA name such as Europe/Paris"
    return Problem(where, f"{name[:40]!r} is no time zone", mend)


def is_zone(name: str) -> bool:
    """Return whether this is the name of a time zone."""
    return name in _zones()


def _check_all(value: Any, where: str) -> Iterator[Problem]:  # noqa: ANN401 - any struct of the model
    yield from check(value, where)
    for name in inner_fields(type(value)):
        inner = getattr(value, name)
        if isinstance(inner, tuple):
            for number, item in enumerate(inner):
                yield from _check_all(item, path(where, f"{name}[{number}]"))
        elif inner is not None and inner is not UNSAID_IMPACT:
            yield from _check_all(inner, path(where, name))


def _works(works: Works, where: str) -> Iterator[Problem]:
    if not works.title.strip():
        yield Problem(path(where, "title"), "empty", "say in a few words what is done where")
    for name, most in _WORKS_TEXTS:
        if len(text := getattr(works, name)) > most:
            yield from _text(text, path(where, name))
    if works.road_names:
        yield from _count(works.road_names, path(where, "road_names"))
    for number, road in enumerate(works.road_names):
        yield from _text(road, path(where, f"road_names[{number}]"))
    if works.types_of_work:
        yield from _count(works.types_of_work, path(where, "types_of_work"))
    if works.cancelled_at is not None:
        yield from _moment(works.cancelled_at, path(where, "cancelled_at"))


def _schedule(schedule: Schedule, where: str) -> Iterator[Problem]:
    # Judged before its path is put together: nearly all are as they should be.
    moments = [
        problem
        for name in ("start", "end", "actual_start", "actual_end")
        if _is_unfit(moment := getattr(schedule, name))
        for problem in _moment(moment, f"{where}.{name}")
    ]
    yield from moments or _order(schedule, where)
    if not is_zone(schedule.time_zone):
        yield unknown_zone(schedule.time_zone, f"{where}.time_zone")
    if schedule.windows:
        yield from _count(schedule.windows, f"{where}.windows")


def _order(schedule: Schedule, where: str) -> Iterator[Problem]:
    if schedule.end is not None and schedule.end <= schedule.start:
        mend = "put end after start, or leave it out while it is open"
        yield Problem(f"{where}.end", f"{_iso(schedule.end)} is not after start {_iso(schedule.start)}", mend)
    begun, ended = schedule.actual_start, schedule.actual_end
    if begun is not None and ended is not None and ended < begun:
        mend = "put actual_end after actual_start"
        yield Problem(f"{where}.actual_end", f"{_iso(ended)} is before actual_start {_iso(begun)}", mend)


def _is_unfit(moment: datetime | None) -> bool:
    return moment is not None and (moment.tzinfo is None or not EARLIEST <= moment < LATEST)


def _moment(moment: datetime | None, where: str) -> Iterator[Problem]:
    if moment is None:
        return
    if moment.tzinfo is None:
        yield Problem(where, f"{moment.isoformat()} has no offset", "add one, such as +01:00 or Z")
    elif not EARLIEST <= moment < LATEST:
        mend = f"send a moment from {EARLIEST.year} to {LATEST.year - 1}; leave an open end out"
        yield Problem(where, f"{moment.isoformat()} is out of range", mend)


def _window(window: Window, where: str) -> Iterator[Problem]:
    if not window.days:
        yield Problem(f"{where}.days", "empty", "name at least one day, such as mon")
    if not _is_clock(window.start, _MIDNIGHT - 1):
        yield Problem(f"{where}.from", f"{window.start[:40]!r} is no time of day", "send HH:MM from 00:00 to 23:59")
    if not _is_clock(window.end, _MIDNIGHT):
        yield Problem(f"{where}.to", f"{window.end[:40]!r} is no time of day", "send HH:MM from 00:00 to 24:00")
    yield from _count(window.excluded, f"{where}.except", most=MAX_DAYS)


def _impact(impact: Impact, where: str) -> Iterator[Problem]:
    speed = impact.speed_limit_kmh
    if speed is not None and not 0 < speed <= _FASTEST_KMH:
        yield Problem(f"{where}.speed_limit_kmh", f"{speed} is no speed limit", f"send 1 to {_FASTEST_KMH}")
    yield from _count(impact.restrictions, f"{where}.restrictions")
    yield from _count(impact.exempt, f"{where}.exempt")
    yield from _count(impact.detours, f"{where}.detours")
    yield from _count(impact.lanes, f"{where}.lanes", most=_MOST_LANES)
    orders = [lane.order for lane in impact.lanes]
    for number, order in enumerate(orders):
        if order in orders[:number]:
            yield Problem(f"{where}.lanes[{number}].order", f"{order} came before", "count the lanes 1, 2, ...")


def _lane(lane: Lane, where: str) -> Iterator[Problem]:
    if not 0 < lane.order <= _MOST_LANES:
        mend = "count the lanes 1, 2, ... from the left in the direction of travel"
        yield Problem(f"{where}.order", f"{lane.order} is no place of a lane", mend)
    yield from _count(lane.restrictions, f"{where}.restrictions")


def _detour(detour: Detour, where: str) -> Iterator[Problem]:
    if not detour.text and detour.geometry is None:
        yield Problem(where, "empty", "give a text, a line, or both")
    yield from _text(detour.text, f"{where}.text")


def _restriction(restriction: Restriction, where: str) -> Iterator[Problem]:
    kind, value = restriction.type, restriction.value
    unit = _UNITS.get(kind)
    if value is None and restriction.unit is None:
        return
    if unit is None:
        yield Problem(where, f"{kind.value} takes no value", "leave value and unit out")
        return
    if restriction.unit is not unit:
        yield Problem(f"{where}.unit", f"{kind.value} is told in {unit.value}", f'send "unit": "{unit.value}"')
    if value is not None and not 0 < value <= _MOST[unit]:
        yield Problem(f"{where}.value", f"{value} is out of range", f"send more than 0, at most {_MOST[unit]:g}")


_WORKS_TEXTS = tuple(
    (name, max_length(name)) for name in ("title", "description", "reference", "promoter", "road_authority", "project")
)

_CHECKS: Mapping[type[Struct], Callable[[Any, str], Iterator[Problem]]] = {
    Works: _works,
    Schedule: _schedule,
    Window: _window,
    Impact: _impact,
    Lane: _lane,
    Detour: _detour,
    Restriction: _restriction,
}


_INNER: Mapping[type[Struct], tuple[str, ...]] = {
    Works: ("schedule", "impact"),
    Schedule: ("windows", "paused_impact"),
    Window: ("impact",),
    Impact: ("restrictions", "lanes", "detours"),
    Lane: ("restrictions",),
}


def _text(text: str, where: str) -> Iterator[Problem]:
    if text and len(text) > (most := max_length(where)):
        yield Problem(where, f"{len(text)} characters", f"shorten it to at most {most}")


def _count(items: Sized, where: str, *, most: int = MAX_ITEMS) -> Iterator[Problem]:
    if len(items) > most:
        yield Problem(where, f"{len(items)} items", f"send at most {most}")


def _is_clock(clock: str, latest: int) -> bool:
    try:
        return minutes_of(clock) <= latest
    except ValueError:
        return False


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
