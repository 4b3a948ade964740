"""Every message of the stream, and how a client's frame is read.

From these types `docs/stream.md` and the AsyncAPI document are made: a docstring here is a sentence there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from geoworks.errors import GeoworksError
from geoworks.hub.codes import Code
from geoworks.model.change import Kind, Reason
from geoworks.model.severity import Severity, TravelMode

PROTOCOL = "geoworks.v1"

SubscriptionId = Annotated[
    str, Meta(min_length=1, max_length=64, description="Name the client gives a subscription; free to choose.")
]
AnyCursor = Annotated[str, Meta(description="A place in the log; opaque. Keep the last one that was not null.")]
FiltersHash = Annotated[str, Meta(max_length=64, description="Hash of the set of subscriptions.")]


class Circle(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything within a radius of a place."""

    center: Annotated[tuple[float, float], Meta(description="lon, lat in degrees.")]
    radius_m: Annotated[float, Meta(gt=0, le=200_000, description="Radius in metres.")]


ZoneId = Annotated[str, Meta(min_length=1, max_length=200)]
Zones = Annotated[
    tuple[ZoneId, ...],
    Meta(min_length=1, max_length=500, description="Ids of zones: what has an effect in one, and the zones."),
]
Box = Annotated[tuple[float, float, float, float], Meta(description="West, south, east, north in degrees.")]
PolygonObject = Annotated[
    dict[str, Any], Meta(description="GeoJSON Polygon or MultiPolygon in lon/lat degrees, at most 5000 vertices.")
]
Everywhere = Annotated[Literal[True], Meta(description="The whole town.")]
LineObject = Annotated[
    dict[str, Any], Meta(description="GeoJSON LineString in lon/lat degrees; post a long one to /v1/areas.")
]

Departure = Annotated[
    datetime, Meta(tz=True, description="When the driver leaves: works count that are in force when they are reached.")
]


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """A way through the town: works that lie on it, zones it crosses, reports beside it."""

    line: LineObject
    corridor_m: Annotated[float, Meta(ge=1, le=500, description="How far to both sides things count.")] = 50.0
    depart: Departure | UnsetType = UNSET
    speed_kmh: Annotated[
        float, Meta(ge=1, le=200, description="Usual speed, with `depart`; arrival is reckoned with a growing margin.")
    ] = 50.0


class AroundMe(Struct, frozen=True, forbid_unknown_fields=True):
    """What is around a driver, who tells by `position` where that is; nothing before."""

    radius_m: Annotated[float, Meta(ge=1, le=50_000, description="Radius in metres.")]


AreaId = Annotated[str, Meta(min_length=1, max_length=64, description="Id of an area posted to /v1/areas.")]


class Area(Struct, frozen=True, forbid_unknown_fields=True):
    """The place a subscription asks about; exactly one of these."""

    zones: Zones | UnsetType = UNSET
    bbox: Box | UnsetType = UNSET
    polygon: PolygonObject | UnsetType = UNSET
    circle: Circle | UnsetType = UNSET
    everywhere: Everywhere | UnsetType = UNSET
    route: Route | UnsetType = UNSET
    around_me: AroundMe | UnsetType = UNSET
    area_id: AreaId | UnsetType = UNSET


_Size = Annotated[float, Meta(gt=0, le=200)]


class Vehicle(Struct, frozen=True, forbid_unknown_fields=True, rename={"mode": "class"}):
    """Who travels: works that do not hinder this vehicle are left out, and severities are those for it."""

    mode: Annotated[TravelMode, Meta(description="The way to travel; it decides the sizes that are not told.")] = (
        TravelMode.CAR
    )
    height_m: _Size | UnsetType = UNSET
    width_m: _Size | UnsetType = UNSET
    length_m: _Size | UnsetType = UNSET
    weight_t: _Size | UnsetType = UNSET


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A standing question: a place, and what of it."""

    id: SubscriptionId
    area: Area
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, description="Kinds of features; all when left out.")] = tuple(
        Kind
    )
    min_severity: Annotated[
        Severity, Meta(description="Least severity (of a zone: of its level); an unknown impact counts as medium.")
    ] = Severity.NONE
    vehicle: Vehicle | UnsetType = UNSET
    horizon: Annotated[
        timedelta | UnsetType,
        Meta(description="ISO 8601 duration such as PT12H: works in force now, or that will be within it."),
    ] = UNSET


class Subscribe(Wanted, frozen=True, kw_only=True, tag="subscribe"):
    """Ask a question: answered by a snapshot, then live. An id in use is replaced."""


class Unsubscribe(Struct, frozen=True, forbid_unknown_fields=True, tag="unsubscribe"):
    """Ask no more; what no other subscription asks for is removed."""

    id: SubscriptionId


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="resume"):
    """Go on after a cut, as the first message: what changed since the cursor, then live."""

    since: AnyCursor
    filters: FiltersHash
    subscriptions: Annotated[tuple[Wanted, ...], Meta(min_length=1)]


class Position(Struct, frozen=True, forbid_unknown_fields=True, tag="position"):
    """Tell where the driver is, for `around_me` or a `route`; what that changes is put and removed."""

    id: SubscriptionId
    at: Annotated[tuple[float, float], Meta(description="lon, lat in degrees.")]
    speed_kmh: (
        Annotated[float, Meta(ge=0, le=400, description="How fast the driver is; no answer depends on it.")] | UnsetType
    ) = UNSET
    heading: (
        Annotated[float, Meta(ge=0, le=360, description="Degrees from north, clockwise; no answer depends on it.")]
        | UnsetType
    ) = UNSET


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag="ping"):
    """Ask for a sign of life (pages cannot send WebSocket pings)."""


ClientMessage = Subscribe | Unsubscribe | Resume | Position | Ping


class Hello(Struct, frozen=True, tag="hello"):
    """The first message of the server."""

    protocol: str
    epoch: Annotated[str, Meta(description="Identity of the log; another one means that history was lost.")]
    cursor: AnyCursor
    heartbeat_s: Annotated[float, Meta(description="Longest silence; after twice that the connection is dead.")]


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """All that a subscription matches at a cursor, in chunks; live changes follow the last one."""

    id: SubscriptionId
    cursor: Annotated[str, Meta(description="Where in the log the snapshot was taken; not one to resume from.")]
    last: Annotated[bool, Meta(description="Whether this is the last chunk.")]
    features: Annotated[tuple[Raw, ...], Meta(description="GeoJSON features.")]


class Put(Struct, frozen=True, tag="put"):
    """A feature that matches is new or has changed; it takes the place of the one with its kind and id.

    The cursor is null when it was the clock or the driver that moved.
    """

    cursor: AnyCursor | None
    feature: Annotated[Raw, Meta(description="A GeoJSON feature; `properties.kind` and `id` name it.")]


class Remove(Struct, frozen=True, tag="remove"):
    """A feature matches no more. Removing one that is unknown is harmless."""

    cursor: AnyCursor | None
    kind: Kind
    id: str
    reason: Annotated[Reason, Meta(description="Why: ended, cancelled, withdrawn, moved-out, hidden, expired.")]


class CaughtUp(Struct, frozen=True, tag="caught_up"):
    """Everything up to the cursor has been sent; keep cursor and filters to resume."""

    id: Annotated[
        str | None,
        Meta(description="The subscription this answers; null after a resume, a stall, a first position."),
    ]
    filters: FiltersHash
    cursor: AnyCursor


ResyncReason = Literal["epoch", "too-old", "future", "filters", "moving"]


class Resync(Struct, frozen=True, tag="resync"):
    """The cursor cannot be resumed from: forget it and all features (null: of all subscriptions); snapshots follow."""

    id: Annotated[str | None, Meta(description="The subscription that begins anew; null for all.")]
    reason: Annotated[
        ResyncReason,
        Meta(
            description="Another log; a cursor too far back; one not reached yet; another set of subscriptions; "
            "one of them follows the clock or the driver."
        ),
    ]


class Heartbeat(Struct, frozen=True, tag="heartbeat"):
    """A sign of life; everything up to the cursor has been sent."""

    cursor: AnyCursor


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to a ping."""


class Notice(Struct, frozen=True, tag="notice", omit_defaults=True):
    """Something a person may want to know: the server stops, a works begins soon on a subscribed route."""

    code: Annotated[str, Meta(description="Stable name: stopping, begins-soon.")]
    message: str
    id: Annotated[str | None, Meta(description="The subscription it is about.")] = None
    kind: Kind | None = None
    feature: Annotated[str | None, Meta(description="The id of the feature it is about.")] = None
    begins: Annotated[datetime | None, Meta(description="When the works begins, or goes on after a pause.")] = None
    retry_after_s: Annotated[
        float | None, Meta(description="When to connect again, in seconds after the close; another time for each.")
    ] = None


class Error(Struct, frozen=True, tag="error"):
    """A message could not be taken; the connection goes on unless a close follows."""

    code: Annotated[int, Meta(description="A number of the table of codes.")]
    message: Annotated[str, Meta(description="What is wrong and how to mend it.")]
    temporary: Annotated[bool, Meta(description="Whether trying again later can help.")]
    id: Annotated[str | None, Meta(description="The subscription it is about, if any.")] = None


ServerMessage = Hello | Snapshot | Put | Remove | CaughtUp | Resync | Heartbeat | Pong | Notice | Error

CLIENT_MESSAGES: Sequence[type[ClientMessage]] = (Subscribe, Unsubscribe, Resume, Position, Ping)
SERVER_MESSAGES: Sequence[type[ServerMessage]] = (
    Hello, Snapshot, Put, Remove, CaughtUp, Resync, Heartbeat, Pong, Notice, Error,
)  # fmt: skip


class Refused(GeoworksError):
    """A client's message cannot be taken; becomes an `error` message."""

    code = "stream-message"

    def __init__(self, fault: Code, message: str, *, id: str | None = None) -> None:  # noqa: A002 - the protocol's word
        """Keep the code of the table and the subscription it is about."""
        super().__init__(message)
        self.fault = fault
        self.id = id

    def as_message(self) -> Error:
        """Return what the client is told."""
        return Error(self.fault.number, str(self), self.fault.temporary, self.id)


class _Envelope(Struct, frozen=True):
    """The two fields that say what a message is, read before its type is known to be right."""

    type: Any = None
    id: Any = None


_DECODERS: dict[str, msgspec.json.Decoder[ClientMessage]] = {
    str(message.__struct_config__.tag): msgspec.json.Decoder(message) for message in CLIENT_MESSAGES
}
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ENCODER = msgspec.json.Encoder()
_AREAS = ", ".join(Area.__struct_fields__)


def decode(frame: str) -> ClientMessage:
    """Read a text frame of a client.

    Raises:
        Refused: it is no message; says where the fault is and how to mend it.

    """
    try:
        envelope = _ENVELOPE.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Refused(Code.MALFORMED, f"{error}; send one JSON object per frame, without NaN or Infinity") from error
    decoder = _DECODERS.get(envelope.type) if isinstance(envelope.type, str) else None
    if decoder is None:
        known = ", ".join(_DECODERS)
        raise Refused(Code.UNKNOWN_TYPE, f"unknown type {envelope.type!r:.60}; send one of {known}")
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _invalid(str(error), envelope) from error


def encode(message: ServerMessage) -> bytes:
    """Return the JSON text of a message."""
    return _ENCODER.encode(message)


def _invalid(fault: str, envelope: _Envelope) -> Refused:
    id_ = envelope.id if isinstance(envelope.id, str) else None
    if ".area" in fault:
        return Refused(Code.AREA, f"{fault}; give exactly one of {_AREAS}", id=id_)
    fields = ", ".join(_fields(envelope.type))
    return Refused(Code.INVALID, f"{fault}; {envelope.type} takes {fields}", id=id_)


def _fields(type_: str) -> Sequence[str]:
    message = next(message for message in CLIENT_MESSAGES if message.__struct_config__.tag == type_)
    return ("type", *message.__struct_encode_fields__)
