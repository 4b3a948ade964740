"""A webhook: who wants what sent where, and how far the sending has come."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused, Resume, Wanted
from geoworks.hub.subscriptions import Subscriptions

# The cursor of a receiver that has nothing yet: a place in no log, so that it is told to begin anew.
NOWHERE = "0.0"


class WebhookState(StrEnum):
    """How a webhook fares; all but the first two are for good."""

    WORKING = "working"
    FAILING = "failing"
    GONE = "gone"
    GIVEN_UP = "given-up"
    KEY_REVOKED = "key-revoked"
    REFUSED = "refused"


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook as it is registered; `owner` is the id of the key, `secret` what deliveries are signed with."""

    id: str
    owner: str
    url: str
    wanted: Wanted
    secret: bytes
    created: datetime

    def __repr__(self) -> str:
        """Name it without its secret and its address, which may hold one too."""
        return f"Webhook({self.id!r})"


class Progress(Struct, frozen=True, kw_only=True):
    """How far the sending has come: everything up to `cursor` was taken by the receiver."""

    cursor: str
    filters: str
    state: WebhookState = WebhookState.WORKING
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str = ""
    last_delivery: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing is sent any more."""
        return self.state not in {WebhookState.WORKING, WebhookState.FAILING}


def secret_text(secret: bytes) -> str:
    """Write a secret as the Standard Webhooks specification wants it."""
    return f"whsec_{b64encode(secret).decode()}"


def filters_of(wanted: Wanted) -> str:
    """Return the hash of filters of a question.

    Raises:
        Invalid: its area is none.

    """
    asked = Subscriptions()
    try:
        asked.add(wanted, most=1)
    except Refused as error:
        kind = TooLarge if error.fault is Code.AREA_TOO_LARGE else Invalid
        raise kind(Problem("area", str(error), "docs/stream.md tells what an area is")) from error
    return asked.hash()


def resume_text(wanted: Wanted, progress: Progress) -> str:
    """Return the message by which the hub is asked to go on."""
    resume = Resume(since=progress.cursor, filters=progress.filters, subscriptions=(wanted,))
    return msgspec.json.encode(resume).decode()
