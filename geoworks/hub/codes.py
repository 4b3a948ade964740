"""Every error and close code of the stream, as one table."""

from __future__ import annotations

from enum import Enum

_FIRST_CLOSE = 1000


class Code(Enum):
    """The codes: number, stable name, meaning; from 1000 on they close the connection, the others are messages."""

    MALFORMED = (100, "malformed", "The frame is no JSON object, or is nested too deeply.")
    UNKNOWN_TYPE = (101, "unknown-type", "The message has no type, or one that is not taken.")
    INVALID = (102, "invalid", "A field is unknown, missing, of the wrong type or out of its bounds.")
    AREA = (103, "area", "The area is not one of those taken, or is no valid place.")
    AREA_TOO_LARGE = (104, "area-too-large", "The polygon or the line has too many vertices.")
    TOO_MANY_SUBSCRIPTIONS = (105, "too-many-subscriptions", "The connection holds as many subscriptions as it may.")
    UNKNOWN_SUBSCRIPTION = (106, "unknown-subscription", "No subscription has this id.")
    RESUME_LATE = (107, "resume-late", "A resume came after another subscribing message.")
    CURSOR = (108, "cursor", "What was sent as a cursor is none.")
    BUSY = (109, "busy", "Too many messages wait to be answered; this one was dropped.")
    AREA_UNKNOWN = (110, "area-unknown", "No area has this id, or none has it any more; post it again.")
    TOO_FAST = (111, "too-fast", "Messages come too fast; this one was dropped. Of positions the last one waits.")
    GOING_AWAY = (1001, "going-away", "The server stops; connect again and resume.")
    BINARY = (1003, "binary", "A binary frame came; messages are JSON in text frames.")
    LOST = (1006, "lost", "No close frame came: the network failed, or the client did not read and was cut; resume.")
    NOT_TEXT = (1007, "not-text", "A text frame was not UTF-8.")
    FRAME_TOO_LARGE = (1009, "frame-too-large", "A frame was larger than the server takes.")
    SILENT = (4001, "silent", "No message that can be taken came in time.")
    TOO_MANY_ERRORS = (
        4002,
        "too-many-errors",
        "A hundred messages could not be taken in short order (one is forgiven every 2 s).",
    )

    @property
    def number(self) -> int:
        """Return the number sent."""
        return self.value[0]

    @property
    def label(self) -> str:
        """Return the stable name."""
        return self.value[1]

    @property
    def meaning(self) -> str:
        """Return what it means, in a sentence."""
        return self.value[2]

    @property
    def temporary(self) -> bool:
        """Tell whether connecting or sending again later can help."""
        return self in _TEMPORARY

    @property
    def closes(self) -> bool:
        """Tell whether the connection ends with it."""
        return self.number >= _FIRST_CLOSE


_TEMPORARY = frozenset({Code.BUSY, Code.TOO_FAST, Code.GOING_AWAY, Code.LOST, Code.SILENT})
