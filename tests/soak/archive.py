"""What stands on the disk at the end: the log, from which follows what every client should have held at any place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

from geoworks.model.change import Change, Key, MatchKeys, Version
from geoworks.ports import Store
from geoworks.state import make_entry
from tests.soak.view import View

_PAGE = 500


class Trace(Struct, frozen=True):
    """What a view shows at every offset, from 0 on.

    `prints` has the fingerprint of what is shown; `told` how many of the changes so far concern who has this view.
    """

    prints: Sequence[int]
    told: Sequence[int]


class Archive(Struct, frozen=True):
    """The log, what the last change of each works led to, and every version of each works."""

    log: Sequence[Change]
    standing: Mapping[Key, MatchKeys]
    histories: Mapping[str, Sequence[Version]]

    @property
    def holes(self) -> int:
        """Return how many numbers are missing in the log, or are there twice."""
        offsets = [change.offset for change in self.log]
        return len(set(range(1, len(offsets) + 1)).symmetric_difference(offsets)) + len(offsets) - len(set(offsets))

    def trace(self, view: View) -> Trace:
        """Follow what a view shows along the log."""
        shown: dict[str, int] = {}
        prints, told, fingerprint = [0], [False], 0
        for change, after in zip(self.log, self._outcomes(), strict=True):
            id_ = change.key.id
            before = shown.pop(id_, None)
            if before is not None:
                fingerprint ^= mark(id_, before)
            if _is_seen(view, after):
                shown[id_] = change.offset
                fingerprint ^= mark(id_, change.offset)
            prints.append(fingerprint)
            told.append(before is not None or id_ in shown)
        return Trace(prints, list(accumulate(told)))

    def _outcomes(self) -> Sequence[MatchKeys | None]:
        """Return what each change led to: the log has what was before, so it is what was before the next one."""
        following: dict[Key, MatchKeys | None] = dict(self.standing)
        outcomes = []
        for change in reversed(self.log):
            outcomes.append(following.get(change.key))
            following[change.key] = change.before
        return outcomes[::-1]


def mark(id_: str, offset: int) -> int:
    """Return the part that a works, put by the change with an offset, has in the fingerprint of all that is shown."""
    return hash((id_, offset))


async def read_archive(store: Store) -> Archive:
    """Read everything of an open store."""
    log: list[Change] = []
    while page := await store.changes(log[-1].offset if log else 0, limit=_PAGE):
        log += page
    standing = {record.key: make_entry(record).keys async for records in store.records() for record in records}
    histories = {key.id: await store.versions(key) for key in standing}
    return Archive(log, standing, histories)


def _is_seen(view: View, keys: MatchKeys | None) -> bool:
    return keys is not None and keys.visible and view.sees(keys.geometry.bounds[0])
