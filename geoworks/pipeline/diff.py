"""What really changed: unchanged costs nothing and writes nothing."""

from __future__ import annotations

from geoworks.model.change import Record
from geoworks.model.feature import match_keys
from geoworks.pipeline.draft import Wish
from geoworks.ports import Write
from geoworks.state import Entry


def changes_something(wish: Wish) -> bool:
    """Tell whether the record after differs from the one before in anything kept."""
    before, after = wish.before, wish.after
    if before is None or after is None:
        return before is not after
    return is_told(wish) or before.raw_hash != after.raw_hash


def is_told(wish: Wish) -> bool:
    """Tell whether readers are concerned: given fields, corrections or derived fields differ."""
    before, after = wish.before, wish.after
    if before is None or after is None:
        return True
    return before.version != after.version or before.derived != after.derived


def to_write(wish: Wish, standing: Entry | None, *, first: bool) -> Write:
    """Return what the store shall write of a feature that stands in the state, as its first write of a batch or not."""
    old: Record | None = wish.before
    new = wish.after
    known = standing.keys if standing is not None and first else None
    return Write(
        key=wish.key,
        record=new,
        reason=wish.reason,
        actor=wish.actor,
        before=known if known is not None or old is None else match_keys(old),
        new_version=new is None or old is None or new.version != old.version,
        silent=not is_told(wish),
        forget=wish.forget,
        revision=standing.revision if standing is not None else 0,
    )
