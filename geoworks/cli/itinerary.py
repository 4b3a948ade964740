"""A route in a file, left at the town for as long as somebody watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from geoworks.client import Area, AreaRefused, Unreachable, post_area, stored
from geoworks.errors import Invalid, Problem

_GEOJSON, _GPX = "application/geo+json", "application/gpx+xml"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
# Refusals that are about now: too many, or not ready.
_FOR_NOW = frozenset({429, 503})


class Itinerary:
    """A route of GeoJSON or GPX, and what belongs to it: corridor, departure, speed."""

    def __init__(self, path: Path, timing: Mapping[str, Any]) -> None:
        """Read a file.

        Raises:
            Invalid: it cannot be read.

        """
        self.length_m: float | None = None
        self.name = path.name
        self._path = path
        self._timing = timing
        try:
            self._body = path.read_bytes()
        except OSError as error:
            raise self._fault(f"cannot be read: {error.strerror or error}", "name a GPX or GeoJSON file") from error
        self._kind = _GPX if self._body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _GEOJSON

    async def post(self, url: str) -> Area:
        """Leave it at the town; return the area to ask about.

        Raises:
            Invalid: the town does not take it.
            Unreachable: nobody is there.

        """
        try:
            posted = await post_area(url, self._body, self._kind, **self._timing)
        except AreaRefused as error:
            if error.status in _FOR_NOW:
                raise Unreachable(str(error)) from error
            raise self._fault(str(error), "give a GPX file with a track, or GeoJSON with one line") from error
        self.length_m = posted.length_m
        return stored(posted.area_id)

    async def post_again(self, url: str, tell: Callable[[str], None]) -> Area:
        """Leave it at a town that has forgotten it, which may be about to start or to stop.

        Raises:
            Invalid: the town does not take it any more.

        """
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return await self.post(url)
            except Unreachable as error:
                tell(f"{error}; posting the route again in {wait_s:.0f} s")
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _fault(self, what: str, mend: str) -> Invalid:
        return Invalid(Problem(str(self._path), what, mend))
