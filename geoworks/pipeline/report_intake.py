"""What a citizen sends, to the fields of a report, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from shapely import Point
from shapely.geometry.base import BaseGeometry

from geoworks.config.categories import Category
from geoworks.config.settings import Limits
from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.geojson import parse_geometry
from geoworks.geo.measure import box_around
from geoworks.geo.validate import check_geometry
from geoworks.model.change import Kind
from geoworks.model.text import clean_text
from geoworks.pipeline.json_body import decode_json
from geoworks.pipeline.reader import nearest, shown
from geoworks.state import State

# A report from further off than this is a slip of the finger on the map, or meant for another town.
REACH_M = 20_000.0
_PLACE_MOST = 200
_MOST_UNKNOWN = 10
_POINTS = frozenset({"Point"})


class ReportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen sends; `geometry` a point in lon/lat degrees (EPSG:4326); no category: one is chosen."""

    text: str
    geometry: Point
    place: str = ""
    category: str | None = None


class QuestionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen has written so far; either may be missing yet."""

    text: str = ""
    geometry: Point | None = None


def report_from_body(body: bytes, *, limits: Limits, categories: Sequence[Category]) -> ReportBody:
    """Return what a body tells; text and point suffice.

    Raises:
        TooLarge: a bound of size, depth or vertices was passed.
        Invalid: with every fault that was found.

    """
    reader = _Reader(body, ReportBody, limits=limits)
    text = reader.text("text", most=limits.report_text, required=True)
    place = reader.text("place", most=_PLACE_MOST)
    category = reader.category(categories)
    point = reader.point(required=True)
    if reader.problems or point is None:
        raise Invalid(reader.problems)
    return ReportBody(text, point, place, category or None)


def question_from_body(body: bytes, *, limits: Limits) -> QuestionBody:
    """Return what a body tells so far.

    Raises:
        TooLarge: a bound of size, depth or vertices was passed.
        Invalid: with every fault that was found.

    """
    reader = _Reader(body, QuestionBody, limits=limits)
    asked = QuestionBody(reader.text("text", most=limits.report_text), reader.point())
    if reader.problems:
        raise Invalid(reader.problems)
    return asked


def check_reach(state: State, point: Point) -> None:
    """Refuse a place that is about 20 km or more from every zone; a town without zones takes all.

    Raises:
        Invalid: it is too far off.

    """
    around = box_around(point.x, point.y, radius_m=REACH_M)
    if state.count(Kind.ZONE) and not state.index(Kind.ZONE).in_box(*around):
        what = f"lies more than {REACH_M / 1000:.0f} km from this town"
        raise Invalid(Problem("geometry", what, "move the mark, or report it to the town that it is in"))


class _Reader:
    """Reads the members of one body and collects the problems."""

    def __init__(self, body: bytes, kind: type[Struct], *, limits: Limits) -> None:
        value = decode_json(body, max_bytes=limits.body_bytes, max_depth=limits.json_depth)
        if not isinstance(value, dict):
            raise Invalid(Problem("body", f"{shown(value)} is no object", 'send {"text": ..., "geometry": ...}'))
        names = kind.__struct_fields__
        self.problems = [
            Problem(shown(name), "unknown field", nearest(name, names))
            for name in sorted(value.keys() - set(names))[:_MOST_UNKNOWN]
        ]
        self._value = value
        self._limits = limits

    def text(self, name: str, *, most: int, required: bool = False) -> str:
        value = self._value.get(name)
        if value is not None and not isinstance(value, str):
            return self._refuse(name, f"{shown(value)} is no text", 'send "..."')
        try:
            cleaned = clean_text(value or "", max_length=most, one_line=name != "text", where=name)
        except Invalid as error:
            return self._refuse(*error.problems[0])
        if required and not cleaned:
            return self._refuse(name, "empty", "say in a few words what is wrong")
        return cleaned

    def category(self, categories: Sequence[Category]) -> str:
        value = self._value.get("category")
        names = [category.id for category in categories]
        if value is None or value == "":
            return ""
        if not isinstance(value, str) or value not in names:
            mend = f"{nearest(str(value), names)}; leave it out to have one chosen"
            return self._refuse("category", f"{shown(value)} is no category here", mend)
        return value

    def point(self, *, required: bool = False) -> Point | None:
        value = self._value.get("geometry")
        if value is None:
            if required:
                self._refuse("geometry", "missing", 'send {"type": "Point", "coordinates": [lon, lat]}')
            return None
        try:
            parsed = parse_geometry(value, max_vertices=self._limits.vertices_public)
            return _as_point(check_geometry(parsed, max_vertices=1, kinds=_POINTS))
        except TooLarge:
            raise
        except Invalid as error:
            self._refuse(*error.problems[0])
            return None

    def _refuse(self, where: str, what: str, mend: str) -> str:
        self.problems.append(Problem(where, what, mend))
        return ""


def _as_point(geometry: BaseGeometry) -> Point:
    return Point(geometry.coords[0])
