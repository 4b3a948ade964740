"""A report: what a citizen tells the town about a road or a parking place."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from shapely.geometry.base import BaseGeometry


class ReportStatus(StrEnum):
    """Where a report is; Open311 knows only open and closed."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def over(self) -> bool:
        """Whether nobody will work on it any more."""
        return self in {ReportStatus.RESOLVED, ReportStatus.REFUSED, ReportStatus.WITHDRAWN}


class ReportStep(Struct, frozen=True, gc=False):
    """One step in the life of a report, with what the town answers the citizen."""

    at: datetime
    status: ReportStatus
    answer: str = ""


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="report", tag_field="kind", gc=False):
    """The given fields of a report; `geometry` a point in lon/lat degrees (EPSG:4326).

    `text` and the photos are public only once `released`; `token_hash` (the follow-up link) never.
    """

    category: str
    geometry: BaseGeometry
    text: str = ""
    place: str = ""
    photos: int = 0
    released: bool = False
    status: ReportStatus = ReportStatus.RECEIVED
    steps: tuple[ReportStep, ...] = ()
    token_hash: str = ""


class ReportDerived(Struct, frozen=True, tag="report", gc=False):
    """Where a report lies: the zones around it and the works it may be about."""

    zones: tuple[str, ...] = ()
    works: tuple[str, ...] = ()
