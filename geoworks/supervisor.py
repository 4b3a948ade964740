"""Keeps background work going: what fails is logged and begun again, ever later up to a minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

from geoworks.errors import ServiceStopping, StoreBusy, StoreUnreachable
from geoworks.tasks import Tasks

Work: TypeAlias = Callable[[], Awaitable[None]]

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0

# What a database that restarts or is busy makes of any work. Other errors of the store may be faults of ours.
_PASSING = (StoreBusy, StoreUnreachable)

_log = logging.getLogger(__name__)


@asynccontextmanager
async def background(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run works (by name) beside the block and cancel them at its end; one that fails ends the block with its error.

    An error of the block comes out as itself, not in a group.
    """
    try:
        async with Tasks() as group:
            tasks = [group.create_task(_run(work), name=name) for name, work in works.items()]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as failed:
        raise _sole(failed) from failed


@asynccontextmanager
async def supervised(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run works (by name) beside the block, each begun again when it fails, and cancel them at its end.

    One that hears that the service stops is done.
    """
    async with background({name: _Supervised(name, work) for name, work in works.items()}):
        yield


class _Supervised:
    """Runs a work until it returns or is cancelled; starts it again when it fails."""

    def __init__(self, name: str, work: Work) -> None:
        self._name = name
        self._work = work

    async def __call__(self) -> None:
        time, wait_s = asyncio.get_running_loop().time, _FIRST_WAIT_S
        while True:
            began = time()
            try:
                await self._work()
            except ServiceStopping:
                return
            except Exception as error:  # noqa: BLE001 - the supervisor: whatever failed is logged, and the work goes on
                # One that went well for a while has not been failing all along.
                wait_s = wait_s if time() - began < _LONGEST_WAIT_S else _FIRST_WAIT_S
                self._tell(error, wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                return

    def _tell(self, error: Exception, wait_s: float) -> None:
        if isinstance(error, _PASSING):
            # It says what is amiss; where it came up helps nobody who reads the log that night.
            _log.warning("%s begins again in %.0f s: %s", self._name, wait_s, error)
        else:
            _log.error("%s failed and begins again in %.0f s", self._name, wait_s, exc_info=error)


async def _run(work: Work) -> None:
    await work()


def _sole(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error of a group that has but one, else the group."""
    if len(group.exceptions) > 1:
        return group
    only = group.exceptions[0]
    return _sole(only) if isinstance(only, BaseExceptionGroup) else only
