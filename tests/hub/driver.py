"""A driver on a straight street, and works on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import shapely

from geoworks.hub.session import Session
from geoworks.model.impact import (
    Impact,
    VehicleImpact,
)
from geoworks.model.schedule import Schedule
from geoworks.model.works import Status
from tests.hub.client import Held, MemoryOutlet, Message, Work
from tests.hub.town import NOON, Look, Town

# A straight street to the east: a thousandth of a degree is 73.7 m here.
LAT = 48.6357
STREET = [[2.30, LAT], [2.31, LAT], [2.32, LAT], [2.34, LAT]]
ROUTE = {"route": {"line": {"type": "LineString", "coordinates": STREET}}}
HOUR = timedelta(hours=1)
CLOSED = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)


def on(lon: float, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    """Make a works of some 20 m on the street."""
    return Look(place=shapely.LineString([(lon, LAT), (lon + 0.0003, LAT)]), **look)


def planned(lon: float, begins_in: timedelta, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    """Make a works on the street that is yet to begin."""
    return on(lon, status=Status.PLANNED, schedule=Schedule(start=NOON + begins_in), **look)


class Driver:
    """A client that says where it is."""

    def __init__(self, town: Town, tasks: Work) -> None:
        """Connect."""
        self.town = town
        self.held = Held()
        self.outlet = MemoryOutlet(tasks)
        self.session: Session = town.hub.connect(self.outlet)

    def send(self, type_: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Send a message."""
        self.session.receive(msgspec.json.encode({"type": type_, **fields}).decode())

    def ask(self, area: Message, **fields: Any) -> list[Message]:  # noqa: ANN401 - any JSON
        """Ask a question and return the answer."""
        self.send("subscribe", id="me", area=area, **fields)
        return self.hear()

    def drive_to(self, lon: float, lat: float = LAT, **motion: float) -> list[Message]:
        """Tell a position and return the answer."""
        self.send("position", id="me", at=[lon, lat], **motion)
        return self.hear()

    def hear(self) -> list[Message]:
        """Take what has come."""
        self.town.hub.flush()
        heard = self.outlet.take()
        for message in heard:
            if message["type"] != "error":
                self.held.hear(message)
        return heard

    @property
    def sees(self) -> list[str]:
        """Return the ids of the features held."""
        return sorted(id_ for _, id_ in self.held.features)


def changes(messages: list[Message]) -> list[tuple[str, str | None, str]]:
    """Return type, cursor and id of changes."""
    return [(one["type"], one["cursor"], one.get("id") or one["feature"]["id"]) for one in messages]
