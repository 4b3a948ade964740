"""What stands at the broker and what should: from the town and its changes to messages, without a connection.

The order of messages is what lets a vehicle go on from a cursor. Whoever heard a message with a cursor has been sent
every removal up to it: changes go out in the order of their offsets, each feature in its latest state, and a
reconciliation clears first and gives everything the one cursor it began at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from hashlib import blake2b
from typing import NamedTuple

from geoworks.model.change import Cursor, Key, Kind
from geoworks.mqtt.topics import is_feature, topics_of
from geoworks.state import State

# Brokers bound a message; NATS takes 1 MB unless it is set otherwise.
LARGEST_BODY_BYTES = 262_144
_CURSOR, _FEATURE = b'{"cursor":"', b'","feature":'


class Message(NamedTuple):
    """What to retain under a topic; an empty payload clears it."""

    topic: str
    payload: bytes


class Board:
    """Knows which topics each feature holds; every one of them was put there, or will be next."""

    def __init__(self, state: State, root: str) -> None:
        """Begin with nothing; `root` is the first level of the topics."""
        self._state = state
        self._root = root
        self._held: dict[Key, tuple[str, ...]] = {}
        self._too_large: set[Key] = set()

    @property
    def left_out(self) -> int:
        """Return how many features are too large for a message and so stand under no topic."""
        return len(self._too_large)

    def begin(self) -> list[Key]:
        """Forget what stands at the broker, and return every feature of the town, to be compared with it."""
        self._held.clear()
        self._too_large.clear()
        return [entry.record.key for kind in Kind for entry in self._state.of_kind(kind)]

    def compare(self, keys: Iterable[Key], retained: MutableMapping[str, bytes]) -> list[Key]:
        """Return those of the features that do not stand at the broker as they should.

        `retained` holds the mark of each topic there; those that should be are taken out of it.
        """
        return [key for key in keys if not self._stands(key, retained)]

    def leftovers(self, retained: Mapping[str, bytes]) -> list[Message]:
        """Return what clears topics that no feature holds, once all features were compared."""
        return [Message(topic, b"") for topic in retained if is_feature(self._root, topic)]

    def concerns(self, key: Key) -> bool:
        """Tell whether a change of a feature is to be told: it stands at the broker, or should, or is left out."""
        return key in self._held or key in self._too_large or self._state.shows(key.kind, key.id)

    def tell(self, key: Key, cursor: Cursor) -> list[Message]:
        """Return what brings a feature at the broker to its latest state: first what clears, then what puts."""
        before = self._held.get(key, ())
        body, topics = self._hold(key)
        clears = [Message(topic, b"") for topic in before if topic not in topics]
        if not topics:
            return clears
        payload = b"%s%s%s%s}" % (_CURSOR, str(cursor).encode(), _FEATURE, body)
        return [*clears, *(Message(topic, payload) for topic in topics)]

    def _stands(self, key: Key, retained: MutableMapping[str, bytes]) -> bool:
        body, topics = self._hold(key)
        wanted = _mark(self._state.cursor.epoch.encode(), body)
        found = [retained.pop(topic, b"") for topic in topics]
        return all(one == wanted for one in found)

    def _hold(self, key: Key) -> tuple[bytes, tuple[str, ...]]:
        """Note which topics a feature holds from now on; return them with what the public sees of it."""
        self._held.pop(key, None)
        self._too_large.discard(key)
        entry = self._state.get(key)
        if entry is None or not entry.keys.visible or not entry.body:
            return b"", ()
        if len(entry.body) > LARGEST_BODY_BYTES:
            self._too_large.add(key)
            return b"", ()
        self._held[key] = topics = topics_of(self._root, key, entry.keys)
        return entry.body, topics


def mark_of(payload: bytes) -> bytes:
    """Return what a message is known by: the feature and the epoch of its cursor.

    With a later cursor it says nothing new; one of another log is of no use to a vehicle.
    """
    cursor, _, body = payload.removeprefix(_CURSOR).partition(_FEATURE)
    return _mark(cursor.rpartition(b".")[0], body.removesuffix(b"}"))


def _mark(epoch: bytes, body: bytes) -> bytes:
    return blake2b(epoch + b"." + body, digest_size=16).digest()
