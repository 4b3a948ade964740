"""Whether a client may go on from the cursor it kept."""

from __future__ import annotations

from geoworks.errors import Invalid
from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused, ResyncReason
from geoworks.model.change import Cursor


def read_cursor(text: str) -> Cursor:
    """Read the cursor a client kept.

    Raises:
        Refused: it is none.

    """
    try:
        return Cursor.parse(text)
    except Invalid as error:
        raise Refused(Code.CURSOR, str(error)) from error


def why_not(since: Cursor, head: Cursor, *, same_filters: bool, moving: bool) -> ResyncReason | None:
    """Return why a cursor cannot be resumed from, or None; that it is too old shows when the log is read.

    What is `moving` changed by the clock or the driver too, while the client was away; of that there is no log.
    """
    if since.epoch != head.epoch:
        return "epoch"
    if since.offset > head.offset:
        return "future"
    if not same_filters:
        return "filters"
    return "moving" if moving else None
