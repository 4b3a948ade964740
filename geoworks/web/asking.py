"""A question asked in an address, for those who cannot send messages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.hub.areas import Kept
from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused, Resume, Subscribe, Wanted
from geoworks.hub.resumption import read_cursor
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Kind
from geoworks.model.severity import Severity, TravelMode
from geoworks.web.bodies import explain

# The one subscription of an address; its name is part of the hash of filters, so it is the same on every door.
SUBSCRIPTION = "url"
_SEPARATOR = ";"
_PLACES = ("zones", "bbox", "polygon", "circle", "everywhere", "area_id")
_SIZES = ("height_m", "width_m", "length_m", "weight_t")
_LONGEST_HASH = 64
_KINDS: Mapping[Code, type[Invalid]] = {Code.AREA_TOO_LARGE: TooLarge}
_ENCODER = msgspec.json.Encoder()

Box = tuple[float, float, float, float]
Disc = tuple[float, float, float]


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked, as parameters of an address; exactly one place."""

    zones: Annotated[
        tuple[str, ...] | None, Meta(description="Ids of zones: what has an effect in one, and the zones.")
    ] = None
    bbox: Annotated[Box | None, Meta(description="west,south,east,north in degrees.")] = None
    polygon: Annotated[str, Meta(description="GeoJSON Polygon or MultiPolygon as text, lon/lat degrees.")] = ""
    circle: Annotated[Disc | None, Meta(description="lon,lat,radius_m: degrees, and metres.")] = None
    everywhere: Annotated[bool, Meta(description="true: the whole town.")] = False
    area_id: Annotated[str, Meta(description="Id of an area that was posted to /v1/areas, such as a route.")] = ""
    kinds: Annotated[tuple[Kind, ...] | None, Meta(description="Kinds of features; all when left out.")] = None
    min_severity: Annotated[
        Severity, Meta(description="Least severity (of a zone: of its level); an unknown impact counts as medium.")
    ] = Severity.NONE
    vehicle: Annotated[TravelMode | None, Meta(description="Who travels: what does not hinder it is left out.")] = None
    height_m: Annotated[float, Meta(gt=0, le=200, description="Height of the vehicle.")] | None = None
    width_m: Annotated[float, Meta(gt=0, le=200, description="Width of the vehicle.")] | None = None
    length_m: Annotated[float, Meta(gt=0, le=200, description="Length of the vehicle.")] | None = None
    weight_t: Annotated[float, Meta(gt=0, le=200, description="Weight of the vehicle.")] | None = None


class Place(Struct, frozen=True):
    """Where a client is: the cursor, and the hash of what it asks; as text what it sends to go on from there."""

    cursor: str
    filters: str

    def __str__(self) -> str:
        """Write it as `read_asked` reads it.

        >>> str(Place("k3x9.4", "0a1b"))
        'k3x9.4;0a1b'
        """
        return f"{self.cursor}{_SEPARATOR}{self.filters}"


class Asked(Struct, frozen=True):
    """A question, checked, and where the client is; None when it begins."""

    wanted: Wanted
    since: Place | None

    def message(self) -> str:
        """Return what a session of the hub is sent."""
        if self.since is None:
            return _ENCODER.encode(Subscribe(**structs.asdict(self.wanted))).decode()
        resume = Resume(since=self.since.cursor, filters=self.since.filters, subscriptions=(self.wanted,))
        return _ENCODER.encode(resume).decode()


def read_asked(question: Question, since: str, kept: Kept) -> Asked:
    """Check what an address asks; `since` is a cursor, or one with a hash of filters, or empty.

    `kept` finds areas that were posted. Without the hash the client says that it asks what it asked before.

    Raises:
        Invalid: there is no place or several, a parameter is out of its bounds, or `since` is no cursor.

    """
    wanted = _read_wanted(question)
    try:
        filters = _hash(wanted, kept)
        if not since:
            return Asked(wanted, None)
        cursor, separator, given = since.partition(_SEPARATOR)
        read_cursor(cursor)
    except Refused as error:
        raise _KINDS.get(error.fault, Invalid)(Problem("", str(error))) from error
    return Asked(wanted, Place(cursor, given[:_LONGEST_HASH] if separator else filters))


def _hash(wanted: Wanted, kept: Kept) -> str:
    """Return the hash of filters of one question, having checked its place."""
    asked = Subscriptions(kept)
    asked.set_all((wanted,), most=1)
    return asked.hash()


def _read_wanted(question: Question) -> Wanted:
    fields: dict[str, Any] = {"id": SUBSCRIPTION, "area": _area(question), "min_severity": question.min_severity.value}
    if question.kinds is not None:
        fields["kinds"] = [kind.value for kind in question.kinds]
    fields |= _vehicle(question)
    try:
        return msgspec.convert(fields, Wanted)
    except msgspec.ValidationError as error:
        raise Invalid(_in_words_of_the_address(explain(error))) from error


def _vehicle(question: Question) -> dict[str, Any]:
    sizes = {name: size for name in _SIZES if (size := getattr(question, name)) is not None}
    if question.vehicle is None and not sizes:
        return {}
    for name, size in sizes.items():
        _check_numbers(name, (size,))
    return {"vehicle": {"class": (question.vehicle or TravelMode.CAR).value, **sizes}}


def _area(question: Question) -> dict[str, Any]:
    places = [name for name in _PLACES if getattr(question, name)]
    if len(places) != 1:
        found = f"gives {' and '.join(places)}" if places else "gives no place"
        raise Invalid(Problem("area", f"the address {found}", f"give exactly one of {', '.join(_PLACES)}"))
    name = places[0]
    value = getattr(question, name)
    _check_numbers(name, value)
    if name == "polygon":
        value = _read_polygon(value)
    elif name == "circle":
        value = {"center": value[:2], "radius_m": value[2]}
    return {name: value}


def _check_numbers(name: str, value: object) -> None:
    numbers = [part for part in value if isinstance(part, float)] if isinstance(value, tuple) else []
    if not all(map(math.isfinite, numbers)):
        raise Invalid(Problem(name, "a number is not finite", "give plain decimal numbers"))


def _read_polygon(text: str) -> Any:  # noqa: ANN401 - any JSON; its type is checked with the message
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(Problem("polygon", str(error), "give a GeoJSON geometry as text")) from error


def _in_words_of_the_address(problem: Problem) -> Problem:
    where = problem.where.removeprefix("area.").replace("[...]", "")
    return problem._replace(where=where, mend=problem.mend or "docs/api.md tells what each parameter takes")
