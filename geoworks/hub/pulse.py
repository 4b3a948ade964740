"""Whether the client of a connection is there, and reads."""

from __future__ import annotations

from enum import Enum, auto

from geoworks.config.settings import Stream


class Verdict(Enum):
    """What a look at the time shows."""

    WELL = auto()
    SILENT = auto()
    GONE = auto()


class Pulse:
    """Signs of life and progress of one connection; times in seconds of any steady clock."""

    __slots__ = ("_left", "_moved", "_pinged", "_settings", "_spoken")

    def __init__(self, settings: Stream, now: float) -> None:
        """Begin to wait for the first message."""
        self._settings = settings
        self._spoken = False
        self._pinged: float | None = None
        self._moved = now
        self._left = 0

    @property
    def spoken(self) -> bool:
        """Tell whether the client has sent a message that could be taken."""
        return self._spoken

    def speak(self) -> None:
        """Note a message that could be taken."""
        self._spoken = True

    def hear(self) -> None:
        """Note any sign of life."""
        self._pinged = None

    def ping(self, now: float) -> None:
        """Note that a sign of life was asked for."""
        if self._pinged is None:
            self._pinged = now

    def look(self, now: float, *, unsent: int) -> Verdict:
        """Judge the connection; call it now and then.

        While bytes wait for the socket, only whether they become other ones counts: a pong may be stuck behind them.
        """
        if not self._spoken:
            return Verdict.SILENT if now - self._moved > self._settings.first_message_s else Verdict.WELL
        if unsent != self._left or not unsent:
            self._left, self._moved = unsent, now
        if unsent:
            return Verdict.GONE if now - self._moved > self._settings.stuck_s else Verdict.WELL
        dead = self._pinged is not None and now - self._pinged > self._settings.pong_s
        return Verdict.GONE if dead else Verdict.WELL
