"""A town that sends webhooks: real store, real hub, real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from geoworks.config.settings import WebhooksTable
from geoworks.supervisor import background
from tests.web.house import House, feature, opened

QUICK = WebhooksTable(allow_http=True, allow_private=True, first_retry_s=0.01, longest_retry_s=0.05, timeout_s=5.0)
TOWN = {"bbox": [2.0, 48.0, 3.0, 49.0]}


@asynccontextmanager
async def sending(folder: Path, settings: WebhooksTable = QUICK, **tables: object) -> AsyncIterator[House]:
    """Serve a town and send its webhooks until the block ends."""
    async with opened(folder, webhooks=settings, **tables) as house, background({"send": house.town.dispatch.run}):
        yield house


async def register(house: House, url: str, headers: dict[str, str], **fields: object) -> dict[str, Any]:
    """Register a webhook; return it with its secret."""
    body = {"url": url, "area": TOWN, **fields}
    answer = await house.ask("POST", "/v1/webhooks", json=body, headers=headers)
    assert answer.status == 201, answer.body
    made = answer.json()
    return {**made["webhook"], "secret": made["secret"]}


async def look(house: House, id_: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return a webhook as it is shown."""
    answer = await house.ask("GET", f"/v1/webhooks/{id_}", headers=headers)
    assert answer.status == 200, answer.body
    shown: dict[str, Any] = answer.json()
    return shown


async def post_works(house: House, headers: dict[str, str], *titles: str) -> list[str]:
    """Post works of these titles; return their ids."""
    ids = []
    for title in titles:
        answer = await house.ask("POST", "/v1/works", json=feature(title), headers=headers)
        assert answer.status == 201, answer.body
        ids.append(answer.json()["id"])
    return ids
