"""A source made of a list, for tests of the synchronisation: what it gives is what the test says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from geoworks.errors import Problem, SourceError
from geoworks.model.works import Works
from geoworks.ports import Candidate, Reading, Rejected

Item = Works | Problem


class ListReading:
    """One reading of a list of records by id; a problem in place of a works is a record that cannot be mapped."""

    def __init__(self, items: Sequence[tuple[str, Item]]) -> None:
        """Hash every record by what it is."""
        self._items = dict(items)
        self.ignored = 0
        self.mapped = 0
        self.closed = False
        seen: set[str] = set()
        self.candidates: Sequence[Candidate] = []
        self.rejected: Sequence[Rejected] = []
        for position, (id_, item) in enumerate(items, 1):
            if id_ in seen:
                self.rejected = [*self.rejected, Rejected(position, id_, (Problem("id", "came before"),))]
                continue
            seen.add(id_)
            self.candidates = [*self.candidates, Candidate(position, id_, _hash(item))]

    def map(self, candidates: Sequence[Candidate]) -> Sequence[Works | Rejected]:
        """Give what the list says."""
        self.mapped += len(candidates)
        return [self._map(candidate) for candidate in candidates]

    def close(self) -> None:
        """Note that nothing is mapped any more."""
        self.closed = True

    def _map(self, candidate: Candidate) -> Works | Rejected:
        item = self._items[candidate.source_id]
        if isinstance(item, Works):
            return item
        return Rejected(candidate.position, candidate.source_id, (item,), (2.3, 48.6))


class ListSource:
    """Gives what `items` holds at the moment it is read; fails while `failure` is set."""

    def __init__(self, name: str = "voirie", *, interval_s: float = 900.0, removal_guard: float = 0.3) -> None:
        """Begin with nothing to give."""
        self.name = name
        self.interval_s = interval_s
        self.removal_guard = removal_guard
        self.items: list[tuple[str, Item]] = []
        self.failure = ""
        self.last = ListReading([])
        self.uploads: list[Path] = []

    async def read(self, upload: Path | None = None) -> Reading:
        """Give the list, or fail."""
        if self.failure:
            raise SourceError(self.failure)
        if upload:
            self.uploads.append(upload)
        self.last = ListReading(self.items)
        return self.last


def _hash(item: Item) -> bytes:
    return hashlib.sha256(repr(item).encode()).digest()[:16]
