"""The only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock, or a clock that runs at its pace from another moment."""

    def __init__(self, *, start: datetime | None = None) -> None:
        """Run from `start` (aware) instead of the present when it is given."""
        self._start = start.astimezone(UTC) if start else None
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        if self._start is None:
            return datetime.now(UTC)
        return self._start + timedelta(seconds=time.monotonic() - self._origin)


class ManualClock:
    """A clock that stands until it is told to move; tests and replays use it."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at` (aware)."""
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment the clock stands at, aware, UTC."""
        return self._at

    def move_to(self, at: datetime) -> None:
        """Stand at `at` (aware) from now on."""
        self._at = at.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        """Stand `step` later from now on."""
        self._at += step
