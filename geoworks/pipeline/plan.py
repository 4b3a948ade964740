"""What a reading would change: added, changed, removed, unchanged, and which removals wait for a person.

Pure: a reading's candidates are compared with what is known of the source, nothing is asked or written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from geoworks.ports import Candidate


class Known(Struct, frozen=True, gc=False):
    """What the town holds of one record of a source; `ended` is set once the works is over."""

    raw_hash: bytes
    ended: datetime | None = None


class Guard(Struct, frozen=True):
    """When removals wait for a person.

    They wait above a share of the source's live records, after an empty reading, and while a person holds them.
    Works that ended before `over_before` may go when the source no longer lists them: nobody is shown them.
    """

    share: float
    over_before: datetime
    held: bool = False


class Plan(Struct, frozen=True):
    """What a synchronisation is about to do; ids are the source's own.

    `expired` are long over and dropped out of the export; `held` are removals that wait for a person.
    """

    added: Sequence[Candidate] = ()
    changed: Sequence[Candidate] = ()
    unchanged: int = 0
    removed: Sequence[str] = ()
    expired: Sequence[str] = ()
    held: Sequence[str] = ()


def compare(
    candidates: Sequence[Candidate], known: Mapping[str, Known], *, refused: Collection[str], guard: Guard
) -> Plan:
    """Compare what a source gives with what is known of it.

    `refused` are ids the source lists in records that were not taken: what was good of them before stays.
    """
    listed = {candidate.source_id for candidate in candidates}
    added = [candidate for candidate in candidates if candidate.source_id not in known]
    changed = [
        candidate
        for candidate in candidates
        if (old := known.get(candidate.source_id)) is not None and old.raw_hash != candidate.raw_hash
    ]
    missing = {id_: old for id_, old in known.items() if id_ not in listed and id_ not in refused}
    live = [id_ for id_, old in missing.items() if old.ended is None]
    waits = _must_wait(live, known, guard=guard, empty=not candidates)
    return Plan(
        added=added,
        changed=changed,
        unchanged=len(candidates) - len(added) - len(changed),
        removed=() if waits else live,
        expired=[id_ for id_, old in missing.items() if old.ended is not None and old.ended < guard.over_before],
        held=live if waits else (),
    )


def _must_wait(removed: Sequence[str], known: Mapping[str, Known], *, guard: Guard, empty: bool) -> bool:
    live = sum(old.ended is None for old in known.values())
    return bool(removed) and (empty or guard.held or len(removed) > guard.share * live)
