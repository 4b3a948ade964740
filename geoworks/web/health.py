"""Whether the process lives, and whether it can do its work; for supervisors and load balancers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web
from msgspec import Struct

from geoworks.errors import StoreError
from geoworks.web.answers import answer
from geoworks.web.route import Door
from geoworks.web.services import Services, services

TAG = "health"
_TIMEOUT_S = 2.0


class Health(Struct, frozen=True):
    """One word, and where the log is."""

    status: str
    cursor: str = ""


async def live(_: web.Request) -> web.StreamResponse:
    """Answer that the event loop turns."""
    return answer(Health("live"))


async def ready(request: web.Request) -> web.StreamResponse:
    """Answer that the store can be read; 503 when it cannot."""
    house = services(request)
    await ask_store(house)
    return answer(Health("ready", str(house.state.cursor)))


async def ask_store(house: Services) -> None:
    """See that the store can be read.

    Raises:
        StoreError: it cannot, or does not answer.

    """
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await house.store.document("health", "ready")
    except TimeoutError as error:
        raise StoreError("the store does not answer; look at the disk of the data directory") from error


DOORS: Sequence[Door] = (
    Door(method="GET", path="/health/live", handler=live, summary="The process lives", tag=TAG, answer=Health),
    Door(
        method="GET",
        path="/health/ready",
        handler=ready,
        summary="The process can do its work",
        tag=TAG,
        answer=Health,
        errors=(StoreError,),
    ),
)
