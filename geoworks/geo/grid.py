"""Boxes by place, for boxes that come and go all the time: an index with nothing to be rebuilt.

There is a grid of cells for each size of boxes, so that a box lies in at most four cells of its grid. Taking a box in
or out touches these alone, however many others there are. Coordinates are lon/lat degrees.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

import numpy as np

from geoworks.geo.types import Places

Bounds = tuple[float, float, float, float]
Box = tuple[float, float, float, float]
# The smallest cells are about 500 m wide; each grid has cells twice as wide as the one before, the last one cell
# for boxes of any size.
_SMALLEST_DEG = 0.005
_GRIDS = 18
# When something lies in more cells than this, looking at every box is as quick.
_MOST_CELLS = 400


class BoxGrid:
    """Numbers of boxes by place; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._grids: dict[int, dict[tuple[int, int], array[int]]] = {}

    def add(self, number: int, box: Box) -> None:
        """Take in a box under a number."""
        grid = _grid_of(box)
        cells = self._grids.setdefault(grid, {})
        for cell in _cells(box, grid):
            found = cells.get(cell)
            if found is None:
                found = cells[cell] = array("i")
            found.append(number)

    def discard(self, number: int, box: Box) -> None:
        """Drop a box that is there."""
        grid = _grid_of(box)
        cells = self._grids[grid]
        for cell in _cells(box, grid):
            found = cells[cell]
            last = found.pop()
            if last != number:
                found[_place(found, number)] = last
            if not found:
                del cells[cell]
        if not cells:
            del self._grids[grid]

    def near(self, bounds: Bounds) -> Places | None:
        """Return the numbers of boxes among which are all that meet some bounds; None when that may be any box.

        A number comes more than once when the bounds lie in more than one cell.
        """
        found: list[Places] = []
        for grid, cells in self._grids.items():
            if _count(bounds, grid) > _MOST_CELLS:
                return None
            found += [np.array(cells[cell], dtype=np.int32) for cell in _cells(bounds, grid) if cell in cells]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int32)


def _place(cell: array[int], number: int) -> int:
    """Return where a number is; as an array, for there may be a crowd."""
    # The array of numpy must be gone before the cell can grow again.
    return int((np.frombuffer(cell, dtype=np.int32) == number).argmax())


def _grid_of(box: Box) -> int:
    west, south, east, north = box
    size = max(east - west, north - south) / _SMALLEST_DEG
    return min(max(math.frexp(size)[1], 0), _GRIDS) if size > 0 else 0


def _span(box: Box, grid: int) -> tuple[int, int, int, int]:
    size = _SMALLEST_DEG * 2**grid
    west, south, east, north = box
    return (
        math.floor(west / size), math.floor(south / size), math.floor(east / size), math.floor(north / size),
    )  # fmt: skip


def _cells(box: Box, grid: int) -> Iterator[tuple[int, int]]:
    west, south, east, north = _span(box, grid)
    return ((column, row) for column in range(west, east + 1) for row in range(south, north + 1))


def _count(box: Box, grid: int) -> int:
    west, south, east, north = _span(box, grid)
    return (east - west + 1) * (north - south + 1)
