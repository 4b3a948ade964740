"""Every error geoworks raises on purpose, as one tree.

::

    GeoworksError
    |- Invalid            the input is wrong; carries one Problem per fault
    |  |- TooLarge        a bound of docs/settings.md was passed
    |  `- ConfigError     a setting is wrong
    |- Unauthorized       no key, or one we do not know
    |- Forbidden          the key's role does not allow this
    |- NotFound           no such feature, source, page
    |- Conflict           the state of the feature does not allow this
    |- StaleVersion       If-Match names an old version
    |- KeyReused          the Idempotency-Key came with another body
    |- TooMany            a rate limit was passed
    |- TooSlow            the body does not arrive
    |- SourceError        a source cannot be reached or read
    |- StoreError         the store cannot do its work
    |  |- StoreFull       the disk is full
    |  |- StoreBusy       another process holds the data directory
    |  |- StoreReadOnly   the data directory, file or database cannot be written
    |  |- StoreUnusable   the file or database is damaged, lacks something or is from another release
    |  |- StoreUnreachable the database server does not answer
    |  |- StoreUncertain  the connection broke while the database committed
    |  |- Overtaken       another node wrote the same feature meanwhile
    |  `- LeadLost        another node gives the offsets now
    |- BusError           no news passes between nodes
    `- ServiceStopping    the process is shutting down

Each class has a stable `code` (part of the API), says whether trying again later
can help (`temporary`), and its message tells how to mend the cause. Only
`geoworks.web.problems` turns them into HTTP statuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class Problem(NamedTuple):
    """One fault of one input: where it is, what is wrong, how to mend it."""

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """Say the fault in one line."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.mend})" if self.mend else text


class GeoworksError(Exception):
    """The root; its message is fit for the person who caused the error."""

    code: ClassVar[str] = "error"
    temporary: ClassVar[bool] = False


class Invalid(GeoworksError):
    """The input is wrong; `problems` tells each fault."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        """Keep the faults; the message is all of them, one a line."""
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class TooLarge(Invalid):
    """The input passes a documented bound of size, depth or count."""

    code = "too-large"


class ConfigError(Invalid):
    """A setting is unknown, of the wrong type or out of range."""

    code = "config"


class Unauthorized(GeoworksError):
    """No credentials, or credentials nobody gave out."""

    code = "unauthorized"


class Forbidden(GeoworksError):
    """The credentials are good and their role does not allow this."""

    code = "forbidden"


class NotFound(GeoworksError):
    """What was named does not exist, or not for this reader."""

    code = "not-found"


class Conflict(GeoworksError):
    """The feature's state does not allow the request."""

    code = "conflict"


class StaleVersion(GeoworksError):
    """The feature has moved on since the version the writer saw."""

    code = "stale-version"


class KeyReused(GeoworksError):
    """The same Idempotency-Key was sent with another body."""

    code = "idempotency-key-reused"


class TooMany(GeoworksError):
    """A rate limit was passed; `retry_after_s` says when to come back."""

    code = "too-many"
    temporary = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        """Keep the wait, in seconds."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooSlow(GeoworksError):
    """The body came more slowly than `server.body_bytes_per_s`."""

    code = "too-slow"
    temporary = True


class SourceError(GeoworksError):
    """A source cannot be reached, or what it gave cannot be read."""

    code = "source"
    temporary = True


class StoreError(GeoworksError):
    """The store cannot do its work."""

    code = "store"
    temporary = True


class StoreFull(StoreError):
    """The disk is full; writes are refused until there is room."""

    code = "store-full"


class StoreBusy(StoreError):
    """Another process holds the data directory or the database, or all connections are in use."""

    code = "store-busy"


class StoreReadOnly(StoreError):
    """The data directory, the file in it or the database cannot be written."""

    code = "store-read-only"


class StoreUnusable(StoreError):
    """The file or database is damaged, lacks what we need, or was written by another release."""

    code = "store-unusable"
    temporary = False


class StoreUnreachable(StoreError):
    """The database server does not answer; nothing was written."""

    code = "store-unreachable"


class StoreUncertain(StoreError):
    """The connection broke while the database committed: `Store.settle` tells what became of it, once it answers."""

    code = "store-uncertain"


class Overtaken(StoreError):
    """Another node wrote a feature of the batch after this one read it; what was wanted is run again on what stands."""

    code = "overtaken"


class LeadLost(StoreError):
    """Another node gives the offsets of the log now."""

    code = "lead-lost"


class BusError(GeoworksError):
    """What carries news between nodes does not; nothing is lost, changes are told up to `node.poll_s` later."""

    code = "bus"
    temporary = True


class ServiceStopping(GeoworksError):
    """The process is shutting down and takes no more writes."""

    code = "stopping"
    temporary = True
