"""The numbers that a batch gets in the log."""

from __future__ import annotations

from collections.abc import Callable

from geoworks.model.change import Change, Key, Record
from geoworks.ports import Batch


def number(batch: Batch, last: int, version_of: Callable[[Key], int]) -> list[Change]:
    """Give each change of a batch its number after the last one.

    A change is about the version after it, a removal about the one it removes: of what stood before the batch
    `version_of` tells, 0 when nothing did.
    """
    standing: dict[Key, Record | None] = {}
    changes = []
    for write in batch.writes:
        version = write.record.version if write.record else _version_before(write.key, standing, version_of)
        standing[write.key] = write.record
        if write.silent:
            continue
        last += 1
        changes.append(Change(last, batch.at, write.key, write.op, write.reason, version, write.before))
    return changes


def _version_before(key: Key, standing: dict[Key, Record | None], version_of: Callable[[Key], int]) -> int:
    if key not in standing:
        return version_of(key)
    record = standing[key]
    return record.version if record else 0
