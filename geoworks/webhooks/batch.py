"""What is sent in one delivery, and what a receiver has after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw, Struct

from geoworks.config.settings import WebhooksTable
from geoworks.errors import GeoworksError
from geoworks.webhooks.mailbox import Letter

_ENCODER = msgspec.json.Encoder()
_CARRIED = frozenset({"put", "remove", "snapshot", "resync"})


class NotAsked(GeoworksError):
    """The hub does not take the question of a webhook any more."""

    code = "webhook-question"


class Place(Struct, frozen=True):
    """What a receiver has: everything up to `cursor`; None in the middle of a snapshot."""

    cursor: str | None
    filters: str


class Batch(Struct, frozen=True):
    """Messages in their order, and where a receiver is that took them."""

    changes: Sequence[Raw]
    place: Place


class Delivery(Struct, frozen=True):
    """The body of a delivery."""

    webhook: str
    changes: Sequence[Raw]
    cursor: str | None


def gather(take: Callable[[], Letter | None], place: Place, settings: WebhooksTable) -> Batch:
    """Take letters until there are none or the batch is full.

    Raises:
        NotAsked: the hub answered with an error.

    """
    changes: list[Raw] = []
    size = 0
    while len(changes) < settings.batch_changes and size < settings.batch_bytes:
        letter = take()
        if letter is None:
            break
        place = move_on(place, letter)
        if letter.type in _CARRIED:
            changes.append(letter.text)
            size += len(memoryview(letter.text))
    return Batch(changes, place)


def move_on(place: Place, letter: Letter) -> Place:
    """Return where a receiver is after a letter.

    Raises:
        NotAsked: the letter is an error.

    """
    if letter.type == "error":
        raise NotAsked(letter.message)
    if letter.type == "resync":
        return Place(None, place.filters)
    if letter.type == "caught_up":
        return Place(letter.cursor, letter.filters or place.filters)
    if letter.type in {"put", "remove", "heartbeat"}:
        return Place(letter.cursor or place.cursor, place.filters)
    return place


def body_of(webhook_id: str, batch: Batch) -> bytes:
    """Return the body of a delivery."""
    return _ENCODER.encode(Delivery(webhook_id, batch.changes, batch.place.cursor))
