"""A connection to a town in memory, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from geoworks.hub.session import Phase, Session
from tests.hub.client import MemoryOutlet, Message, Work
from tests.hub.town import Town

_EVERYWHERE = {"everywhere": True}


class Link:
    """One connection to a town, and what the client has heard on it."""

    def __init__(self, town: Town, tasks: Work) -> None:
        """Connect."""
        self.town = town
        self.outlet = MemoryOutlet(tasks)
        self.session: Session = town.hub.connect(self.outlet)

    def send(self, type_: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Send a message."""
        self.session.receive(msgspec.json.encode({"type": type_, **fields}).decode())

    def subscribe(self, id_: str = "home", area: Message | None = None, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Ask a question."""
        self.send("subscribe", id=id_, area=area or _EVERYWHERE, **fields)

    def hear(self) -> list[Message]:
        """Return what has come since, without features' details."""
        self.town.hub.flush()
        return self.outlet.take()

    def types(self) -> list[str]:
        """Return the types of what has come since."""
        return [message["type"] for message in self.hear()]

    def waits_for(self, phase: Phase) -> bool:
        """Tell what the session waits for."""
        return self.session.phase is phase

    def leave(self) -> None:
        """Lose the connection."""
        self.town.hub.disconnect(self.session)
        self.outlet.stop()


async def turns() -> None:
    """Let what waits in the loop have its turn."""
    for _ in range(20):
        await asyncio.sleep(0)
