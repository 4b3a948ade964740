"""Boxes by place, for boxes that come and go all the time: an index with nothing to be rebuilt.

There is a grid of cells for each size of boxes, so that a box lies in at most four cells of its grid. Taking a box in
or out touches these alone, however many others there are. Coordinates are lon/lat degrees.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

import numpy as np

from geoworks.geo.types import Box, Places

# The smallest cells are about 500 m wide, those of each further grid twice as wide as those before.
_SMALLEST_DEG = 0.005
_LAST_GRID = 18
# A box in a cell: its sides and its number. In one row, so that a cell is read from end to end.
_ROW = 5
# Up to so many boxes of a cell are looked through one by one: an array of them would take longer to make.
_FEW = 64

_Cells = dict[tuple[int, int], "array[float]"]


class BoxGrid:
    """Numbers of boxes by place; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._grids: dict[int, _Cells] = {}

    def add(self, number: int, box: Box) -> None:
        """Take in a box under a number."""
        grid = _grid_of(box)
        cells = self._grids.setdefault(grid, {})
        row = (*box, number)
        for cell in _cells(box, grid):
            found = cells.get(cell)
            if found is None:
                cells[cell] = array("d", row)
            else:
                found.extend(row)

    def discard(self, number: int, box: Box) -> None:
        """Drop a box that is there."""
        grid = _grid_of(box)
        cells = self._grids[grid]
        for cell in _cells(box, grid):
            found = cells[cell]
            last = found[-_ROW:]
            del found[-_ROW:]
            if last[-1] != number:
                begin = _place(found, number) * _ROW
                found[begin : begin + _ROW] = last
            if not found:
                del cells[cell]
        if not cells:
            del self._grids[grid]

    def meeting(self, box: Box) -> Places:
        """Return the numbers of the boxes that meet a box, each once, in their order."""
        west, south, east, north = box
        found = b"".join(self._reached(box))
        if not found:
            return np.empty(0, dtype=np.intp)
        rows = np.frombuffer(found).reshape(-1, _ROW)
        meets = rows[:, 0] <= east
        meets &= rows[:, 2] >= west
        meets &= rows[:, 1] <= north
        meets &= rows[:, 3] >= south
        numbers: Places = rows[:, 4][meets].astype(np.intp)
        # Sorted by hand: of so few, `np.unique` takes five times as long.
        numbers.sort()
        another = np.ones(len(numbers), dtype=np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=another[1:])
        return numbers[another]

    def _reached(self, box: Box) -> list[array[float]]:
        """Return the cells in which a box lies."""
        smallest = _span(box)
        reached: list[array[float]] = []
        for grid, cells in self._grids.items():
            west, south, east, north = (side >> grid for side in smallest)
            if (east - west + 1) * (north - south + 1) > len(cells):
                reached += cells.values()
                continue
            for column in range(west, east + 1):
                for row in range(south, north + 1):
                    found = cells.get((column, row))
                    if found is not None:
                        reached.append(found)
        return reached


def _place(cell: array[float], number: int) -> int:
    """Return where a number is in a cell: of a crowd by arithmetic over all."""
    if len(cell) <= _FEW * _ROW:
        return cell[_ROW - 1 :: _ROW].index(number)
    # The view must be gone before the cell can grow again.
    return int((np.frombuffer(cell)[_ROW - 1 :: _ROW] == number).argmax())


def _grid_of(box: Box) -> int:
    west, south, east, north = box
    exponent = math.frexp(max(east - west, north - south) / _SMALLEST_DEG)[1]
    return min(max(exponent, 0), _LAST_GRID)


def _cells(box: Box, grid: int) -> Iterable[tuple[int, int]]:
    west, south, east, north = (side >> grid for side in _span(box))
    return [(column, row) for column in range(west, east + 1) for row in range(south, north + 1)]


def _span(box: Box) -> tuple[int, int, int, int]:
    """Return the smallest cells in which the corners of a box lie; halved n times, they are those of grid n."""
    west, south, east, north = box
    floor = math.floor
    return (
        floor(west / _SMALLEST_DEG),
        floor(south / _SMALLEST_DEG),
        floor(east / _SMALLEST_DEG),
        floor(north / _SMALLEST_DEG),
    )
