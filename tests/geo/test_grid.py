"""Boxes that come and go, against looking at every one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geoworks.geo.grid import BoxGrid

_SIDES = st.sampled_from([0.0, 0.004, 0.005, 0.03, 7.0, 400.0])
_BOXES = st.tuples(st.floats(-181, 181), st.floats(-90, 90), _SIDES, _SIDES).map(
    lambda at: (at[0], at[1], at[0] + at[2], at[1] + at[3])
)


@given(
    steps=st.lists(st.one_of(_BOXES, st.integers(0, 20)), max_size=40),
    asked=st.lists(_BOXES, min_size=1, max_size=4),
)
def test_grid_finds_what_looking_at_all_finds(
    steps: list[tuple[float, float, float, float] | int], asked: list[tuple[float, float, float, float]]
) -> None:
    """After any boxes came and went, exactly those that are there and meet some bounds are found, each once."""
    grid, there = BoxGrid(), {}
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            grid.add(number, step)
            there[number] = step
        elif there:
            gone = list(there)[step % len(there)]
            grid.discard(gone, there.pop(gone))
    for bounds in asked + list(there.values())[:3]:
        west, south, east, north = bounds
        meeting = {
            n for n, box in there.items() if box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south
        }
        assert grid.meeting(bounds).tolist() == sorted(meeting)


def test_crowd_in_one_place() -> None:
    """Of very many boxes at one place each can go by itself."""
    grid, box = BoxGrid(), (2.3, 48.6, 2.301, 48.601)
    for number in range(300):
        grid.add(number, box)
    for number in range(0, 300, 2):
        grid.discard(number, box)
    assert grid.meeting(box).tolist() == list(range(1, 300, 2))
