"""Questions that move, against looking at every one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geoworks.geo.types import Box
from geoworks.hub.areas import Around
from geoworks.hub.places import AroundPlace
from geoworks.hub.question import Question
from geoworks.hub.singles import Singles
from geoworks.model.change import Kind
from geoworks.model.severity import Severity

_PLACES = st.tuples(st.floats(2.3, 2.33), st.floats(48.6, 48.62))
_MOVES = st.tuples(st.floats(-0.002, 0.002), st.floats(-0.001, 0.001))
# Who does what: comes to a place, goes on a little, or goes.
_STEPS = st.tuples(st.integers(0, 4), st.one_of(_PLACES, _MOVES, st.none()))


def _question(at: tuple[float, float]) -> Question:
    return Question(Around(400.0, (at,)), (Kind.WORKS,), Severity.NONE)


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


@given(steps=st.lists(_STEPS, max_size=40), asked=st.lists(_PLACES, min_size=1, max_size=3))
def test_whoever_is_met_is_found(
    steps: list[tuple[int, tuple[float, float] | None]], asked: list[tuple[float, float]]
) -> None:
    """After any drives each question whose box is met is found, once, and none that has gone."""
    singles = Singles()
    places: dict[int, tuple[float, float]] = {}
    for driver, step in steps:
        before = places.pop(driver, None)
        if before is not None:
            singles.discard(_question(before))
        if step is None or (before is None and step[0] < 1):
            continue
        at = step if before is None or step[0] > 1 else (before[0] + step[0], before[1] + step[1])
        if at not in places.values():
            singles.add(_question(at), AroundPlace(_question(at).area))  # type: ignore[arg-type]  # it is an `Around`
            places[driver] = at
    assert len(singles) == len(places)
    there = {_question(at): AroundPlace(Around(400.0, (at,))).boxes[0].tolist() for at in places.values()}
    for lon, lat in asked:
        box = (lon, lat, lon + 0.001, lat + 0.001)
        found = singles.meeting(box)
        assert len(found) == len(set(found))
        assert {question for question, its in there.items() if _meet(tuple(its), box)} <= set(found) <= set(there)


def test_a_driver_who_goes_far_is_found_there_only() -> None:
    """The box that is taken over is left when the driver has come out of it."""
    singles = Singles()
    for step in range(100):
        at = (2.3 + step * 0.001, 48.6)
        if step:
            singles.discard(_question((2.3 + (step - 1) * 0.001, 48.6)))
        singles.add(_question(at), AroundPlace(Around(400.0, (at,))))
    assert singles.meeting((2.3, 48.6, 2.3, 48.6)) == []
    assert singles.meeting((2.399, 48.6, 2.399, 48.6)) == [_question((2.3 + 99 * 0.001, 48.6))]
