"""Keeps background work going: what fails is logged and begun again, ever later up to a minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0

_log = logging.getLogger(__name__)


async def supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until it returns or is cancelled; start it again when it fails."""
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - the supervisor: whatever failed is logged, and the work goes on
            _log.exception("%s failed and begins again in %.0f s", name, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        else:
            return
