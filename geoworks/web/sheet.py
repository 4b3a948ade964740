"""The answer of a long poll as JSON, written message by message."""

from __future__ import annotations

from msgspec import json

from geoworks.hub.messages import Resync, Snapshot
from geoworks.web.asking import Place
from geoworks.web.ear import Heard

# More changes than this wait for the next request, which goes on from the cursor of the last one told.
_MOST_BYTES = 1_048_576


class Sheet:
    """What is told; `place` is where the client will be, None while it is nowhere."""

    def __init__(self, since: Place | None) -> None:
        """Begin where the client is."""
        self.place = since
        self.told = False
        self._caught_up = False
        self._features = False
        self._bytes = 0
        # What has to be written before the next item.
        self._before = b'{"changes":['

    @property
    def is_enough(self) -> bool:
        """Tell whether all was told that was due, or as much as one answer may have."""
        return self._caught_up or (not self._features and self._bytes > _MOST_BYTES)

    def take(self, message: Heard) -> bytes:
        """Return what a message adds to the answer."""
        match message.type:
            case "put" | "remove":
                self._move_on(message)
                return self._add(message.text)
            case "heartbeat":
                self._move_on(message)
            case "caught_up":
                self.place = Place(message.cursor or "", message.filters or "")
                self._caught_up = True
            case "resync":
                return self._begin_anew(json.decode(message.text, type=Resync))
            case "snapshot":
                return self._take_features(json.decode(message.text, type=Snapshot))
        return b""

    def end(self, place: Place) -> bytes:
        """Return the end of the answer."""
        told = {"cursor": place.cursor, "filters": place.filters, "next": str(place)}
        return self._close() + json.encode(told)[1:]

    def _move_on(self, message: Heard) -> None:
        # What the clock or a movement brings has no place in the log.
        if self.place is not None and message.cursor is not None:
            self.place = Place(message.cursor, self.place.filters)

    def _begin_anew(self, told: Resync) -> bytes:
        self.place = None
        return self._begin_features(b'"resync":"%b",' % told.reason.encode())

    def _take_features(self, told: Snapshot) -> bytes:
        begin = b"" if self._features else self._begin_features(b"")
        return begin + b"".join([self._add(bytes(feature)) for feature in told.features])

    def _begin_features(self, reason: bytes) -> bytes:
        begin = self._close() + reason
        self.told = self._features = True
        self._before = b'"features":['
        return begin

    def _add(self, item: bytes) -> bytes:
        piece, self._before, self.told = self._before + item, b",", True
        self._bytes += len(piece)
        return piece

    def _close(self) -> bytes:
        """Return the end of the list that is open; one without items has not been begun yet."""
        return b"]," if self._before == b"," else self._before + b"],"
