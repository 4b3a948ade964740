"""What can go wrong for good."""

from __future__ import annotations

from collections.abc import Mapping
from socket import gaierror

from geoworks.errors import GeoworksError

# What trying again does not mend, of the closing codes of docs/stream.md and RFC 6455; all others are worth it.
_FOR_GOOD = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 4002})
_FIRST_CLOSE = 1000
# The system's own words name numbers of errors and calls.
_WORDS: Mapping[type[Exception], str] = {
    ConnectionRefusedError: "the connection was refused",
    TimeoutError: "no answer came in time",
    gaierror: "no host has this name",
}


def is_for_good(code: int) -> bool:
    """Tell whether a connection that was closed with a code, or refused with an HTTP status, would be so again."""
    return code in _FOR_GOOD or code < _FIRST_CLOSE


def why_not(error: Exception) -> str:
    """Tell in words why no connection came about."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    return str(error) or type(error).__name__


class Unreachable(GeoworksError):
    """The first connection could not be made; later ones are tried again and again."""

    code = "stream-unreachable"
    temporary = True


class Unintelligible(GeoworksError):
    """What the server says is not the stream's language."""

    code = "stream-unintelligible"


class Refused(GeoworksError):
    """The server does not take a question; the stream goes on with the others."""

    code = "stream-refused"

    def __init__(self, message: str, *, number: int, id: str | None) -> None:  # noqa: A002 - the protocol's word
        """Keep the number of the table of codes in docs/stream.md and the subscription it is about, if any."""
        super().__init__(message)
        self.number = number
        self.id = id


class Ended(GeoworksError):
    """The server closed the connection, and would do so again."""

    code = "stream-ended"

    def __init__(self, message: str, *, number: int) -> None:
        """Keep the closing code, or the status of the handshake."""
        super().__init__(message)
        self.number = number


class AreaRefused(GeoworksError):
    """The town does not keep an area; the message says why."""

    code = "area-refused"

    def __init__(self, message: str, *, status: int, retry_after_s: float = 0.0) -> None:
        """Keep the HTTP status, and how long the town asks to wait before trying again."""
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
