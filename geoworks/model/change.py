"""What the log is made of: records, their changes, and where a reader is in them."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem
from geoworks.model.impact import Impact
from geoworks.model.report import Report, ReportDerived
from geoworks.model.severity import Severity
from geoworks.model.works import Works, WorksDerived
from geoworks.model.zone import Zone, ZoneDerived

Given = Works | Report | Zone
Derived = WorksDerived | ReportDerived | ZoneDerived
Patch = dict[str, Any]

# 18 digits stay below 2**63, the largest offset a store can hold.
_CURSOR = re.compile(r"([0-9A-Za-z]{1,40})\.([0-9]{1,18})")


class Kind(StrEnum):
    """What a feature is."""

    WORKS = "works"
    REPORT = "report"
    ZONE = "zone"


class Key(NamedTuple):
    """What names one feature in the whole town."""

    kind: Kind
    id: str


class Op(StrEnum):
    """What a change does to the current features."""

    PUT = "put"
    REMOVE = "remove"


class Reason(StrEnum):
    """Why a change was written; told to clients, in the log for good."""

    CREATED = "created"
    UPDATED = "updated"
    BEGUN = "begun"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"
    RESTORED = "restored"
    RELEASED = "released"
    REJOINED = "rejoined"
    LEVEL = "level"
    HIDDEN = "hidden"
    MOVED_OUT = "moved-out"
    EXPIRED = "expired"


class Cursor(NamedTuple):
    """A place in a log: `epoch.offset`. Opaque to clients; another epoch is another log."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        """Write the form clients keep."""
        return f"{self.epoch}.{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form clients keep.

        Raises:
            Invalid: the text is no cursor.

        """
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise Invalid(Problem("cursor", f"{text[:60]!r} is no cursor", "send the last cursor you were given"))
        return cls(match[1], int(match[2]))


class Terms(Struct, frozen=True, gc=False):
    """What the driver's filters need of one version of a works.

    `impacts` is what road users meet: of an active works what is in force, else all it will bring. `begins` is when
    it is in force next; None when that is now, or never again. None of it changes before the next version.
    """

    works: Works
    impacts: tuple[Impact, ...]
    in_force: bool
    begins: datetime | None


class MatchKeys(Struct, frozen=True, gc=False):
    """What the matcher needs of one version of a feature.

    `visible` is false for drafts and for what is over: no subscription matches it. `geometry` in lon/lat degrees.
    `terms` are kept in memory only; of a version read from the log they are not known, and every driver's filter lets
    it pass: a removal too many is harmless, one too few is not.
    """

    geometry: BaseGeometry
    visible: bool
    severity: Severity
    zones: tuple[str, ...] = ()
    terms: Terms | None = None


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """One feature as it stands: what was given, what staff corrected, what was derived.

    `given` is what the source or the writer gave; `overlay` (JSON merge patch, RFC 7396, over the given
    properties) is staff's correction that survives every later sync. `version` counts changes of these two,
    `updated` is when the last came. `raw_hash` is of the raw record and its mapping's version, empty outside syncs.
    """

    key: Key
    version: int
    created: datetime
    updated: datetime
    given: Given
    derived: Derived
    source: str
    overlay: Patch | None = None
    raw_hash: bytes = b""


class Change(Struct, frozen=True, gc=False):
    """One numbered entry of the log; `before` is None when the feature was new."""

    offset: int
    at: datetime
    key: Key
    op: Op
    reason: Reason
    version: int
    before: MatchKeys | None = None


class Version(Struct, frozen=True, kw_only=True, gc=False):
    """One version of a feature as history tells it; `actor` is the name of the API key or source that wrote it."""

    version: int
    at: datetime
    reason: Reason
    actor: str
    given: Given
    overlay: Patch | None = None
