"""Read the line of a GPX file (GPX 1.0 and 1.1), from anybody.

The parser is the standard library's expat, event by event: no tree is built, a document type (the door to entities) is
refused at its first word, and depth and points are counted as they come.
"""

from __future__ import annotations

import math
from xml.parsers import expat

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem, TooLarge

_MOST_POINTS = 50_000
_MOST_DEPTH = 32
_MEND = "send a GPX file with a track or a route"
# What holds points, and the point of each.
_HOLDERS = {"trk": "trkpt", "rte": "rtept"}


def read_gpx(body: bytes) -> BaseGeometry:
    """Return the line (lon/lat degrees) of the first track that has points, its segments joined, else of a route.

    Raises:
        Invalid: it is no GPX, has no line, or a place that is none.
        TooLarge: it has more than 50 000 points, or is nested too deeply.

    """
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)  # noqa: FBT003 - the parser takes it by place
    except expat.ExpatError as error:
        raise Invalid(Problem("body", f"no well-formed XML: {error}", _MEND)) from error
    except (UnicodeError, LookupError, ValueError) as error:
        raise Invalid(Problem("body", f"its encoding cannot be read: {error}", "send it as UTF-8")) from error
    return reader.line()


class _Reader:
    """Gathers the points of tracks and routes."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self._depth = 0
        self._holder = ""
        self._lines: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in _HOLDERS}
        self._points = 0

    def line(self) -> BaseGeometry:
        """Return the line found."""
        lines = [line for name in _HOLDERS for line in self._lines[name] if len(line) > 1]
        if not lines:
            raise Invalid(Problem("gpx", "no track or route with two points", _MEND))
        return shapely.LineString(np.array(lines[0]))

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise TooLarge(Problem("gpx", "nested too deep", _MEND))
        if self._depth == 1 and name != "gpx":
            raise Invalid(Problem("body", f"no GPX but {name[:40]!r}", _MEND))
        if name in _HOLDERS:
            self._holder = name
            self._lines[name].append([])
        elif self._holder and name == _HOLDERS[self._holder]:
            self._add(attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag.rpartition(" ")[2] == self._holder:
            self._holder = ""

    def _add(self, attributes: dict[str, str]) -> None:
        self._points += 1
        if self._points > _MOST_POINTS:
            raise TooLarge(Problem("gpx", f"more than {_MOST_POINTS} points", "simplify the track"))
        place = _read(attributes, "lon", most=180.0), _read(attributes, "lat", most=90.0)
        self._lines[self._holder][-1].append(place)

    def _refuse_doctype(self, *_: object) -> None:
        raise Invalid(Problem("body", "it has a document type", "send plain GPX, without <!DOCTYPE ...>"))


def _read(attributes: dict[str, str], name: str, *, most: float) -> float:
    text = attributes.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise Invalid(Problem(f"gpx {name}", f"{text[:40]!r} is no degree of {name}", f"give -{most:g} to {most:g}"))
    return value
