"""The messages of the server, as far as a client has to know them; the rest of them is passed over."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from geoworks.client.changes import Feature
from geoworks.client.faults import Unintelligible


class Hello(Struct, frozen=True, tag="hello"):
    """The first message."""

    protocol: str
    heartbeat_s: float


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """A chunk of all that a subscription matches."""

    id: str
    last: bool
    features: tuple[Feature, ...]


class Put(Struct, frozen=True, tag="put"):
    """A feature that matches is new or has changed."""

    feature: Feature
    cursor: str | None = None


class Remove(Struct, frozen=True, tag="remove"):
    """A feature matches no more."""

    kind: str
    id: str
    reason: str
    cursor: str | None = None


class CaughtUp(Struct, frozen=True, tag="caught_up"):
    """Everything up to the cursor has been sent."""

    filters: str
    cursor: str
    id: str | None = None


class Resync(Struct, frozen=True, tag="resync"):
    """The cursor cannot be resumed from."""

    reason: str
    id: str | None = None


class Heartbeat(Struct, frozen=True, tag="heartbeat"):
    """A sign of life."""

    cursor: str | None = None


class Notice(Struct, frozen=True, tag="notice"):
    """Something a person may want to know."""

    code: str
    message: str
    retry_after_s: float = 0.0


class Error(Struct, frozen=True, tag="error"):
    """A message could not be taken."""

    code: int
    message: str
    temporary: bool = False
    id: str | None = None


Heard: TypeAlias = Hello | Snapshot | Put | Remove | CaughtUp | Resync | Heartbeat | Notice | Error


class _Envelope(Struct, frozen=True):
    type: str


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_HEARD = msgspec.json.Decoder(Heard)
_FIELDS = msgspec.json.Decoder(dict[str, Any])
_TYPES = frozenset(
    str(message.__struct_config__.tag)
    for message in (Hello, Snapshot, Put, Remove, CaughtUp, Resync, Heartbeat, Notice, Error)
)


def decode(frame: str | bytes) -> Heard | None:
    """Read a frame of the server; None when it is a message that newer servers know.

    Raises:
        Unintelligible: it is no message.

    """
    try:
        return _HEARD.decode(frame) if _ENVELOPE.decode(frame).type in _TYPES else None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Unintelligible(f"the server does not speak the stream's language ({error}); is it geoworks?") from error


def fields(frame: str | bytes) -> dict[str, Any]:
    """Return everything a message says."""
    return _FIELDS.decode(frame)
