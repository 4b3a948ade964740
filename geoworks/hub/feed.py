"""What a session stands between: the socket of its client, and the feed of changes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Protocol, TypeVar

from geoworks.hub.areas import Area
from geoworks.hub.counters import Counters
from geoworks.hub.rounds import Log
from geoworks.state import State

S_contra = TypeVar("S_contra", contravariant=True)


class Outlet(Protocol):
    """The socket of a session."""

    @property
    def descriptor(self) -> int | None:
        """The file descriptor to write bytes straight to while nothing is unsent; None: there is no such way.

        It stays open, and of this connection, for as long as the session may be written to.
        """
        ...

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket, without waiting."""
        ...

    def unsent(self) -> int:
        """Return how many bytes the socket has not taken yet."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Begin to close politely."""
        ...

    def abort(self) -> None:
        """Cut the connection at once; a polite close of a stuck one can hang."""
        ...

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run work on behalf of the connection; it ends with the connection at the latest."""
        ...

    async def drained(self) -> None:
        """Wait until the socket has taken most of what it was handed.

        Raises:
            ConnectionError: the connection is gone.

        """
        ...


class Feed(Log, Protocol[S_contra]):
    """What a session reads from: the log, the state, and the writing to those who are live."""

    @property
    def counters(self) -> Counters:
        """Return what is counted."""
        ...

    @property
    def state(self) -> State:
        """Return the town as it stands at the head."""
        ...

    def time(self) -> float:
        """Return the seconds of a steady clock."""
        ...

    def area(self, id_: str) -> Area | None:
        """Return the area that was posted under an id, if it is still kept."""
        ...

    def join(self, session: S_contra) -> None:
        """Write to a session whatever comes after the head."""
        ...

    def leave(self, session: S_contra) -> None:
        """Write to a session no more; everything up to the head has been written."""
        ...

    def hold(self, session: S_contra) -> None:
        """Take note that a live session has unsent bytes, which nothing may overtake."""
        ...

    def attend(self, session: S_contra) -> None:
        """See to it that a session gets on once its socket has drained, or the log has been read."""
        ...
