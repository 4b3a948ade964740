"""What one edit sees of the town, and what it wants written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum

from msgspec import Struct, structs

from geoworks.model.change import Derived, Given, Key, Kind, Patch, Reason, Record
from geoworks.model.report import Report, ReportDerived
from geoworks.model.works import Works, WorksDerived
from geoworks.model.zone import ZoneDerived

Lookup = Callable[[Key], Record | None]


class Keep(Enum):
    """Says of an overlay: leave it as it is."""

    KEEP = "keep"


class Wish(Struct, frozen=True, kw_only=True):
    """One write an edit wants: the record before and after it, and how it shall be derived.

    `rejoin` has the place joined anew even if it did not move; `settled` has nothing derived: the edit did it;
    `forget` drops the older versions from the history.
    """

    key: Key
    before: Record | None
    after: Record | None
    reason: Reason
    actor: str = ""
    rejoin: bool = False
    settled: bool = False
    forget: bool = False


class Draft:
    """The town as an edit sees it: what is durable, then what earlier edits of the batch wrote, then its own writes."""

    def __init__(self, lookup: Lookup, now: datetime) -> None:
        """Look features up by `lookup`; `now` is the batch's moment (aware, UTC)."""
        self.now = now
        self.wishes: list[Wish] = []
        self._lookup = lookup
        self._own: dict[Key, Record | None] = {}

    def get(self, key: Key) -> Record | None:
        """Return the record of a feature as it stands after all earlier writes, or None."""
        return self._own[key] if key in self._own else self._lookup(key)

    def put(  # noqa: PLR0913 - one keyword for each thing a record keeps
        self,
        key: Key,
        given: Given,
        *,
        reason: Reason,
        actor: str = "",
        source: str = "",
        overlay: Patch | Keep | None = Keep.KEEP,
        raw_hash: bytes = b"",
        forget: bool = False,
    ) -> Record:
        """Write the given fields of a feature; its version grows only when they or the overlay changed.

        `forget` drops its older versions from the history.
        """
        old = self.get(key)
        kept = old.overlay if old else None
        laid = kept if isinstance(overlay, Keep) else overlay
        changed = old is None or old.given != given or old.overlay != laid
        record = Record(
            key=key,
            version=(old.version if old else 0) + changed,
            created=old.created if old else self.now,
            updated=self.now if changed or old is None else old.updated,
            given=given,
            derived=old.derived if old else blank(given),
            source=source or (old.source if old else ""),
            overlay=laid or None,
            raw_hash=raw_hash,
        )
        self._wish(Wish(key=key, before=old, after=record, reason=reason, actor=actor, forget=forget))
        return record

    def settle(self, key: Key, derived: Derived, *, reason: Reason) -> None:
        """Write derived fields that the caller computed; a feature that is gone is passed over."""
        old = self.get(key)
        if old is not None:
            after = structs.replace(old, derived=derived)
            self._wish(Wish(key=key, before=old, after=after, reason=reason, settled=True))

    def touch(self, key: Key, *, rejoin: bool = False) -> None:
        """Have the derived fields of a feature computed anew; a feature that is gone is passed over."""
        old = self.get(key)
        if old is not None:
            self._wish(Wish(key=key, before=old, after=old, reason=Reason.REJOINED, rejoin=rejoin))

    def remove(self, key: Key, *, reason: Reason, actor: str = "", forget: bool = False) -> None:
        """Take a feature off the current ones, with `forget` off the history too; one that is gone is passed over."""
        old = self.get(key)
        if old is not None:
            self._wish(Wish(key=key, before=old, after=None, reason=reason, actor=actor, forget=forget))

    def _wish(self, wish: Wish) -> None:
        self.wishes.append(wish)
        self._own[wish.key] = wish.after

    def __iter__(self) -> Iterator[tuple[Key, Record | None]]:
        """Yield what this edit leaves behind, for the edits after it."""
        return iter(self._own.items())


def blank(given: Given) -> Derived:
    """Return the derived fields of a feature nothing was derived for yet."""
    if isinstance(given, Works):
        return WorksDerived()
    return ReportDerived() if isinstance(given, Report) else ZoneDerived()


def works_key(id_: str) -> Key:
    """Name a works."""
    return Key(Kind.WORKS, id_)


def zone_key(id_: str) -> Key:
    """Name a zone."""
    return Key(Kind.ZONE, id_)


def report_key(id_: str) -> Key:
    """Name a report."""
    return Key(Kind.REPORT, id_)
