"""What goes wrong on the way to a NATS server and in it, in one sentence each, with its mend."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import nats.errors
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from geoworks.errors import BusError

# `err_code` of the JetStream API (server/errors.json of nats-server) and what to do.
_API: Mapping[int, str] = {
    10023: "give JetStream more room on its disk (max_file_store), or lower bus.keep_bytes",
    10028: "give the account more room in JetStream, or lower bus.keep_bytes",
    10039: "enable JetStream for the account that this node logs in to",
    10047: "give JetStream more room on its disk (max_file_store), or lower bus.keep_bytes",
    10065: "another stream takes the same subjects: name another in bus.stream",
}
_NO_JETSTREAM = "has no JetStream: start nats-server with -js -sd <folder>, or write jetstream {} in its configuration"
_REFUSED = ("authorization", "authentication", "permissions violation", "user authentication")
_LET_IN = (
    "give name and password by GEOWORKS_BUS_NATS_SERVERS, and let this user use $JS.API.>, _INBOX.> and the subjects "
    "of bus.stream"
)
# What the library raises when an answer is not the one that the protocol says.
_UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError)
_UNREACHABLE = "cannot be reached ({text}): see that the NATS server runs, and look at bus.nats_servers"
_TOLD: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str]] = (
    (
        nats.errors.SecureConnWantedError,
        "does not speak TLS: give the server a certificate, or write nats:// for it in bus.nats_servers",
    ),
    (
        ssl.SSLError,
        "shows a certificate that is not believed ({text}): mend it, or name your own authority in SSL_CERT_FILE",
    ),
    (
        (asyncio.TimeoutError, nats.errors.NoRespondersError),
        "does not answer: see that the server runs and is not overloaded",
    ),
    (_UNREADABLE, "answers what cannot be read ({text}): see that it is a NATS server"),
)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn errors of the library, the network and the server into `BusError`; `place` is an address to show."""
    try:
        yield
    except (nats.errors.Error, OSError, TimeoutError, *_UNREADABLE) as error:
        # Not `from error`: what the library read from an address may hold its password.
        raise BusError(sentence(place, error)) from None


def sentence(place: str, error: Exception) -> str:
    """Say what went wrong with the server at this address, and how to mend it."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, APIError):
        return _jetstream(place, error)
    if any(word in text.lower() for word in _REFUSED):
        return f"{place} does not let this node do what it must ({text}): {_LET_IN}"
    told = next((told for kinds, told in _TOLD if isinstance(error, kinds)), _UNREACHABLE)
    return f"{place} {told.format(text=text)}"


def _jetstream(place: str, error: APIError) -> str:
    if isinstance(error, ServiceUnavailableError) and error.err_code is None:
        return f"{place} {_NO_JETSTREAM}"
    if isinstance(error, NotFoundError):
        return f"{place} lost the stream: it is made anew"
    mend = _API.get(error.err_code or 0, "look at the server's log")
    return f"JetStream at {place} says {str(error.description)[:200]!r}: {mend}"
