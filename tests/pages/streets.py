"""Streets of the tests' own, straight to the north and far from the sample town's, with works on them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from playwright.sync_api import FilePayload, Geolocation

from tests.pages.served import Served

Place = tuple[float, float]
_DEGREE_M = 111_195.0
_LON, _LAT = 2.5, 48.8


@dataclass
class Street:
    """A street of 3 km; streets of other numbers are far enough away not to be seen from it."""

    served: Served
    number: int
    posted: list[str] = field(default_factory=list)

    def at(self, north_m: float, east_m: float = 0.0) -> Place:
        """Return a place so far along the street and beside it, lon/lat."""
        lat = _LAT + 0.05 * self.number + north_m / _DEGREE_M
        return _LON + east_m / _DEGREE_M / math.cos(math.radians(lat)), lat

    def here(self, north_m: float, east_m: float = 0.0) -> Geolocation:
        """Return a place as a browser's position."""
        lon, lat = self.at(north_m, east_m)
        return {"longitude": lon, "latitude": lat, "accuracy": 5}

    def works(self, title: str, begin_m: float, end_m: float, *, east_m: float = 3.0, **properties: Any) -> str:  # noqa: ANN401 - what the API takes
        """Post works on a stretch of the street, in force now unless told otherwise; return their id."""
        line = {"type": "LineString", "coordinates": [self.at(begin_m, east_m), self.at(end_m, east_m)]}
        given = {"title": title, "schedule": {"start": "2020-01-01T06:00:00Z"}, "impact": _ALTERNATING, **properties}
        created = self.served.send("POST", "v1/works", {"type": "Feature", "geometry": line, "properties": given})
        self.posted.append(str(created["id"]))
        return self.posted[-1]

    def end(self, id_: str) -> None:
        """Cancel works that were posted here."""
        self.posted.remove(id_)
        self.served.send("DELETE", f"v1/works/{id_}")

    def clear(self) -> None:
        """Cancel all works that were posted here, for the tests that look at the whole town."""
        for id_ in tuple(self.posted):
            self.end(id_)

    def geojson(self) -> FilePayload:
        """Return the street as a file to choose."""
        line = {"type": "LineString", "coordinates": [self.at(0), self.at(1500), self.at(3000)]}
        return _file("rue.geojson", json.dumps(line))

    def gpx(self) -> FilePayload:
        """Return the street as the track of a watch: with times, names and more than the line."""
        points = "".join(_point(self.at(north_m)) for north_m in range(0, 3001, 100))
        return _file(
            "rue.gpx", f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>'
        )


_ALTERNATING = {"vehicle_impact": "alternating-one-way"}


def from_now(moment: datetime) -> dict[str, str]:
    """Return a schedule that begins at a moment."""
    return {"start": moment.isoformat()}


def _point(place: Place) -> str:
    lon, lat = place
    return f'<trkpt lon="{lon}" lat="{lat}"><time>2026-11-24T08:00:00Z</time><name>secret</name></trkpt>'


def _file(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()}
