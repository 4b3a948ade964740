"""What a session says, as frames: each with the offset it brings the client to, or None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Raw

from geoworks.hub.frames import frame
from geoworks.hub.messages import Notice, Put, Remove, Snapshot
from geoworks.hub.replay import Due, PutDue
from geoworks.model.change import Cursor, Key, Reason
from geoworks.state import Entry

BINARY = "binary frames are not taken; send JSON in text frames"
SILENT = "no message came in time; send subscribe or resume first"
RESUME_LATE = "resume is taken before any subscribe only; connect again to resume"
TOO_MANY_ERRORS = "too many messages could not be taken; see the errors before"
BUSY = "too many messages wait; send this again after the next caught_up"
TOO_FAST = "messages come too fast; send this again in a second"
BEGINS_SOON = "a works on this route begins soon"
STOPPING = "the server stops; connect again in a moment and resume"

_CHUNK_FEATURES = 100
_CHUNK_BYTES = 65_536


def frame_too_large(most: int) -> str:
    """Say how large a frame may be."""
    return f"a frame may have {most} bytes; simplify the area or use several subscriptions"


def due(found: Iterable[Due], epoch: str) -> Iterator[tuple[int, bytes]]:
    """Yield what a catch-up has to send, encoded when its turn comes."""
    for item in found:
        yield item.offset, frame(_due_message(item, str(Cursor(epoch, item.offset))))


def snapshot(id_: str, entries: Sequence[Entry], cursor: Cursor) -> Iterator[tuple[None, bytes]]:
    """Yield a snapshot in chunks, encoded when its turn comes."""
    place = str(cursor)
    for last, chunk in _chunks(entries):
        features = tuple(Raw(entry.body) for entry in chunk)
        yield None, frame(Snapshot(id_, place, last, features))


def come(entries: Iterable[Entry]) -> Iterator[tuple[None, bytes]]:
    """Yield what matches because the clock or the driver moved; it has no place in the log."""
    for entry in entries:
        yield None, frame(Put(None, Raw(entry.body)))


def begins_soon(id_: str, entry: Entry) -> Notice:
    """Say that a works on a subscribed route begins soon."""
    key, terms = entry.record.key, entry.keys.terms
    begins = terms.begins if terms else None
    return Notice("begins-soon", BEGINS_SOON, id=id_, kind=key.kind, feature=key.id, begins=begins)


def moved_out(keys: Iterable[Key]) -> Iterator[tuple[None, bytes]]:
    """Yield the removals of what was there because of a question asked no more."""
    for key in keys:
        yield None, frame(Remove(None, key.kind, key.id, Reason.MOVED_OUT))


def _due_message(item: Due, cursor: str) -> Put | Remove:
    if isinstance(item, PutDue):
        return Put(cursor, Raw(item.body))
    return Remove(cursor, item.key.kind, item.key.id, item.reason)


def _chunks(entries: Sequence[Entry]) -> Iterator[tuple[bool, Sequence[Entry]]]:
    """Cut entries into chunks of at most so many and about so many bytes, and tell which is the last."""
    begin = size = 0
    for end, entry in enumerate(entries):
        size += len(entry.body)
        if end > begin and (end - begin == _CHUNK_FEATURES or size > _CHUNK_BYTES):
            yield False, entries[begin:end]
            begin, size = end, len(entry.body)
    yield True, entries[begin:]
