"""Changes as messages between nodes: their bytes, and headers that say where they stand in the log.

A message without a body is a hint: the log has to be read. Whatever cannot be read is taken as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import shapely
from msgspec import structs

from geoworks.errors import Invalid
from geoworks.model.wire import Wire
from geoworks.nodes import Followed

MOST_BYTES = 512 * 1024
"""A larger change is told by a hint."""

_EPOCH = re.compile(r"[0-9A-Za-z]{1,40}")  # as in `geoworks.model.change.Cursor`
_WIRE = Wire(Followed)


class Message(NamedTuple):
    """One message about a log; `offset` is 0 in a hint that stands for no one change."""

    epoch: str
    offset: int
    body: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        """Return its headers; a message of the same log and offset is told once, however often it is sent."""
        if not self.offset:
            return {"epoch": self.epoch}
        return {"epoch": self.epoch, "offset": str(self.offset), "Nats-Msg-Id": f"{self.epoch}:{self.offset}"}


class Heard(NamedTuple):
    """What a message told: a change, or None when the log has to be read; `wrong` says why nobody could read it."""

    epoch: str
    change: Followed | None
    wrong: str = ""


def write_change(epoch: str, followed: Followed) -> Message:
    """Return the message of a change: a hint when it is too large or no other node could read it."""
    try:
        body = _WIRE.write(_without_terms(followed))
    except (TypeError, ValueError, OverflowError, NotImplementedError, shapely.errors.ShapelyError):
        body = b""
    return Message(epoch, followed.change.offset, body if len(body) <= MOST_BYTES else b"")


def read_message(headers: Mapping[str, str] | None, body: bytes) -> Heard:
    """Return what a message tells; it may have been written by anybody."""
    epoch = (headers or {}).get("epoch", "")
    if not _EPOCH.fullmatch(epoch):
        return Heard("", None, "it names no log")
    if not body:
        return Heard(epoch, None)
    if len(body) > MOST_BYTES:
        return Heard(epoch, None, f"it has more than {MOST_BYTES} bytes")
    try:
        followed = _WIRE.read(body)
    except Invalid as error:
        return Heard(epoch, None, str(error)[:300])
    except (RecursionError, OverflowError) as error:
        return Heard(epoch, None, type(error).__name__)
    return Heard(epoch, followed)


def _without_terms(followed: Followed) -> Followed:
    """Leave out what is kept in memory only."""
    before = followed.change.before
    if before is None or before.terms is None:
        return followed
    change = structs.replace(followed.change, before=structs.replace(before, terms=None))
    return structs.replace(followed, change=change)
