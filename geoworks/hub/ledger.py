"""What is known of questions about places, in columns: so that many are looked at in one go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Columns grow by so many rows, which takes well below a millisecond.
_STEP = 16_384


class Ledger:
    """Rows that are taken and given back; a row given back is the next one taken."""

    def __init__(self, **columns: tuple[type, tuple[int, ...]]) -> None:
        """Begin with no row; each column has a name, a type, and the shape of its values."""
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros((0, *shape), dtype=of) for name, (of, shape) in columns.items()
        }
        self._objects = [name for name, (of, _) in columns.items() if of is object]
        self._size = 0
        self._used = 0
        self._free: list[int] = []

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Return a column; take what is needed out of it before the next row is taken."""
        return self._columns[column]

    def take(self, count: int) -> list[int]:
        """Take some rows."""
        kept = max(len(self._free) - count, 0)
        rows, self._free = self._free[kept:], self._free[:kept]
        fresh = count - len(rows)
        rows += range(self._used, self._used + fresh)
        self._used += fresh
        if self._used > self._size:
            self._grow()
        return rows

    def give_back(self, rows: list[int]) -> None:
        """Give rows back; objects they hold are forgotten, numbers stay until the row is taken again."""
        for column in self._objects:
            self._columns[column][rows] = None
        self._free += rows

    def _grow(self) -> None:
        self._size = -(-self._used // _STEP) * _STEP
        for column in self._columns.values():
            # In place: of a large column the system moves the pages, nothing is copied.
            column.resize((self._size, *column.shape[1:]), refcheck=False)
