"""What the doors of citizens share: their limit on reports, the links they follow them by, their photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from geoworks.config.settings import Settings
from geoworks.model.change import Record
from geoworks.pipeline.album import Album
from geoworks.pipeline.links import Links
from geoworks.pipeline.photos import PhotoLab
from geoworks.pipeline.reports import given_report
from geoworks.pipeline.suggest import NearWorks, find_category, handling, near_works
from geoworks.web.auth import is_staff
from geoworks.web.language import language_of
from geoworks.web.limits import Buckets, household
from geoworks.web.origin import public_root
from geoworks.web.services import SERVICES, services


@dataclass(frozen=True, kw_only=True)
class Citizens:
    """The parts that only reports need."""

    buckets: Buckets
    links: Links
    album: Album
    lab: PhotoLab


CITIZENS = web.AppKey("citizens", Citizens)


def add_citizens(app: web.Application) -> None:
    """Have the parts ready while an application runs; its services must be set."""
    app.cleanup_ctx.append(_open)


async def _open(app: web.Application) -> AsyncIterator[None]:
    house = app[SERVICES]
    lab = PhotoLab(house.settings.limits)
    app[CITIZENS] = Citizens(
        buckets=Buckets(burst=house.settings.server.report_burst, per_minute=house.settings.server.report_per_minute),
        links=await Links.load(house.store),
        album=Album(house.store, house.state, clock=house.clock),
        lab=lab,
    )
    yield
    await asyncio.to_thread(lab.close)


def citizens(request: web.Request) -> Citizens:
    """Return what the doors of citizens share."""
    return request.app[CITIZENS]


def limit_reports(request: web.Request) -> None:
    """Count a report against the address it comes from; the town's own people are not limited.

    Raises:
        TooMany: this address has sent as many as it may for now.

    """
    if not is_staff(request):
        citizens(request).buckets.take(household(request.remote or ""))


def told_about(request: web.Request, record: Record) -> tuple[str, str, list[NearWorks]]:
    """Return who handles a report and why, in the reader's language, and the works near it."""
    house, report = services(request), given_report(record)
    reports = house.settings.reports
    works = near_works(house.state, report.geometry.centroid, radius_m=reports.near_works_m)
    language = language_of(request, first=house.settings.town.language)
    who = handling(find_category(report.category, reports.categories), works, language=language)
    return who.handler, who.reason, works


def link_url(settings: Settings, token: str) -> str:
    """Return the address of the page on which a report is followed; without `public_url` it begins with a slash."""
    return f"{public_root(settings)}/r/{token}"


def photo_urls(settings: Settings, record: Record, *, token: str = "") -> list[str]:
    """Return the addresses of a report's photos; with its token they answer before the release too."""
    door = f"{settings.server.base_path}/v1/reports/{record.key.id}/photos"
    proof = f"?token={token}" if token else ""
    return [f"{door}/{number}{proof}" for number in range(1, given_report(record).photos + 1)]
