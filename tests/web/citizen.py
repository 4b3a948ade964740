"""A citizen who reports: what they send, and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import FormData

from tests.web.house import Answer, House

HERE = (2.3065, 48.6347)


def a_report(
    text: str = "Un trou sur la chaussée", *, at: tuple[float, float] = HERE, **fields: object
) -> dict[str, Any]:
    """Return a report as the page sends it."""
    return {"text": text, "geometry": {"type": "Point", "coordinates": list(at)}, **fields}


def form(report: dict[str, Any], photos: Sequence[bytes]) -> FormData:
    """Return a report with photos as the page sends it."""
    made = FormData()
    made.add_field("report", json.dumps(report), content_type="application/json")
    for photo in photos:
        made.add_field("photo", photo, filename="photo.jpg", content_type="image/jpeg")
    return made


async def send(house: House, report: dict[str, Any], photos: Sequence[bytes] = (), **headers: str) -> Answer:
    """Send a report, as a form when it has photos; `_` in the names of headers is `-`."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if photos:
        return await house.ask("POST", "/v1/reports", data=form(report, photos), headers=told)
    return await house.ask("POST", "/v1/reports", json=report, headers=told)


async def filed(house: House, report: dict[str, Any] | None = None, photos: Sequence[bytes] = ()) -> dict[str, Any]:
    """Send a report that must be taken and return what was answered, with its `token`."""
    answer = await send(house, report or a_report(), photos)
    assert answer.status == 201, answer.body
    said: dict[str, Any] = answer.json()
    return said | {"token": said["url"].rpartition("/")[2]}


async def follow(house: House, token: str) -> dict[str, Any]:
    """Return what a citizen reads by their link."""
    answer = await house.ask("GET", f"/v1/reports/follow/{token}")
    assert answer.status == 200, answer.body
    said: dict[str, Any] = answer.json()
    return said
