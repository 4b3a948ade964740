"""The columns of a table, decoded only when somebody looks into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

_decode = msgspec.msgpack.Decoder(list[Any]).decode


class Columns(Mapping[str, Sequence[Any]]):
    """Columns by name, in the order of the file.

    A synchronisation without changes looks at the id alone, and an encoded column takes a fifth of the memory.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Begin without records."""
        self._packed: dict[str, list[Raw]] = {name: [] for name in names}
        self._columns: dict[str, Sequence[Any]] = {}

    def extend(self, packed: Sequence[Raw]) -> None:
        """Add records, one encoded list a column; before anybody looks."""
        for column, part in zip(self._packed.values(), packed, strict=True):
            # A copy, because what was decoded holds on to the whole message.
            column.append(part.copy())

    def plus(self, name: str, values: Sequence[Any]) -> Columns:
        """Return the columns with one more, unless one has its name."""
        more = Columns([])
        more._packed, more._columns = self._packed, {name: values, **self._columns}
        return self if name in self._packed else more

    def __getitem__(self, name: str) -> Sequence[Any]:
        if name not in self._columns:
            self._columns[name] = [value for part in self._packed[name] for value in _decode(part)]
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._packed, *self._columns]))

    def __len__(self) -> int:
        return len({*self._packed, *self._columns})
