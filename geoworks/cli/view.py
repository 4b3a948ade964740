"""What a watcher sees: the table of what is held, or a line for each change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from rich import box
from rich.table import Table

from geoworks.cli.frame import harmless, out
from geoworks.client import Change, Live, Lost, Notice, Put, Remove, Resync, Stream
from geoworks.model.works import Status

_ROWS = 40
# Title, headings, foot and the lines between them.
_FRAME = 8
# The least width of each column; those without one are cut where there is no room.
_COLUMNS = {"status": 9, "severity": 8, "where": None, "what": None, "when": 22}


class View:
    """The features a stream holds, what it does, and how many changes were seen."""

    def __init__(self, stream: Stream, *, asked: str = "") -> None:
        """Show a stream; `asked` says in words what of the town it is about."""
        self.state = "connecting"
        self._stream = stream
        self._asked = asked
        self._changes = 0

    def take(self, change: Change) -> None:
        """Take note of a change."""
        match change:
            case Put() | Remove():
                self._changes += 1
            case Live():
                self.state = "live"
            case Lost():
                self.state = f"{change.fault}; trying again in {_rounded(change.retry_s)} s"
            case Resync():
                self.state = "everything is told anew"
            case Notice():
                self.state = change.message

    def table(self) -> Table:
        """Draw the works known, those under way first, as many as the terminal has room for."""
        works = [feature["properties"] for (kind, _), feature in self._stream.features.items() if kind == "works"]
        rows = min(_ROWS, max(1, out.height - _FRAME))
        title = f"{len(works)} works{self._asked}"
        table = Table(title=harmless(title), caption=harmless(self._foot(len(works), rows)), box=box.SIMPLE)
        for heading, width in _COLUMNS.items():
            table.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=width)
        for found in sorted(works, key=lambda one: (one["status"], one["title"]))[:rows]:
            # Titles come from outside: as plain text, never as markup.
            table.add_row(*map(harmless, _cells(found)))
        return table

    def _foot(self, works: int, rows: int) -> str:
        """Say what the stream does, and what the table does not show."""
        others = len(self._stream.features) - works
        parts = [self.state, f"{_count(self._changes, 'change')} seen"]
        parts += [f"{_count(others, 'zone or report', 'zones and reports')} beside"] if others else []
        parts += [f"{works - rows} more works"] if works > rows else []
        return "; ".join(parts)


def line_of(change: Change) -> dict[str, Any]:
    """Return a change as the line of JSON that tells it, in the words of docs/stream.md."""
    match change:
        case Put():
            return {"type": "put", "cursor": change.cursor, "feature": change.feature}
        case Remove(key=key):
            return {"type": "remove", "cursor": change.cursor, "kind": key.kind, "id": key.id, "reason": change.reason}
        case Live():
            return {"type": "caught_up", "id": change.id, "cursor": change.cursor}
        case Notice():
            return change.fields
        case _:
            found: dict[str, Any] = msgspec.to_builtins(change)
            return found


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    schedule = found["schedule"]
    ends = f"until {_minute(schedule['end'])}" if schedule["end"] else "open end"
    when = f"from {_minute(schedule['start'])}" if found["status"] == Status.PLANNED else ends
    return found["status"], found["severity"], ", ".join(found["road_names"]), found["title"], when


def _minute(moment: str) -> str:
    """Write a moment in the time of this machine."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def _rounded(wait_s: float) -> str:
    return f"{wait_s:.0f}" if wait_s >= 1 else f"{wait_s:.1f}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
