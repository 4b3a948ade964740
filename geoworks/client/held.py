"""What a client holds: the features, and the place in the log up to which they are right."""

from __future__ import annotations

from collections.abc import Iterator

from geoworks.client import heard
from geoworks.client.changes import Feature, FeatureKey, Put, Remove, Snapshot, key_of


class Held:
    """Features by kind and id, and the cursor to resume from.

    When everything is told anew, the old features are kept until all of it is there: a map does not go blank. Then
    those that were not told again are dropped.
    """

    def __init__(self) -> None:
        """Begin with nothing; everything is to be told."""
        self.features: dict[FeatureKey, Feature] = {}
        self._cursor: str | None = None
        self._told: set[FeatureKey] | None = set()

    @property
    def cursor(self) -> str | None:
        """Return where to resume from; None when everything has to be told anew."""
        return None if self._told is not None else self._cursor

    def begin_anew(self) -> None:
        """Take note that everything will be told again."""
        self._told = set()

    def settle(self) -> Iterator[Remove]:
        """Drop what was not told again, now that everything is told; yield what was dropped."""
        told, self._told = self._told, None
        for key in sorted(self.features.keys() - told) if told is not None else ():
            yield Remove(key, self.features.pop(key), None, None)

    def reach(self, cursor: str | None) -> None:
        """Take note that everything up to a place in the log was told."""
        self._cursor = cursor or self._cursor

    def take_snapshot(self, message: heard.Snapshot) -> Snapshot:
        """Take in a chunk of a snapshot."""
        for feature in message.features:
            self._set(feature)
        return Snapshot(message.id, message.features, message.last)

    def put(self, message: heard.Put) -> Put:
        """Take in a feature."""
        before = self._set(message.feature)
        self.reach(message.cursor)
        return Put(key_of(message.feature), message.feature, before, message.cursor)

    def remove(self, message: heard.Remove) -> Iterator[Remove]:
        """Drop a feature; yield that, if it was held."""
        key = FeatureKey(message.kind, message.id)
        before = self.features.pop(key, None)
        self.reach(message.cursor)
        if self._told is not None:
            self._told.discard(key)
        if before is not None:
            yield Remove(key, before, message.reason, message.cursor)

    def _set(self, feature: Feature) -> Feature | None:
        key = key_of(feature)
        before = self.features.get(key)
        self.features[key] = feature
        if self._told is not None:
            self._told.add(key)
        return before
