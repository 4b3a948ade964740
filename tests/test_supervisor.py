"""Background work: begun again when it fails, ended with its block, its errors told as they are."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest

from geoworks.errors import ServiceStopping, StoreBusy, StoreError, StoreUnreachable, StoreUnusable
from geoworks.supervisor import background, supervised


class HastySelector(selectors.DefaultSelector):
    """Waits for nothing: what it would have waited is added up instead."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now, and count the wait as passed."""
        ready = super().select(0)
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class HastyLoop(asyncio.SelectorEventLoop):
    """A loop in which an hour of sleeping takes no time."""

    def __init__(self) -> None:
        """Begin with no time passed."""
        self._hasty = HastySelector()
        super().__init__(self._hasty)

    def time(self) -> float:
        """Return the seconds slept through."""
        return self._hasty.passed_s


def run_hastily(work: Coroutine[Any, Any, None]) -> None:
    """Run something without waiting for its waits."""
    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        runner.run(work)


class Failing:
    """A work that fails so many times, after some seconds each, then goes on until it is cancelled."""

    def __init__(self, times: int, *, after_s: float = 0, error: Exception | None = None) -> None:
        """Fail `times` times, with this error where one is given."""
        self.begins: list[float] = []
        self.settled = asyncio.Event()
        self.cancelled = False
        self._times = times
        self._after_s = after_s
        self._error = error

    async def __call__(self) -> None:
        """Fail, or settle down."""
        self.begins.append(asyncio.get_running_loop().time())
        if len(self.begins) <= self._times:
            await asyncio.sleep(self._after_s)
            raise self._error or ConnectionError(f"failure {len(self.begins)}")
        self.settled.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True

    @property
    def waits(self) -> list[float]:
        """Return the seconds between one begin and the next."""
        return [round(after - before, 3) for before, after in pairwise(self.begins)]


def test_waits_grow_up_to_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A work that fails is begun again after 1, 2, 4 seconds and so on up to a minute, and each failure is logged."""

    async def go() -> None:
        failing = Failing(8)
        async with supervised({"levels": failing}):
            await failing.settled.wait()
        assert failing.waits == [1, 2, 4, 8, 16, 32, 60, 60]
        assert failing.cancelled

    run_hastily(go())
    assert [record.message for record in caplog.records][:2] == [
        "levels failed and begins again in 1 s",
        "levels failed and begins again in 2 s",
    ]
    assert all(record.exc_info for record in caplog.records)


def test_waits_begin_anew_after_a_good_time(caplog: pytest.LogCaptureFixture) -> None:
    """A work that went well for longer than a minute is begun again after a second, however often it failed before."""

    async def go() -> None:
        failing = Failing(4, after_s=3600)
        async with supervised({"sources": failing}):
            await failing.settled.wait()
        assert failing.waits == [3601] * 4

    run_hastily(go())
    assert len(caplog.records) == 4


@pytest.mark.parametrize(
    ("error", "level", "traced"),
    [
        (StoreUnreachable("the server restarts"), "WARNING", False),
        (StoreBusy("all connections are in use"), "WARNING", False),
        (StoreError("nobody foresaw this"), "ERROR", True),
        (StoreUnusable("not a database"), "ERROR", True),
    ],
)
def test_what_passes_is_told_in_a_line(
    error: Exception, level: str, *, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes over by itself is told by its message alone; what may be a fault of ours, with where it came up."""

    async def go() -> None:
        failing = Failing(1, error=error)
        async with supervised({"webhooks": failing}):
            await failing.settled.wait()

    run_hastily(go())
    (told,) = caplog.records
    assert (told.levelname, bool(told.exc_info)) == (level, traced)
    assert traced or told.message == f"webhooks begins again in 1 s: {error}"


async def test_others_go_on() -> None:
    """A work that fails disturbs neither the others nor the block."""
    failing, steady = Failing(1), Failing(0)
    async with supervised({"failing": failing, "steady": steady}):
        await failing.settled.wait()
        await steady.settled.wait()
    assert len(steady.begins) == 1
    assert failing.cancelled
    assert steady.cancelled


async def test_a_work_that_returns_is_done() -> None:
    """A work that returns is not begun again."""
    begins: list[int] = []

    async def once() -> None:
        begins.append(1)

    async with supervised({"once": once}):
        for _ in range(10):
            await asyncio.sleep(0)
    assert begins == [1]


async def test_error_of_a_work() -> None:
    """The sole error of a background group comes out as itself and ends the block."""
    reached = asyncio.Event()
    with pytest.raises(ConnectionError, match="failure 1"):
        async with background({"desk": Failing(1)}):
            await reached.wait()


async def test_error_of_the_block() -> None:
    """An error of the block comes out as itself, through groups in groups, and the works are cancelled."""
    steady = Failing(0)

    async def fail_inside() -> None:
        async with background({"outer": Failing(0)}), background({"inner": steady}):
            await steady.settled.wait()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail_inside()
    assert steady.cancelled


async def test_errors_of_several_works() -> None:
    """When several fail at once none of their errors is lost."""

    async def fail_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    with pytest.raises(ExceptionGroup) as failed:
        async with background({"one": fail_at_the_end, "two": fail_at_the_end}):
            await asyncio.sleep(0)
    assert [type(error) for error in failed.value.exceptions] == [ValueError, ValueError]


async def test_a_work_that_hears_the_service_stops_is_done(caplog: pytest.LogCaptureFixture) -> None:
    """It is not begun again, and nobody is told of a failure."""
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        raise ServiceStopping("the service is stopping")

    async with supervised({"work": work}):
        await asyncio.sleep(0.01)
    assert begun == 1
    assert not caplog.records
