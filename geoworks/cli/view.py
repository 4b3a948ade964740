"""What a client of the stream knows: features, and where to resume; and the table that shows it."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from geoworks.cli.frame import harmless

_SUBSCRIPTION = "watch"
_ROWS = 40


class View:
    """What the stream has told so far: features by kind and id, and the cursor to resume from."""

    def __init__(self, area: dict[str, Any]) -> None:
        """Ask about one area."""
        self.features: dict[tuple[str, str], dict[str, Any]] = {}
        self.state = "connecting"
        self.changes = 0
        self._subscription = {"id": _SUBSCRIPTION, "area": area}
        self._cursor: str | None = None
        self._filters: str | None = None
        self._arriving: dict[tuple[str, str], dict[str, Any]] = {}

    def greet(self) -> dict[str, Any]:
        """Return the first message of a connection: subscribe, or resume where the last one broke."""
        self._arriving = {}
        if self._cursor and self._filters:
            asked = [self._subscription]
            return {"type": "resume", "since": self._cursor, "filters": self._filters, "subscriptions": asked}
        return {"type": "subscribe", **self._subscription}

    def take(self, message: dict[str, Any]) -> None:
        """Take in a message of the server; what it does not know it passes over."""
        taking = {
            "snapshot": self._take_snapshot,
            "put": self._take_put,
            "remove": self._take_remove,
            "caught_up": self._take_caught_up,
            "resync": self._take_resync,
        }.get(message["type"])
        if taking:
            taking(message)
        self._cursor = message.get("cursor") or self._cursor

    def table(self) -> Table:
        """Draw the works known, those under way first."""
        works = [feature["properties"] for (kind, _), feature in self.features.items() if kind == "works"]
        title = f"{len(works)} works, {len(self.features) - len(works)} zones and reports"
        table = Table(title=title, caption=harmless(f"{self.state}; {self.changes} changes seen"))
        for heading in ("status", "severity", "where", "what", "until"):
            table.add_column(heading)
        for found in sorted(works, key=lambda one: (one["status"], one["title"]))[:_ROWS]:
            until = found["schedule"]["end"] or "open end"
            cells = (found["status"], found["severity"], ", ".join(found["road_names"]), found["title"], until[:16])
            # Titles come from outside: as plain text, never as markup.
            table.add_row(*map(harmless, cells))
        return table

    def _take_snapshot(self, message: dict[str, Any]) -> None:
        self._arriving.update((_key(feature), feature) for feature in message["features"])
        if message["last"]:
            self.features, self._arriving = self._arriving, {}

    def _take_put(self, message: dict[str, Any]) -> None:
        self.features[_key(message["feature"])] = message["feature"]
        self.changes += 1

    def _take_remove(self, message: dict[str, Any]) -> None:
        self.features.pop((message["kind"], message["id"]), None)
        self.changes += 1

    def _take_caught_up(self, message: dict[str, Any]) -> None:
        self._filters = message["filters"]
        self.state = "live"

    def _take_resync(self, _: dict[str, Any]) -> None:
        self._cursor = self._filters = None


def _key(feature: dict[str, Any]) -> tuple[str, str]:
    return feature["properties"]["kind"], feature["id"]
