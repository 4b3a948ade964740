"""What a program that listens is told, one value after the other."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from geoworks.client.faults import Unintelligible

Feature: TypeAlias = dict[str, Any]


class FeatureKey(NamedTuple):
    """What names a feature: equal to the plain pair of kind and id."""

    kind: str
    id: str


def key_of(feature: Feature) -> FeatureKey:
    """Return what names a feature.

    Raises:
        Unintelligible: it has no name.

    """
    try:
        return FeatureKey(feature["properties"]["kind"], feature["id"])
    except (KeyError, TypeError) as error:
        raise Unintelligible("the server sent a feature without kind or id; is it geoworks?") from error


class Put(Struct, frozen=True, tag="put"):
    """A feature is new or has changed; `before` is what was held."""

    key: FeatureKey
    feature: Feature
    before: Feature | None
    cursor: str | None


class Remove(Struct, frozen=True, tag="remove"):
    """A feature that was held matches no more; the reason is None when a snapshot did not have it any longer."""

    key: FeatureKey
    before: Feature
    reason: str | None
    cursor: str | None


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """A part, or the last one, of all that a subscription matches."""

    id: str
    features: tuple[Feature, ...]
    last: bool


class Live(Struct, frozen=True, tag="live"):
    """What is held is what the server had at the cursor; the id is that of the subscription answered, if any."""

    id: str | None
    cursor: str


class Resync(Struct, frozen=True, tag="resync"):
    """Where it was left cannot be gone on from; what is held is old until the next `Live`."""

    id: str | None
    reason: str


class Notice(Struct, frozen=True, tag="notice"):
    """Something a person may want to know; `fields` is all the server said."""

    code: str
    message: str
    fields: dict[str, Any]


class Rejected(Struct, frozen=True, tag="rejected"):
    """The server does not take what was asked; the number is one of the table of codes in docs/stream.md."""

    number: int
    message: str
    id: str | None


class Lost(Struct, frozen=True, tag="lost"):
    """The connection is lost; it is made again after `retry_s`."""

    fault: str
    retry_s: float


Told: TypeAlias = Put | Remove | Snapshot | Live | Resync | Notice | Rejected
Change: TypeAlias = Put | Remove | Snapshot | Live | Resync | Notice | Lost
